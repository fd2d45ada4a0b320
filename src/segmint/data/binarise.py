"""A dataset with all its labels merged into one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from segmint.data.case import Case
from segmint.data.conditions import condition_path
from segmint.data.dataset import Dataset, open_dataset
from segmint.data.dataset_json import Pair, write_description
from segmint.data.formats.copying import copy_image
from segmint.data.layout import UNLABELLED
from segmint.data.sidecar import CaseEntry, Sidecar, read_sidecar, write_sidecar
from segmint.errors import UserError
from segmint.outputs import check_target, staged_folder

LABEL_NAMES = ("background", "foreground")


def binarise_dataset(path: Path | str, *, out: Path | str, overwrite: bool = False) -> Dataset:
    """Write a copy in which every label above 0 is the one label "foreground"; images and condition maps stay as they are.

    The copy keeps the name of the dataset, so that a subject is known to be the same in both.

    Args:
        path: The dataset.
        out: Where to write.
        overwrite: Replace an existing `out`.

    Returns:
        The new dataset.

    Raises:
        UserError: a label map is wrong, or `out` exists or cannot be written.
    """
    target = Path(out)
    check_target(target, overwrite=overwrite, inputs=[Path(path)])
    dataset = open_dataset(path)
    sidecar = read_sidecar(dataset.root) or Sidecar(
        cases={case.id: CaseEntry(subject=case.subject) for case in dataset.cases}, licence=dataset.licence
    )
    with staged_folder(target, overwrite=overwrite) as staging:
        try:
            pairs = {case.id: _write_case(dataset, case, staging) for case in dataset.cases}
            _copy_unlabelled(dataset, staging)
            write_description(
                staging,
                name=dataset.name,
                channel_names=dataset.channel_names,
                label_names=LABEL_NAMES,
                file_ending=dataset.file_ending,
                training_cases=len(pairs),
                licence=dataset.licence,
                pairs=_listed(dataset, pairs),
            )
            write_sidecar(staging, sidecar)
        except OSError as error:
            raise UserError(
                f"{target} cannot be written ({error.strerror}): free some space or choose another --out."
            ) from error
    return open_dataset(target)


def _write_case(dataset: Dataset, case: Case, folder: Path) -> Pair:
    """Copy the images and condition maps of a case, write its label map, and return where they are."""
    ending = dataset.file_ending
    images = tuple(f"imagesTr/{case.id}_{channel:04d}{ending}" for channel in range(len(case.image_paths)))
    for source, name in zip(case.image_paths, images, strict=True):
        _copy(source, folder / name)
    for name, source in case.condition_paths.items():
        _copy(source, condition_path(folder, case.id, name, ending))
    assert case.label_path is not None
    stored = dataset.format.geometry(case.label_path)
    ids = (dataset.read_label(case) > 0).astype(np.uint8).reshape(stored.shape)
    label = folder / "labelsTr" / f"{case.id}{ending}"
    label.parent.mkdir(exist_ok=True)
    dataset.format.write_label(label, ids, spacing=stored.spacing, affine=stored.affine)
    return Pair(images, label.relative_to(folder).as_posix())


def _copy_unlabelled(dataset: Dataset, folder: Path) -> None:
    """Copy images without labels, and the condition maps they have."""
    for case in dataset.unlabelled:
        for channel, image in enumerate(case.image_paths):
            _copy(image, folder / UNLABELLED / f"{case.id}_{channel:04d}{dataset.file_ending}")
        for name in dataset.conditions:
            source = condition_path(dataset.root, case.id, name, dataset.file_ending)
            if source.is_file():
                _copy(source, condition_path(folder, case.id, name, dataset.file_ending))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    copy_image(source, target)


def _listed(dataset: Dataset, pairs: Mapping[str, Pair]) -> Mapping[str, Pair] | None:
    """The pairs, where the folders alone would not tell that a volume file holds all channels."""
    return pairs if dataset.packed and not dataset.rgb else None
