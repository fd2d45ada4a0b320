"""A dataset made of some cases of another, their files copied as they are."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from segmint.data.case import Case, Provenance
from segmint.data.conditions import FOLDER
from segmint.data.dataset import Dataset
from segmint.data.dataset_json import write_description
from segmint.data.sidecar import CaseEntry, Sidecar, read_sidecar, write_sidecar


def write_excerpt(
    dataset: Dataset, cases: Iterable[Case], folder: Path, *, name: str, provenance: Provenance | None
) -> None:
    """Write the cases into an existing, usually staged, folder; what is recorded of them stays, split and subsets do not.

    Args:
        cases: of the dataset, with label maps.
        name: of the new dataset.
        provenance: takes the place of the dataset's own.
    """
    chosen = sorted(cases, key=lambda case: case.id)
    for case in chosen:
        assert case.label_path is not None
        ending = dataset.file_ending
        copies = {f"imagesTr/{case.id}_{number:04d}{ending}": path for number, path in enumerate(case.image_paths)}
        copies[f"labelsTr/{case.id}{ending}"] = case.label_path
        copies |= {f"{FOLDER}/{case.id}_{name}{ending}": path for name, path in case.condition_paths.items()}
        for place, path in copies.items():
            (folder / place).parent.mkdir(exist_ok=True)
            shutil.copyfile(path, folder / place)
    recorded = read_sidecar(dataset.root)
    entries = recorded.cases if recorded is not None else {}
    write_description(
        folder,
        name=name,
        channel_names=dataset.channel_names,
        label_names=dataset.label_names,
        file_ending=dataset.file_ending,
        training_cases=len(chosen),
        licence=dataset.licence,
    )
    write_sidecar(
        folder,
        Sidecar(
            cases={case.id: entries.get(case.id, CaseEntry(subject=case.subject)) for case in chosen},
            conditions=dict(dataset.conditions),
            subject_kind=dataset.subject_kind,
            licence=dataset.licence,
            provenance=provenance,
        ),
    )
