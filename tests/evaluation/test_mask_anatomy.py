"""Labels together and inside one another, drawn beside real."""

from __future__ import annotations

from typing import Any

import numpy as np

from segmint.evaluation.mask_anatomy import compare_nested, compare_together
from segmint.evaluation.mask_comparison import compare_masks
from segmint.evaluation.mask_set import MaskSet

LABELS = ("background", "organ", "tumour")
SIDE = 16


def mask(*, inside: bool = True, swapped: bool = False, row: int = 4) -> Any:
    """A block, and a smaller one inside it or apart from it; `swapped`: the organ lies in the tumour."""
    outer, inner = (2, 1) if swapped else (1, 2)
    ids = np.zeros((SIDE, SIDE), dtype=np.uint8)
    ids[row : row + 6, 2:9] = outer
    top, left = (row + 2, 4) if inside else (row + 2, 11)
    ids[top : top + 2, left : left + 2] = inner
    return ids


def masks(*maps: Any) -> MaskSet:
    return MaskSet(np.stack(maps), [f"s{number}" for number in range(len(maps))])


def test_what_no_real_mask_shows_is_counted() -> None:
    real = masks(*(mask(row=1 + number % 6) for number in range(10)))
    found = compare_nested(masks(mask(), mask(swapped=True), mask(inside=False)), real, label_names=LABELS)
    assert (found["masks"], found["training"], found["impossible"], found["real_share"]) == (3, 10, 1, 0.0)
    assert found["pairs"] == [
        {"inner": "organ", "outer": "tumour", "drawn": 1, "real": 0},
        {"inner": "tumour", "outer": "organ", "drawn": 1, "real": 10},
    ]


def test_what_one_real_subject_alone_shows_tells_how_rare_things_happen() -> None:
    real = masks(mask(swapped=True), *(mask(row=1 + number % 6) for number in range(9)))
    found = compare_nested(masks(mask(swapped=True)), real, label_names=LABELS)
    assert (found["impossible"], found["real_share"]) == (0, 0.1)


def test_labels_together_with_a_test_only_where_there_are_enough() -> None:
    alone = np.where(mask() == 2, 0, mask())
    real, drawn = masks(*[mask(row=1 + n % 6) for n in range(20)]), masks(*[alone] * 10, *[mask()] * 10)
    (pair,) = compare_together(drawn, real, label_names=LABELS, usual=True, seed=0)
    assert (pair["labels"], pair["real"], pair["drawn"]) == (["organ", "tumour"], 1.0, 0.5)
    assert pair["p_value"] < 0.01
    (untested,) = compare_together(drawn, real, label_names=LABELS, usual=False, seed=0)
    assert untested["p_value"] is None


def test_impossible_anatomy_is_a_finding_and_possible_anatomy_none() -> None:
    real = masks(*(mask(row=1 + number % 8) for number in range(30)))
    for share, told in ((0, False), (6, True)):
        drawn = masks(*(mask(row=1 + number % 8, swapped=number < share) for number in range(30)))
        comparison = compare_masks(drawn, real, label_names=LABELS)
        codes = {one["code"] for one in comparison["findings"]}
        assert ("impossible anatomy" in codes) is told
        assert any("organ inside tumour" in one for one in comparison["sentences"]) is told
