"""Folds of segmenters that are trained elsewhere: what each tests, and which synthetic set it learns from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from segmint.data.dataset import open_dataset
from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.design import Design
from segmint.evaluation.folds import splits_of


class MakesFold(Protocol):
    """Resolves the trial of one split; everything else about it is fixed."""

    def __call__(self, synthetic: Sequence[Path], *, split: Split | None) -> Design: ...


def design_folds(
    make: MakesFold, real: Path, synthetic: Sequence[Path], *, folds: int | None, subset: str | None
) -> list[Design]:
    """The trial of each fold, dealt as `segmint trial --folds` deals them; of the dataset's own split where there are none.

    Args:
        synthetic: with folds one set for each, in their order, of a generator that has not seen the subjects it tests; or none.

    Raises:
        UserError: there are not as many sets as folds, a fold cannot be used, or a subset is asked for beside folds.
    """
    if folds is None:
        return [make(synthetic, split=None)]
    if subset is not None:
        raise UserError("--subset picks from one training part, and --folds makes its own: leave one of them out.")
    splits = splits_of(open_dataset(real), folds)
    if synthetic and len(synthetic) != folds:
        raise UserError(
            f"--folds {folds}: give one synthetic dataset for each fold, in their order, not {len(synthetic)}, such as"
            f" TRIAL/fold0/generators/seed0/synthetic and so on of segmint trial --recipe NAME --folds {folds}."
        )
    designs = []
    for number, split in enumerate(splits):
        try:
            designs.append(make(synthetic[number : number + 1], split=split))
        except UserError as error:
            raise UserError(f"Fold {number + 1} of --folds {folds} cannot be used: {error}") from error
    return designs
