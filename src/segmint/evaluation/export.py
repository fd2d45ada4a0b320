"""`segmint trial export`: the arms of a trial as datasets for nnU-Net, so that it can be the judge."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from segmint.data.case import Case
from segmint.data.dataset import Dataset
from segmint.data.dataset_json import write_description
from segmint.data.formats.copying import copy_image
from segmint.errors import UserError
from segmint.evaluation.arms import PRIMARY_ARM, REAL_ARM, Arm, parse_arms
from segmint.evaluation.design import Design, design_trial
from segmint.evaluation.export_guide import ExportedArm, write_guide
from segmint.evaluation.outside_folds import design_folds
from segmint.evaluation.slice_stacks import Stack, plan_stacks, write_stack
from segmint.evaluation.synthetic_sets import SyntheticSet
from segmint.outputs import check_target, staged_folder, write_json

FIRST_ID = 501
_LAST_ID = 999


def export_arms(
    real: Path,
    synthetic: Path | Sequence[Path] = (),
    *,
    out: Path,
    arms: Sequence[str] = (REAL_ARM, PRIMARY_ARM),
    subset: str | None = None,
    folds: int | None = None,
    first_id: int = FIRST_ID,
    overwrite: bool = False,
) -> Path:
    """Write each arm as a raw dataset of nnU-Net v2, `out/Dataset501_NAME_ARM` and so on.

    Real files are copied as they are, and so are synthetic pairs of 2-D images; synthetic slices of volumes are stacked into
    volumes (see `plan_stacks`), since nnU-Net draws every case alike. `imagesTr` and `labelsTr` hold the arm's training cases
    and the validation cases, `splits_final.json` one fold that trains on the former and validates on the latter, so that no
    synthetic case is ever validated on; `imagesTs` holds the test cases, the same in every arm. What the generator has seen is
    checked as in a trial. `export.json` tells what the arms are made of, `README.md` how to train them alike.

    Args:
        real: the real dataset, with its split; synthetic: the set that arms with F take their first pairs from; with `folds` one
            for each, in their order.
        out: folder to write; nnU-Net finds the datasets where its environment variable nnUNet_raw names this folder.
        arms: R must be all real slices, as nnU-Net takes whole cases; A has no place, as nnU-Net mirrors by itself.
        subset: a stored subset of subjects that is R.
        folds: write every arm once for each of so many folds, which together test every subject once, as
            `out/Dataset501_NAME_ARM_fold0` and so on; they are those of `segmint.trial` and of `score_predictions`.
        first_id: number of the first dataset.
        overwrite: replace what is at `out`.

    Returns:
        `out`.

    Raises:
        UserError: an arm cannot be written as whole cases, refuses the synthetic set, or `out` exists.
    """
    out = Path(out)
    _check_arms(arms)
    sets = [Path(one) for one in ([synthetic] if isinstance(synthetic, str | Path) else synthetic)]
    if folds is None and len(sets) > 1:
        raise UserError(f"{sets[1]}: an export takes its pairs from one synthetic dataset; leave the others out.")
    check_target(out, overwrite=overwrite, inputs=[Path(real), *sets])
    make = partial(
        design_trial,
        Path(real),
        size=None,
        axis=None,
        arms=arms,
        seeds=1,
        steps=None,
        batch=None,
        segmenter="unet",
        subset=subset,
        real_slices=None,
        device="cpu",
        demonstration=False,
    )
    designs = design_folds(make, Path(real), sets, folds=folds, subset=subset)
    _check_numbers(first_id, count=len(designs) * len(designs[0].arms))
    for design in designs:
        _check(design)
    with staged_folder(out, overwrite=overwrite) as staging:
        written = []
        for fold, design in enumerate(designs):
            for place, arm in enumerate(design.arms):
                number, ending = first_id + fold * len(design.arms) + place, "" if folds is None else f"_fold{fold}"
                folder = staging / f"Dataset{number:03d}_{_plain(design, arm)}{ending}"
                written.append(_write_arm(folder, design, arm, number, fold=None if folds is None else fold))
        write_guide(staging, written, volumes=designs[0].regime.slices.axis is not None)
    return out


def _check_arms(names: Sequence[str]) -> None:
    for arm in parse_arms(names):
        if arm.flipped or arm.repeated or arm.real not in (0, 100):
            raise UserError(
                f"The arm {arm.name} cannot be exported: nnU-Net takes whole cases, mirrors by itself and draws labelled places "
                "more often by itself, so only 100R and F, such as 100R+300F, have a meaning for it."
            )


def _check_numbers(first_id: int, *, count: int) -> None:
    if not 1 <= first_id <= _LAST_ID + 1 - count:
        raise UserError(
            f"--first-id {first_id}: nnU-Net numbers datasets from 1 to {_LAST_ID}, and {count} are written: give 1 to"
            f" {_LAST_ID + 1 - count}."
        )


def _check(design: Design) -> None:
    dataset, regime = design.regime.dataset, design.regime
    if regime.reduced:
        raise UserError("--subset: nnU-Net takes whole cases, so give a subset of subjects, not of slices.")
    if dataset.packed and not dataset.rgb:
        raise UserError(
            f"{dataset.root} keeps all channels of a case in one file, which nnU-Net v2 does not read: convert it first "
            "(segmint data convert msd)."
        )
    for one in design.synthetic:
        if one.dataset.file_ending != dataset.file_ending:
            raise UserError(
                f"{one.dataset.root} has {one.dataset.file_ending} files and {dataset.root} has {dataset.file_ending}: nnU-Net "
                "wants one ending in a dataset."
            )


def _write_arm(folder: Path, design: Design, arm: Arm, number: int, *, fold: int | None) -> ExportedArm:
    regime, dataset = design.regime, design.regime.dataset
    ending, counts = exported_ending(dataset), arm.counts(len(regime.training))
    real = [(dataset, case) for case in dataset.cases_of(regime.labelled)] if counts.real else []
    validation = [(dataset, case) for case in dataset.cases_of(regime.split.validation)]
    test = [(dataset, case) for case in dataset.cases_of(regime.split.test)]
    pairs, stacks = _synthetic(design, counts.synthetic)
    drawn = [*(case.id for _, case in pairs), *(stack.case for _, stack in stacks)]
    taken = {case.id for case in dataset.cases}.intersection(drawn)
    if taken:
        raise UserError(
            f'{dataset.root} has a case "{min(taken)}", which is what a synthetic one is to be called: rename it there.'
        )
    for name in ("imagesTr", "labelsTr", "imagesTs"):
        (folder / name).mkdir(parents=True)
    for source, case in (*real, *pairs, *validation):
        _copy(case.image_paths, folder / "imagesTr", case, source, channels=True)
        assert case.label_path is not None
        _copy([case.label_path], folder / "labelsTr", case, source, channels=False)
    for one, stack in stacks:
        write_stack(stack, one, regime, images=folder / "imagesTr", labels=folder / "labelsTr", ending=ending)
    for source, case in test:
        _copy(case.image_paths, folder / "imagesTs", case, source, channels=True)
    write_description(
        folder,
        name=f"{dataset.name} {arm.name}",
        channel_names=dataset.channel_names,
        label_names=dataset.label_names,
        file_ending=ending,
        training_cases=len(real) + len(drawn) + len(validation),
        licence=dataset.licence,
        sidecar=False,
    )
    split = {"train": [*(case.id for _, case in real), *drawn], "val": [case.id for _, case in validation]}
    write_json(folder / "splits_final.json", [split])
    return ExportedArm(
        arm=arm.name,
        folder=folder.name,
        number=number,
        fold=fold,
        real_cases=len(real),
        real_slices=counts.real,
        synthetic_cases=len(drawn),
        synthetic_slices=counts.synthetic,
        stacks={stack.case: [one.slices.records[place].case for place in stack.slices] for one, stack in stacks},
    )


def _synthetic(design: Design, count: int) -> tuple[list[tuple[Dataset, Case]], list[tuple[SyntheticSet, Stack]]]:
    """The first pairs: as cases of 2-D images, as stacks of volumes."""
    if not count:
        return [], []
    (one,) = design.synthetic
    if design.regime.slices.axis is None:
        return [(one.dataset, case) for case in _cases_of_pairs(one, count)], []
    return [], [(one, stack) for stack in plan_stacks(one, count, design.regime)]


def _cases_of_pairs(one: SyntheticSet, count: int) -> list[Case]:
    """Cases of the first pairs, in the order they were drawn."""
    by_id = {case.id: case for case in one.dataset.cases}
    return [by_id[one.slices.records[i].case] for i in one.pairs[:count].tolist()]


def exported_ending(dataset: Dataset) -> str:
    """Of the files, as nnU-Net knows it: .tiff it takes for volumes."""
    return ".tif" if dataset.file_ending == ".tiff" else dataset.file_ending


def _copy(paths: Sequence[Path], folder: Path, case: Case, dataset: Dataset, *, channels: bool) -> None:
    for number, path in enumerate(paths):
        copy_image(path, folder / f"{case.id}{f'_{number:04d}' if channels else ''}{exported_ending(dataset)}")


def _plain(design: Design, arm: Arm) -> str:
    """Dataset and arm in letters, digits and underscores, as nnU-Net wants names."""
    return re.sub(r"[^A-Za-z0-9]+", "_", f"{design.regime.dataset.name}_{arm.name}").strip("_")
