"""`segmint trial score`: the statistics of a trial on label maps that segmenters trained elsewhere, such as nnU-Net, gave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from segmint.data.dataset import Dataset, shortened
from segmint.data.slices import SliceSet
from segmint.errors import UserError
from segmint.evaluation.arms import Arm, parse_arm
from segmint.evaluation.cells import CellResult, plan_cells
from segmint.evaluation.design import Design, design_trial
from segmint.evaluation.export import exported_ending
from segmint.evaluation.outcome import conclude, write_outcome
from segmint.evaluation.outside_folds import design_folds
from segmint.evaluation.pooling import Fold, pool_results
from segmint.evaluation.scoring import score_maps
from segmint.evaluation.table import trial_table
from segmint.outputs import check_target, refuse_inputs, staged_folder


def score_predictions(
    real: Path,
    synthetic: Sequence[Path] = (),
    *,
    predictions: Sequence[tuple[str, Path]],
    out: Path,
    subset: str | None = None,
    repeat: str | None = None,
    surface_tolerance: float | None = None,
    primary: str | None = None,
    folds: int | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> Path:
    """Score label maps of the test subjects, arm by arm, and say what follows, as `segmint.trial` does.

    Whether segmenters trained elsewhere had converged, or had equal steps, nobody can tell here; the notes say so. What the
    generators of the synthetic sets have seen is checked as in a trial.

    Args:
        real: the real dataset, with its split; synthetic: the sets that the arms with F learned from.
        predictions: (arm, folder) with one label map for each case of each test subject, named as in `labelsTr`. An arm given
            several times has several seeds; all arms have the same number. With several synthetic sets, the k-th folder of
            an arm is taken to have learned from set k modulo their number.
        out: folder to write: trial.json and trial.csv.
        subset: the stored training set that was R; repeat: the label of arms with B.
        folds: each folder holds the maps of all subjects, each by the segmenter of the fold that tests it, as `export_arms` deals
            them; `synthetic` is then one set for each fold.
        surface_tolerance, primary: as in `segmint.trial`; name an arm before you look at any result.
        overwrite: replace what is at `out`.
        progress: print the table.

    Returns:
        `out`.

    Raises:
        UserError: a map is missing, damaged or on another grid; arms differ in their number of folders; an arm refuses a
            synthetic set; `out` exists.
    """
    out = Path(out)
    given = [Path(real), *map(Path, synthetic), *(Path(folder) for _, folder in predictions)]
    check_target(out, overwrite=overwrite, inputs=given)
    folders = _by_arm(predictions)
    designs = _designed(
        Path(real),
        synthetic,
        folders,
        subset=subset,
        repeat=repeat,
        surface_tolerance=surface_tolerance,
        primary=primary,
        folds=folds,
    )
    refuse_inputs(out, [one for design in designs for one in design.inputs])
    console = Console(stderr=True, quiet=not progress, soft_wrap=True, markup=False, highlight=False)
    scored = []
    for number, design in enumerate(designs):
        if folds is not None:
            console.print(f"fold {number + 1} of {folds}: {len(design.regime.split.test)} subjects")
        scored.append(Fold(design, tuple(_scored(design, folders, console))))
    if folds is None:
        content = conclude(designs[0], scored[0].results, outside=True)
    else:
        content = conclude(designs[0], pool_results(scored), outside=True, folds=scored)
    content["notes"] += _surplus(designs, folders)
    content["predictions"] = [{"arm": arm.name, "folder": str(one)} for arm, of in folders.items() for one in of]
    with staged_folder(out, overwrite=overwrite) as staging:
        write_outcome(staging, content)
    if progress:
        Console().print(trial_table(content))
    return out


def _scored(design: Design, folders: Mapping[Arm, Sequence[Path]], console: Console) -> Iterator[CellResult]:
    """Every arm and seed, by the maps of the test subjects."""
    for cell in plan_cells(design.arms, seeds=design.seeds, synthetic_sets=len(design.synthetic)):
        folder = folders[cell.arm][cell.seed]
        console.print(f"{cell.arm.name}  {folder}")
        slices, indices = design.regime.slices, design.regime.test
        scores = score_maps(_stored(folder, slices, indices), slices, indices, tolerance=design.surface_tolerance)
        counts = {subject: score.counts for subject, score in sorted(scores.items())}
        metrics = {subject: score.metrics for subject, score in sorted(scores.items())}
        yield CellResult(cell, counts, [], metrics)


def _surplus(designs: Sequence[Design], folders: Mapping[Arm, Sequence[Path]]) -> list[str]:
    """Maps that are of no tested case: they may be of the training, or wrongly named."""
    notes = []
    for folder in (one for of in folders.values() for one in of):
        read = set()
        for design in designs:
            slices, indices = design.regime.slices, design.regime.test
            cases = {slices.records[i].case for i in indices.tolist()}
            read |= {_file(folder, case, slices.dataset) for case in cases}
        endings = {design.regime.slices.dataset.file_ending for design in designs} | {
            exported_ending(design.regime.slices.dataset) for design in designs
        }
        others = sorted(
            path.name for path in folder.iterdir() if path.name.endswith(tuple(endings)) and path not in read
        )
        if others:
            notes.append(
                f"{folder} holds {len(others)} label map{'s' if len(others) > 1 else ''} of no tested case, not looked at:"
                f" {shortened(others)}."
            )
    return notes


def _by_arm(predictions: Sequence[tuple[str, Path]]) -> dict[Arm, list[Path]]:
    folders: dict[Arm, list[Path]] = {}
    for name, folder in predictions:
        if not Path(folder).is_dir():
            raise UserError(
                f"--predictions {name}={folder}: there is no such folder; give one with a label map a case."
            )
        folders.setdefault(parse_arm(name), []).append(Path(folder))
    if not folders:
        raise UserError("--predictions: none is given; give ARM=DIR for each arm, such as 100R=predictions.")
    numbers = {len(of): arm for arm, of in folders.items()}
    if len(numbers) > 1:
        (few, one), (many, other) = sorted(numbers.items())[:2]
        raise UserError(
            f"--predictions: the arm {one.name} has {few} and {other.name} has {many}: give every arm as many, one a seed."
        )
    given = [folder.resolve() for of in folders.values() for folder in of]
    twice = next((folder for folder in given if given.count(folder) > 1), None)
    if twice is not None:
        raise UserError(f"--predictions: {twice} is given twice; give each folder once.")
    return folders


def _designed(
    real: Path,
    synthetic: Sequence[Path],
    folders: dict[Arm, list[Path]],
    *,
    subset: str | None,
    repeat: str | None,
    surface_tolerance: float | None,
    primary: str | None,
    folds: int | None,
) -> list[Design]:
    make = partial(
        design_trial,
        real,
        size=None,
        axis=None,
        arms=[arm.name for arm in folders],
        seeds=len(next(iter(folders.values()))),
        steps=None,
        batch=None,
        segmenter="unet",
        subset=subset,
        real_slices=None,
        repeat=repeat,
        surface_tolerance=surface_tolerance,
        primary=primary,
        device="cpu",
        demonstration=False,
    )
    return design_folds(make, real, [Path(path) for path in synthetic], folds=folds, subset=subset)


def _stored(folder: Path, slices: SliceSet, indices: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Slices of the label maps in a folder, each file read once, since those of a case follow one another."""
    dataset = slices.dataset
    cases = {case.id: case for case in dataset.cases}
    last, ids = "", np.zeros(0, dtype=np.uint8)
    for i in indices.tolist():
        record = slices.records[i]
        if record.case != last:
            last, ids = record.case, dataset.read_prediction(cases[record.case], _file(folder, record.case, dataset))
        yield i, ids if slices.axis is None else np.take(ids, record.slice, axis=slices.axis)


def _file(folder: Path, case: str, dataset: Dataset) -> Path:
    """Of a prediction: named as in the dataset, or as `segmint trial export` names it."""
    exported = folder / f"{case}{exported_ending(dataset)}"
    return exported if exported.is_file() else folder / f"{case}{dataset.file_ending}"
