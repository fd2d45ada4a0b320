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
from segmint.evaluation.arms import PRIMARY_ARM, REAL_ARM, Arm
from segmint.evaluation.design import Design, design_trial
from segmint.evaluation.outside_folds import design_folds
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

    Files are copied as they are. `imagesTr` and `labelsTr` hold the arm's training cases and the validation cases,
    `splits_final.json` one fold that trains on the former and validates on the latter, so that no synthetic case is ever
    validated on; `imagesTs` holds the test cases, the same in every arm. What the generator has seen is checked as in a trial.

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
        for fold, design in enumerate(designs):
            for place, arm in enumerate(design.arms):
                number, ending = first_id + fold * len(design.arms) + place, "" if folds is None else f"_fold{fold}"
                _write_arm(staging / f"Dataset{number:03d}_{_plain(design, arm)}{ending}", design, arm)
    return out


def _check_numbers(first_id: int, *, count: int) -> None:
    if not 1 <= first_id <= _LAST_ID + 1 - count:
        raise UserError(
            f"--first-id {first_id}: nnU-Net numbers datasets from 1 to {_LAST_ID}, and {count} are written."
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
    for arm in design.arms:
        if arm.flipped or arm.repeated or arm.real not in (0, 100):
            raise UserError(
                f"The arm {arm.name} cannot be exported: nnU-Net takes whole cases and mirrors by itself, so only 100R and F, "
                "such as 100R+300F, have a meaning for it."
            )
    for one in design.synthetic:
        if one.dataset.file_ending != dataset.file_ending:
            raise UserError(
                f"{one.dataset.root} has {one.dataset.file_ending} files and {dataset.root} has {dataset.file_ending}: nnU-Net "
                "wants one ending in a dataset."
            )


def _write_arm(folder: Path, design: Design, arm: Arm) -> None:
    regime, dataset = design.regime, design.regime.dataset
    counts = arm.counts(len(regime.training))
    training = [(dataset, case) for case in dataset.cases_of(regime.labelled)] if counts.real else []
    if counts.synthetic:
        (one,) = design.synthetic
        training += [(one.dataset, case) for case in _cases_of_pairs(one, counts.synthetic)]
    validation = [(dataset, case) for case in dataset.cases_of(regime.split.validation)]
    test = [(dataset, case) for case in dataset.cases_of(regime.split.test)]
    for name in ("imagesTr", "labelsTr", "imagesTs"):
        (folder / name).mkdir(parents=True)
    for source, case in (*training, *validation):
        _copy(case.image_paths, folder / "imagesTr", case, source, channels=True)
        assert case.label_path is not None
        _copy([case.label_path], folder / "labelsTr", case, source, channels=False)
    for source, case in test:
        _copy(case.image_paths, folder / "imagesTs", case, source, channels=True)
    write_description(
        folder,
        name=f"{dataset.name} {arm.name}",
        channel_names=dataset.channel_names,
        label_names=dataset.label_names,
        file_ending=exported_ending(dataset),
        training_cases=len(training) + len(validation),
        licence=dataset.licence,
        sidecar=False,
    )
    fold = {"train": [case.id for _, case in training], "val": [case.id for _, case in validation]}
    write_json(folder / "splits_final.json", [fold])


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
