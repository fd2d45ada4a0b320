"""Planted failures are each named, and real held-out masks are not."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segmint.data.placement import Placement
from segmint.evaluation.mask_comparison import compare_masks
from segmint.evaluation.mask_findings import mask_findings
from segmint.evaluation.mask_set import MaskSet
from segmint.outputs import without_nan

NAMES = ("background", "vessel")
Masks = NDArray[np.uint8]


def tree(rng: np.random.Generator, size: int = 48) -> Masks:
    """A vessel that branches, from the left border on."""
    mask = np.zeros((size, size), dtype=np.uint8)

    def grow(row: float, column: float, angle: float, length: float) -> None:
        for _ in range(int(length)):
            angle += rng.normal(0, 0.08)
            row, column = row + np.sin(angle), column + np.cos(angle)
            top, left = round(row), round(column)
            if not (1 <= top < size - 1 and 1 <= left < size - 1):
                return
            mask[top : top + 2, left : left + 2] = 1
        if length > 6:
            for side in (-1, 1):
                grow(row, column, angle + side * rng.uniform(0.3, 0.8), length * rng.uniform(0.5, 0.8))

    grow(rng.uniform(12, 36), 2, rng.uniform(-0.4, 0.4), rng.uniform(10, 18))
    return mask


def trees(count: int, seed: int) -> Masks:
    rng = np.random.default_rng(seed)
    return np.stack([tree(rng) for _ in range(count)])


def drawn(labels: Masks) -> MaskSet:
    return MaskSet(labels, [f"synthetic{i}" for i in range(len(labels))])


def compared(labels: Masks, training: MaskSet) -> dict[str, Any]:
    result = compare_masks(drawn(labels), training, label_names=NAMES)
    json.dumps(without_nan(result), allow_nan=False)
    return result


def codes(result: dict[str, Any]) -> set[str]:
    return {finding["code"] for finding in result["findings"]}


@pytest.fixture(scope="module")
def training() -> MaskSet:
    """Two masks of each of fifteen subjects."""
    return MaskSet(trees(30, seed=0), [f"s{i // 2}" for i in range(30)], [f"case{i}" for i in range(30)])


def repeat_one(_training: MaskSet) -> Masks:
    return np.repeat(trees(1, seed=5), 60, axis=0)


def repeat_ten(_training: MaskSet) -> Masks:
    return np.repeat(trees(10, seed=5), 6, axis=0)


def copy_training(training: MaskSet) -> Masks:
    return np.asarray(training.labels, dtype=np.uint8)


def copy_a_few(training: MaskSet) -> Masks:
    return np.concatenate([trees(57, seed=6), training.labels[:3]]).astype(np.uint8)


def nearly_copy(training: MaskSet) -> Masks:
    copies = np.array(training.labels, dtype=np.uint8)
    copies[:, :, 30:34] = 0
    return np.concatenate([trees(20, seed=6), copies])


def break_vessels(_training: MaskSet) -> Masks:
    broken, rng = trees(60, seed=7), np.random.default_rng(8)
    for mask in broken:
        for row, column in rng.integers(0, 45, (25, 2)):
            mask[row : row + 3, column : column + 3] = 0
    return broken


def move_right(_training: MaskSet) -> Masks:
    return np.roll(trees(60, seed=10), 12, axis=2)


def lose_the_label(_training: MaskSet) -> Masks:
    return np.zeros((100, 48, 48), dtype=np.uint8)


def empty_half(_training: MaskSet) -> Masks:
    return np.concatenate([trees(100, seed=9), np.zeros((100, 48, 48), dtype=np.uint8)])


@pytest.mark.parametrize(
    ("plant", "code"),
    [
        (repeat_one, "repeated masks"),
        (repeat_ten, "repeated masks"),
        (copy_training, "copied masks"),
        (copy_a_few, "copied masks"),
        (nearly_copy, "copied masks"),
        (break_vessels, "mask shape"),
        (move_right, "mask position"),
        (lose_the_label, "label missing"),
        (empty_half, "label share"),
    ],
)
def test_a_planted_failure_is_named(plant: Callable[[MaskSet], Masks], code: str, training: MaskSet) -> None:
    result = compared(plant(training), training)
    assert code in codes(result)
    assert all(finding["message"].endswith(".") and finding["advice"] for finding in result["findings"])


@pytest.mark.parametrize("seed", range(20, 23))
def test_further_masks_of_the_same_kind_are_not_named(seed: int, training: MaskSet) -> None:
    for count in (8, 80):
        assert compared(trees(count, seed=seed), training)["findings"] == []


def test_numbers_of_one_mask_repeated(training: MaskSet) -> None:
    result = compared(repeat_one(training), training)
    assert result["distinct"]["exact"] == result["distinct"]["beyond_dice"] == 1
    assert result["pairwise"]["drawn"] == {"median": 1.0, "percentile_99": 1.0}
    assert result["pairwise"]["share_above"] == 1
    assert result["nearest"]["exact_copies"] == 0


def test_broken_vessels_have_more_components(training: MaskSet) -> None:
    result = compared(break_vessels(training), training)
    components = result["labels"]["vessel"]["components"]
    assert components["drawn"][1] > components["real"][2]
    assert components["p_value"] < 1e-4
    message = next(one["message"] for one in result["findings"] if one["code"] == "mask shape")
    assert "components more" in message


@pytest.mark.parametrize(
    ("axis", "by", "direction"),
    [(1, 14, "lower"), (1, -14, "higher"), (2, 10, "further right"), (2, -10, "further left")],
)
def test_where_masks_are_moved_to_is_said(axis: int, by: int, direction: str) -> None:
    """A band of free space around the trees, so that nothing is cut off."""
    real, new = (np.pad(trees(60, seed=seed), ((0, 0), (16, 16), (16, 16))) for seed in (0, 11))
    known = MaskSet(real, [f"s{i // 2}" for i in range(60)])
    assert compared(new, known)["findings"] == []
    (finding,) = compared(np.roll(new, by, axis=axis), known)["findings"]
    side = "height" if axis == 1 else "width"
    assert finding["code"] == "mask position"
    assert finding["message"].startswith("vessel does not lie where it does in real masks: ")
    found = re.search(rf"{direction} by (\d+(\.\d)?)% of the {side} \(median", finding["message"])
    assert found is not None
    assert float(found[1]) == pytest.approx(100 * abs(by) / 80, abs=4)


def test_masks_in_fewer_places_than_real_ones() -> None:
    """All at one height, which is that of the real ones on average."""
    real, masks = trees(60, seed=0), trees(60, seed=12)
    rows = np.arange(48)[:, None]
    for mask in masks:
        mask[:] = np.roll(mask, 24 - round((rows * mask).sum() / mask.sum()), axis=0)
    result = compared(masks, MaskSet(real, [f"s{i}" for i in range(60)]))
    messages = [one["message"] for one in result["findings"] if one["code"] == "mask position"]
    assert "spread less widely from top to bottom" in " ".join(messages)


def test_false_alarms_are_shared_out_over_all_tests_that_were_made(training: MaskSet) -> None:
    result = compared(trees(20, seed=30), training)
    vessel = result["labels"]["vessel"]
    vessel["area_share"] |= {"distance": 0.9, "p_value": 0.011 / 17, "inside": 1.0}
    assert "mask shape" not in {one["code"] for one in mask_findings(result)}
    # A share and eight measures, each by its distribution and by its range.
    vessel["area_share"]["p_value"] = 0.009 / 17
    assert "mask shape" in {one["code"] for one in mask_findings(result)}


def test_copies_are_counted_and_shown_with_their_names(training: MaskSet) -> None:
    result = compared(copy_a_few(training), training)
    assert result["nearest"]["exact_copies"] == result["nearest"]["telling_copies"] == 3
    shown = result["nearest"]["examples"][:3]
    assert {one["training"] for one in shown} == {"case0", "case1", "case2"}
    assert {one["drawn"] for one in shown} == {"57", "58", "59"}
    assert all(one["dice"] == 1 for one in shown)


def test_tiny_masks_may_be_equal_by_chance() -> None:
    def dots(count: int, seed: int) -> Masks:
        masks = np.zeros((count, 16, 16), dtype=np.uint8)
        for mask, place in zip(masks, np.random.default_rng(seed).integers(0, 16, (count, 2)), strict=True):
            mask[tuple(place)] = 1
        return masks

    result = compared(dots(60, 1), MaskSet(dots(200, 0), [f"s{i}" for i in range(200)]))
    assert result["nearest"]["exact_copies"] > 10
    assert "copied masks" not in codes(result)


def test_slices_of_one_real_subject_may_resemble_one_another() -> None:
    slices = np.concatenate([np.repeat(mask[None], 6, axis=0) for mask in trees(12, seed=3)])
    volumes = MaskSet(slices, [f"s{i // 6}" for i in range(72)])
    held = np.concatenate([np.repeat(mask[None], 6, axis=0) for mask in trees(6, seed=4)])
    result = compare_masks(MaskSet(held, [f"h{i // 6}" for i in range(36)]), volumes, label_names=NAMES)
    assert result["findings"] == []
    assert result["nearest"]["real"]["highest"] < 0.9


def test_few_real_subjects_allow_no_more_than_copies_and_repeats(training: MaskSet) -> None:
    few = training.at(np.arange(6))
    result = compared(break_vessels(training), few)
    assert "3 subjects" in result["notes"][0]
    assert result["findings"] == []
    assert result["pairwise"] is None
    assert result["labels"]["vessel"]["components"]["p_value"] is None
    assert codes(compared(copy_training(few), few)) == {"copied masks"}
    assert codes(compared(repeat_one(few), few)) == {"repeated masks"}


def test_each_label_is_measured_apart() -> None:
    def both(seed: int) -> Masks:
        masks = trees(60, seed)
        masks[:, 40:44, 40:44] = 2
        return masks

    real = MaskSet(both(0), [f"s{i}" for i in range(60)])
    without = np.where(both(1) == 2, 0, both(1)).astype(np.uint8)
    result = compare_masks(drawn(without), real, label_names=("background", "vessel", "blob"))
    assert [one["code"] for one in result["findings"]] == ["label missing"]
    assert "blob is in 0% of the drawn masks and in 100%" in result["findings"][0]["message"]
    assert result["labels"]["blob"]["components"] is None
    assert result["labels"]["vessel"]["components"]["inside"] > 0.9


def test_very_many_masks_are_thinned_out_and_said(training: MaskSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segmint.evaluation.mask_comparison._MOST_MASKS", 50)
    result = compared(trees(80, seed=2), training)
    assert result["drawn"]["masks"] == 50
    assert result["notes"] == ["Of 80 drawn masks 50 were compared, chosen at random."]


def test_the_same_masks_give_the_same_numbers(training: MaskSet) -> None:
    assert compared(trees(40, seed=2), training) == compared(trees(40, seed=2), training)


def test_masks_on_both_sides_are_needed(training: MaskSet) -> None:
    with pytest.raises(ValueError, match="both sides"):
        compared(trees(2, seed=0)[:0], training)


REAL_DATA = Path(os.environ.get("SEGMINT_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="module")
def retinas() -> MaskSet:
    """Vessels of 28 eyes of 14 children at 96 pixels."""
    paths = sorted((REAL_DATA / "chase-db1").glob("*_1stHO.png"))
    if not paths:
        pytest.skip(f"no CHASE_DB1 in {REAL_DATA}")
    masks = [np.asarray(Image.open(path)).astype(bool).astype(np.uint8) for path in paths]
    placed = [Placement(96, 96 / max(mask.shape)).place_label(mask) for mask in masks]
    return MaskSet(np.stack(placed), [path.name[6:8] for path in paths], [path.stem for path in paths])


def test_real_vessels_of_held_out_children_are_not_named(retinas: MaskSet) -> None:
    children = np.array(retinas.subjects)
    for fold in range(7):
        held = np.isin(children, sorted(set(children))[2 * fold : 2 * fold + 2])
        split = (retinas.at(np.flatnonzero(chosen)) for chosen in (held, ~held))
        assert compare_masks(*split, label_names=NAMES)["findings"] == []


def test_planted_failures_on_real_vessels_are_named(retinas: MaskSet) -> None:
    known, rest = retinas.at(np.arange(20)), np.asarray(retinas.labels[20:], dtype=np.uint8)
    rng = np.random.default_rng(0)
    broken = rest[rng.integers(0, 8, 80)]
    for mask in broken:
        for row, column in rng.integers(0, 92, (40, 2)):
            mask[row : row + 4, column : column + 4] = 0
    assert "repeated masks" in codes(compared(np.repeat(rest[:1], 200, axis=0), known))
    assert "copied masks" in codes(compared(np.asarray(known.labels, dtype=np.uint8), known))
    assert "mask shape" in codes(compared(broken, known))
