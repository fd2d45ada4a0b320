"""The real cases that a run was trained and validated on, to lie beside the pairs it draws."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segmint.data.dataset import Dataset, open_dataset
from segmint.data.dataset_json import FILE_NAME
from segmint.data.slices import open_slices
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.outputs import write_json

FOLDS = 5


class RealCases:
    """Cases of the training and validation subjects of a run.

    Args:
        config: of the run; seed: of the pairs that are drawn.

    Attributes:
        dataset: what the run was trained on.

    Raises:
        UserError: the dataset is gone or has changed since, or a case cannot lie beside pairs of that seed.
    """

    def __init__(self, config: dict[str, Any], *, seed: int) -> None:
        self.config, source = config, config["dataset"]
        self.dataset = open_dataset(Path(source["path"]))
        if self.dataset.identity != source["identity"] or not _declared_alike(self.dataset, source):
            raise UserError(
                f"{self.dataset.root} has changed since the run was trained: restore it, or sample without --with-real."
            )
        self.subjects = (*config["split"]["train"], *config["split"]["validation"])
        self.cases = self.dataset.cases_of(self.subjects)
        drawn = re.compile(rf"synthetic_s{seed}_\d{{6,}}")
        for case in self.cases:
            if drawn.fullmatch(case.id) or drawn.fullmatch(case.subject):
                raise UserError(
                    f'{self.dataset.root} has the case "{case.id}" of "{case.subject}", as drawn pairs would be named: choose '
                    "another --seed."
                )
            if re.fullmatch(FILE_NAME, case.id) is None:
                raise UserError(
                    f'{self.dataset.root} has the case "{case.id}", which cannot be part of a file\'s name: rename it, or sample '
                    "without --with-real."
                )
        self._intensity = open_slices(self.dataset, size=config["size"], axis=config["axis"]).case_intensity

    def has_condition(self, name: str) -> bool:
        """Whether the run was given that condition map as it lies in the dataset, not computed or predicted."""
        predicted = self.config["auxiliary"] is not None and self.config["auxiliary"]["map"] == name
        return not predicted and list(self.dataset.conditions.get(name, ())) == self.config["conditions"][name]

    def add(self, writer: DatasetWriter, synthetic: Sequence[str]) -> Split:
        """Copy the cases beside the synthetic ones, and write the folds: synthetic cases are trained on alone.

        Raises:
            UserError: a file is damaged.
        """
        for case in self.cases:
            writer.copy(self.dataset, case, intensity=self._intensity[case.id])
        folds = mixed_folds(self.dataset, self.subjects, synthetic, seed=self.config["seed"])
        write_json(writer.folder / "splits_final.json", folds)
        parts = self.config["split"]
        return Split(train=(*sorted(parts["train"]), *synthetic), validation=tuple(parts["validation"]))


def _declared_alike(dataset: Dataset, source: dict[str, Any]) -> bool:
    """Whether dataset.json still says what it said to the run."""
    now = (list(dataset.channel_names), list(dataset.label_names), dataset.file_ending, dataset.rgb, dataset.dimensions)
    keys = ("channel_names", "label_names", "file_ending", "rgb", "dimensions")
    return list(now) == [source[key] for key in keys]


def mixed_folds(
    dataset: Dataset, subjects: Sequence[str], synthetic: Sequence[str], *, seed: int
) -> list[dict[str, list[str]]]:
    """nnU-Net's splits_final.json: folds over real subjects; synthetic cases are in every training part and no validation part."""
    order = np.random.default_rng([seed, 5]).permutation(sorted(subjects))
    folds = []
    for k in range(min(FOLDS, len(order))):
        held = set(order[k::FOLDS].tolist())
        cases = dataset.cases_of(subjects)
        folds.append(
            {
                "train": [case.id for case in cases if case.subject not in held] + list(synthetic),
                "val": [case.id for case in cases if case.subject in held],
            }
        )
    return folds
