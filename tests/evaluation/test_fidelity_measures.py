"""Scales of features: who sets them, and what new images of the same kind then look like."""

from __future__ import annotations

import numpy as np
import pytest

from segmint.evaluation.fidelity_groups import dealt_groups
from segmint.evaluation.fidelity_measures import (
    Row,
    in_features_of,
    measurable,
    measure,
    on_one_scale,
    scaled_by_themselves,
    without,
)
from segmint.evaluation.image_summary import ImageSummary

# As of real features: many, of which few hold most.
_SPREAD = 1 / np.sqrt(np.arange(1, 201))


def summary(subjects: int, seed: int, *, name: str = "net", each: int = 2) -> ImageSummary:
    generator = np.random.default_rng(seed)
    units = np.repeat(np.arange(subjects), each)
    values = generator.normal(size=(len(units), len(_SPREAD))) * _SPREAD
    return ImageSummary(
        units, {name: values}, {}, np.empty((len(units), 0, 1)), np.empty((0, 2), np.int64), np.empty(0)
    )


def scaled(
    reference: ImageSummary, yardstick: ImageSummary, synthetic: ImageSummary, *, seed: int = 0
) -> tuple[list[ImageSummary], list[str], list[np.ndarray]]:
    """The three on one scale, the names of what can be measured in, and the groups of each."""
    groups = dealt_groups((reference, yardstick, synthetic), seed=seed)
    sets = on_one_scale(reference, yardstick, synthetic, groups=groups[0], seed=seed)
    return list(sets), measurable(*sets, groups=groups), groups


def measured(subjects: int, *, seed: int = 0) -> dict[str, float]:
    """Of new images of the very same kind."""
    (ours, theirs, _), names, _ = scaled(*(summary(subjects, 3 * seed + number) for number in range(3)), seed=seed)
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
    reference, *others = (summary(20, seed, each=3) for seed in range(3))
    (ours, theirs, made), *_ = scaled(reference, *others)
    assert set(ours.features) == {"net/0", "net/1"}
    compared = [set(in_features_of(ours, name)[1].tolist()) for name in ours.features]
    assert compared[0].isdisjoint(compared[1])
    assert [len(one) for one in compared] == [10, 10]
    assert all(one.new(name).all() for one in (theirs, made) for name in ours.features)
    of_the_first = np.isin(reference.units, list(compared[0]))[:, None]
    moved = {"net": np.where(of_the_first, 3.0, 1.0) * reference.features["net"]}
    again = scaled(ImageSummary(reference.units, moved, {}, *_rest(reference)), *others)[0]
    np.testing.assert_array_equal(again[1].features["net/0"], theirs.features["net/0"])
    assert not np.array_equal(again[1].features["net/1"], theirs.features["net/1"])


def _rest(one: ImageSummary) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return one.spectra, one.pairs, one.similarity


def test_too_few_subjects_for_halves_set_their_own_scale_and_that_is_known() -> None:
    raw = summary(11, 0, each=5)
    ours = scaled(raw, summary(11, 1, each=5), summary(11, 2, each=5))[0][0]
    assert set(ours.features) == {"net"}
    assert scaled_by_themselves(raw, ours) == {"net"}
    more = summary(12, 0, each=5)
    assert scaled_by_themselves(more, scaled(more, more, more)[0][0]) == set()


def test_parts_of_a_whole_are_halved_together_or_not_at_all() -> None:
    few, many = (summary(12, seed, name="net", each=5).features["net"] for seed in range(2))
    few[35:] = np.nan
    raw = summary(12, 0, each=5)
    parts = ImageSummary(raw.units, {"net/0": few, "net/1": many}, {}, *_rest(raw))
    others = ImageSummary(raw.units, {"net/0": many, "net/1": many}, {}, *_rest(raw))
    assert set(scaled(parts, others, others)[0][0].features) == {"net/0", "net/1"}
    assert set(scaled(others, others, others)[0][0].features) == {f"net/{a}/{b}" for a in (0, 1) for b in (0, 1)}
    rows = measure(others, others, channel_names=(), label_names=(), size=8, networks=["net/0", "net/1"])
    assert Row("features", "net", "", "density") in rows


def test_features_that_do_not_vary_are_left_out() -> None:
    same = summary(20, 0, each=3)
    still = ImageSummary(same.units, {"net": np.ones((60, 7)), "other": same.features["net"]}, {}, *_rest(same))
    assert set(scaled(still, still, still)[1]) == {"other/0", "other/1"}


def halves_new_to_segmenters(subjects: int, each: int, seed: int, *, new: bool) -> ImageSummary:
    """Features of two segmenters, to each of which one half of the subjects is new, or all of them."""
    one = summary(subjects, seed, each=each)
    values = one.features["net"][:, :12]
    order = np.random.default_rng(seed).permutation(subjects)
    learned = np.isin(one.units, order[: subjects // 2])[:, None] & (not new)
    other = np.isin(one.units, order[subjects // 2 :])[:, None] & (not new)
    parts = {"segmenter/0": np.where(learned, np.nan, values), "segmenter/1": np.where(other, np.nan, values)}
    return ImageSummary(one.units, {"net": values, **parts}, {}, *_rest(one))


@pytest.mark.parametrize(("training", "held"), [(12, 6), (13, 6), (24, 6), (25, 7), (26, 6), (27, 7), (24, 9), (36, 6)])
def test_whichever_group_is_left_out_all_that_is_measured_can_be(training: int, held: int) -> None:
    """In most deals a quarter of 24 subjects fell below the four that a Fréchet distance is extrapolated over."""
    for seed in range(5):
        raw = (
            halves_new_to_segmenters(training, 5, 3 * seed, new=False),
            halves_new_to_segmenters(held, 10, 3 * seed + 1, new=True),
            halves_new_to_segmenters(60, 1, 3 * seed + 2, new=True),
        )
        sets, names, groups = scaled(*raw, seed=seed)
        assert {name.partition("/")[0] for name in names} == {"net", "segmenter"}
        for group in range(held):
            ours, theirs = (without(one, of == group) for one, of in zip(sets[:2], groups[:2], strict=True))
            measure(ours, theirs, channel_names=(), label_names=(), size=8, networks=names, seed=seed)


def test_halves_with_too_few_images_leave_the_whole_to_set_its_own_scale() -> None:
    """Some halves of these 55 images are below 25, and then nothing at all was measured in features."""
    units, generator = np.repeat(np.arange(13), [2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6, 4, 4]), np.random.default_rng(0)
    values = generator.normal(size=(len(units), 12))
    one = ImageSummary(
        units, {"net": values}, {}, np.empty((len(units), 0, 1)), np.empty((0, 2), np.int64), np.empty(0)
    )
    found = [tuple(scaled(one, one, one, seed=seed)[1]) for seed in range(30)]
    assert set(found) == {("net",), ("net/0", "net/1")}
