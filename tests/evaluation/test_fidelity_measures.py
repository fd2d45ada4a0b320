"""Scales of features: who sets them, and what new images of the same kind then look like."""

from __future__ import annotations

import numpy as np
import pytest

from segmint.evaluation.fidelity_measures import (
    Row,
    in_features_of,
    measurable,
    measure,
    on_one_scale,
    scaled_by_themselves,
)
from segmint.evaluation.image_summary import ImageSummary

# As of real features: many, of which few hold most.
_SPREAD = 1 / np.sqrt(np.arange(1, 201))


def summary(subjects: int, seed: int, *, name: str = "net", each: int = 2) -> ImageSummary:
    generator = np.random.default_rng(seed)
    units = np.repeat(np.arange(subjects), each)
    values = generator.normal(size=(len(units), len(_SPREAD))) * _SPREAD
    return ImageSummary(units, {name: values}, {}, np.empty((0, 1, 1)), np.empty((0, 2), np.int64), np.empty(0))


def measured(subjects: int, *, seed: int = 0) -> dict[str, float]:
    """Of new images of the very same kind."""
    reference, yardstick, made = (summary(subjects, 3 * seed + number) for number in range(3))
    ours, theirs, _ = on_one_scale(reference, yardstick, made, seed=seed)
    names = measurable(ours, theirs, theirs)
    found = measure(ours, theirs, channel_names=(), label_names=(), size=8, networks=names, seed=seed)
    return {row.metric: value for row, value in found.items()}


def test_new_images_of_the_same_kind_measure_as_such() -> None:
    """With scales that the images compared with had set themselves density was above 2 and recall below 0.7."""
    found = [measured(60, seed=seed) for seed in range(3)]
    mean = {metric: float(np.mean([one[metric] for one in found])) for metric in found[0]}
    assert mean["density"] == pytest.approx(1, abs=0.2)
    assert mean["precision"] == pytest.approx(mean["recall"], abs=0.1)
    assert mean["recall"] > 0.8


def test_whoever_sets_a_scale_is_not_compared_with_in_it() -> None:
    reference = summary(20, 0)
    ours, theirs, made = on_one_scale(reference, summary(20, 1), summary(20, 2))
    assert set(ours.features) == {"net/0", "net/1"}
    compared = [set(in_features_of(ours, name)[1].tolist()) for name in ours.features]
    assert compared[0].isdisjoint(compared[1])
    assert [len(one) for one in compared] == [10, 10]
    assert all(one.new(name).all() for one in (theirs, made) for name in ours.features)
    of_the_first = np.isin(reference.units, list(compared[0]))[:, None]
    moved = {"net": np.where(of_the_first, 3.0, 1.0) * reference.features["net"]}
    again = on_one_scale(ImageSummary(reference.units, moved, {}, *_rest(reference)), summary(20, 1), summary(20, 2))
    np.testing.assert_array_equal(again[1].features["net/0"], theirs.features["net/0"])
    assert not np.array_equal(again[1].features["net/1"], theirs.features["net/1"])


def _rest(one: ImageSummary) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return one.spectra, one.pairs, one.similarity


def test_too_few_subjects_for_halves_set_their_own_scale_and_that_is_known() -> None:
    raw = summary(11, 0, each=5)
    ours, *_ = on_one_scale(raw, summary(11, 1, each=5), summary(11, 2, each=5))
    assert set(ours.features) == {"net"}
    assert scaled_by_themselves(raw, ours) == {"net"}
    more = summary(12, 0, each=5)
    assert scaled_by_themselves(more, on_one_scale(more, more, more)[0]) == set()


def test_parts_of_a_whole_are_halved_together_or_not_at_all() -> None:
    few, many = summary(12, 0, name="net/0").features["net/0"], summary(12, 1, name="net/1").features["net/1"]
    few[14:] = np.nan
    raw = summary(12, 0)
    parts = ImageSummary(raw.units, {"net/0": few, "net/1": many}, {}, *_rest(raw))
    others = ImageSummary(raw.units, {"net/0": many, "net/1": many}, {}, *_rest(raw))
    assert set(on_one_scale(parts, others, others)[0].features) == {"net/0", "net/1"}
    assert set(on_one_scale(others, others, others)[0].features) == {f"net/{a}/{b}" for a in (0, 1) for b in (0, 1)}
    rows = measure(others, others, channel_names=(), label_names=(), size=8, networks=["net/0", "net/1"])
    assert Row("features", "net", "", "density") in rows


def test_features_that_do_not_vary_are_left_out() -> None:
    same = summary(20, 0, each=3)
    still = ImageSummary(same.units, {"net": np.ones((60, 7)), "other": same.features["net"]}, {}, *_rest(same))
    ours, theirs, made = on_one_scale(still, still, still)
    assert set(measurable(ours, theirs, made)) == {"other/0", "other/1"}
