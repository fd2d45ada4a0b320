"""All measures of how real and how varied images are, of synthetic ones and of the yardstick alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.fidelity_limits import enough
from segmint.evaluation.image_summary import ImageSummary, Numbers
from segmint.evaluation.networks import part_of, whole_of
from segmint.metrics import (
    clipped_density_coverage,
    density_coverage,
    feature_spread,
    frechet,
    intensity_distance,
    kernel_distance,
    ms_ssim,
    power_spectrum,
    precision_recall,
)
from segmint.metrics.neighbourhoods import NEIGHBOURS, Neighbourhoods, neighbourhoods
from segmint.reference.feature_scale import FeatureScale

# Images of each set that any measure takes at least.
FEWEST = 5
# Most principal components of features that are kept, and images, and subjects, for each of them at least: of those that set the
# scale, where others are compared with in it, and where the same are. (In their own scale, in as many directions as subjects,
# whatever else there is lies amid them.)
COMPONENTS, _A_COMPONENT, _A_COMPONENT_OF_ITS_OWN = 32, 1, 3

Range = tuple[float, float]


@dataclass(frozen=True)
class Declared:
    """What a metric says of itself."""

    direction: str
    range: Range


METRICS: Mapping[str, Declared] = {
    frechet.NAME: Declared(frechet.DIRECTION, frechet.RANGE),
    frechet.NAME_INFINITY: Declared(frechet.DIRECTION, frechet.RANGE_INFINITY),
    kernel_distance.NAME: Declared(kernel_distance.DIRECTION, kernel_distance.RANGE),
    precision_recall.PRECISION: Declared(precision_recall.DIRECTION, precision_recall.RANGE),
    precision_recall.RECALL: Declared(precision_recall.DIRECTION, precision_recall.RANGE),
    density_coverage.DENSITY: Declared(density_coverage.DIRECTION, density_coverage.DENSITY_RANGE),
    density_coverage.COVERAGE: Declared(density_coverage.DIRECTION, density_coverage.COVERAGE_RANGE),
    clipped_density_coverage.DENSITY: Declared(clipped_density_coverage.DIRECTION, clipped_density_coverage.RANGE),
    clipped_density_coverage.COVERAGE: Declared(clipped_density_coverage.DIRECTION, clipped_density_coverage.RANGE),
    feature_spread.NAME: Declared(feature_spread.DIRECTION, feature_spread.RANGE),
    ms_ssim.NAME: Declared(ms_ssim.DIRECTION, ms_ssim.RANGE),
    intensity_distance.NAME: Declared(intensity_distance.DIRECTION, intensity_distance.RANGE),
    power_spectrum.DIFFERENCE: Declared(power_spectrum.DIFFERENCE_DIRECTION, power_spectrum.DIFFERENCE_RANGE),
    power_spectrum.EXCESS: Declared(power_spectrum.EXCESS_DIRECTION, power_spectrum.EXCESS_RANGE),
    power_spectrum.PEAK: Declared(power_spectrum.PEAK_DIRECTION, power_spectrum.PEAK_RANGE),
}

_OF_NEIGHBOURHOODS: Mapping[str, Callable[[Neighbourhoods], float]] = {
    precision_recall.PRECISION: precision_recall.precision,
    precision_recall.RECALL: precision_recall.recall,
    density_coverage.DENSITY: density_coverage.density,
    density_coverage.COVERAGE: density_coverage.coverage,
    clipped_density_coverage.DENSITY: clipped_density_coverage.clipped_density,
    clipped_density_coverage.COVERAGE: clipped_density_coverage.clipped_coverage,
}


@dataclass(frozen=True, order=True)
class Row:
    """A metric of a group (`features`, `images`, `intensity`, `spectrum`), of a network or channel, inside a label or nothing."""

    group: str
    of: str
    inside: str
    metric: str


def on_one_scale(
    reference: ImageSummary,
    yardstick: ImageSummary,
    synthetic: ImageSummary,
    *,
    groups: NDArray[np.int64],
    components: int = COMPONENTS,
    seed: int = 0,
) -> tuple[ImageSummary, ImageSummary, ImageSummary]:
    """The same with their features on scales fitted to the reference alone, as far as it is new to what gives them.

    What sets a scale lies more evenly in it than what did not. A yardstick that helped to set it would pass for more real and more
    alike than synthetic images of the very same kind; and among images that have set it themselves neighbourhoods are too wide:
    everything else lies in many of them, with a density far above 1. So the reference's subjects are halved: either half sets a
    scale, in which the other half is what all are compared with, and numbers are averaged, the halves being parts of a whole as
    in `whole_of`. Where a half has not `enough`, all of them set the scale too, see `scaled_by_themselves`.

    Few subjects leave few components. Features to which none of the reference is new, or that do not vary in it, are left out.

    Args:
        groups: [n] those of the reference's images that are to be left out in turn.
        seed: of the halves.
    """
    keys = np.random.default_rng(seed).random(int(reference.units.max()) + 1)
    scaled: tuple[dict[str, Numbers], ...] = ({}, {}, {})
    for name in reference.features:
        for part, sets_scale, compared in _halves(reference, name, groups, keys):
            values = reference.features[name]
            a_component = _A_COMPONENT_OF_ITS_OWN if part == name else _A_COMPONENT
            most = min(int(sets_scale.sum()), len(np.unique(reference.units[sets_scale]))) // a_component
            scale = FeatureScale(values[sets_scale], components=max(1, min(components, most)))
            if not scale.varies:
                continue
            scaled[0][part] = np.where(compared[:, None], scale(values), np.nan)
            for found, one in zip(scaled[1:], (yardstick, synthetic), strict=True):
                found[part] = scale(one.features[name])
    ours, theirs, made = (
        replace(one, features=features) for one, features in zip((reference, yardstick, synthetic), scaled, strict=True)
    )
    return ours, theirs, made


def scaled_by_themselves(raw: ImageSummary, scaled: ImageSummary) -> set[str]:
    """Features of a reference with too few subjects or images for a scale that others have set, by the wholes' names."""
    return {whole_of(name) for name in scaled.features if name in raw.features}


def _halves(
    reference: ImageSummary, name: str, groups: NDArray[np.int64], keys: Numbers
) -> Iterator[tuple[str, NDArray[np.bool_], NDArray[np.bool_]]]:
    """Name, images [n] that set the scale and images [n] that are compared with, of each part of some features.

    Parts of a whole are halved together or not at all.

    Args:
        groups: [n], as in `on_one_scale`; keys: by subject; those with the lower ones are the first half.
    """
    new = reference.new(name)
    if not new.any():
        return
    parts = [part for part in _parts_of(name, reference) if reference.new(part).any()]
    halves = [half for part in parts for half in _halved(reference, part, keys)]
    if not all(enough(reference.units[half], groups[half], parts=len(halves)) for half in halves):
        yield name, new, new
        return
    first, second = _halved(reference, name, keys)
    yield part_of(name, 0), first, second
    yield part_of(name, 1), second, first


def _halved(reference: ImageSummary, name: str, keys: Numbers) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Images [n] of either half of the subjects that are new to what gives features of that name."""
    new = reference.new(name)
    first = new & (keys[reference.units] < np.median(keys[np.unique(reference.units[new])]))
    return first, new & ~first


def measure(
    reference: ImageSummary,
    other: ImageSummary,
    *,
    channel_names: Sequence[str],
    label_names: Sequence[str],
    size: int,
    networks: Sequence[str],
    seed: int = 0,
) -> dict[Row, float]:
    """Every measure of a set of images against a reference; of networks that are parts of a whole the mean.

    Args:
        reference, other: with features on one scale.
        label_names: by id, background first; size: side of the images, pixels.
        networks: in whose features to measure, see `measurable`.
        seed: of what is drawn to extrapolate.
    """
    in_features: dict[Row, list[float]] = {}
    for name in networks:
        for metric, value in _in_features(reference, other, name, seed=seed).items():
            in_features.setdefault(Row("features", whole_of(name), "", metric), []).append(value)
    found = {row: float(np.mean(values)) for row, values in in_features.items()}
    if len(other.similarity):
        found[Row("images", "pairs of images", "", ms_ssim.NAME)] = float(other.similarity.mean())
    for (channel, label), theirs in reference.histograms.items():
        row = Row("intensity", channel_names[channel], label_names[label] if label else "", intensity_distance.NAME)
        mine = other.histograms[channel, label]
        found[row] = intensity_distance.intensity_distance(mine.sum(axis=0), theirs.sum(axis=0))
    for channel, name in enumerate(channel_names):
        mine, theirs = (one.spectra[:, channel].mean(axis=0) for one in (other, reference))
        for metric, value in (
            (power_spectrum.DIFFERENCE, power_spectrum.spectrum_difference(mine, theirs)),
            (power_spectrum.EXCESS, power_spectrum.high_frequency_excess(mine, theirs, side=size)),
            (power_spectrum.PEAK, power_spectrum.highest_excess(mine, theirs, side=size)),
        ):
            found[Row("spectrum", name, "", metric)] = value
    return found


def _in_features(reference: ImageSummary, other: ImageSummary, name: str, *, seed: int) -> dict[str, float]:
    (theirs, their_units), (mine, units_of_mine) = (in_features_of(one, name) for one in (reference, other))
    units = {"first_units": their_units, "second_units": units_of_mine}
    near = neighbourhoods(theirs, mine, neighbours=NEIGHBOURS, real_units=their_units, fake_units=units_of_mine)
    return {
        frechet.NAME: frechet.frechet_distance(theirs, mine),
        frechet.NAME_INFINITY: frechet.frechet_infinity(theirs, mine, **units, seed=seed).value,
        kernel_distance.NAME: kernel_distance.kernel_distance(theirs, mine, **units),
        **{metric: compute(near) for metric, compute in _OF_NEIGHBOURHOODS.items()},
        feature_spread.NAME: feature_spread.feature_spread(mine, units=units_of_mine),
    }


def in_features_of(summary: ImageSummary, name: str) -> tuple[Numbers, NDArray[np.int64]]:
    """[m, D] and [m]: features of that name and the subjects of the images that are new to what gives them."""
    new = summary.new(name)
    return summary.features[name][new], summary.units[new]


def without(summary: ImageSummary, left_out: NDArray[np.bool_]) -> ImageSummary:
    """The same without some of its images ([n], true for those)."""
    kept = ~left_out
    pairs = ~left_out[summary.pairs].any(axis=1)
    return ImageSummary(
        summary.units[kept],
        {name: values[kept] for name, values in summary.features.items()},
        {key: values[kept] for key, values in summary.histograms.items()},
        summary.spectra[kept],
        # Positions are of no use any more once images are gone.
        np.empty((0, 2), dtype=np.int64),
        summary.similarity[pairs],
    )


def measurable(
    reference: ImageSummary,
    yardstick: ImageSummary,
    synthetic: ImageSummary,
    *,
    groups: Sequence[NDArray[np.int64]],
) -> list[str]:
    """Names of the features that can be measured in: images and subjects are `enough`, with a group of them left out too.

    Parts of a whole have to be so together, but for the subjects, of which each needs some. Where the yardstick is not new to a
    network it is none.

    Args:
        groups: [n] of each of the three, of its images that are left out in turn.
    """
    found, sets = [], (reference, yardstick, synthetic)
    for name in reference.features:
        parts = len(_parts_of(name, reference))
        if yardstick.new(name).all() and all(
            enough(one.units[new], dealt[new], parts=parts)
            for one, dealt, new in zip(sets, groups, (one.new(name) for one in sets), strict=True)
        ):
            found.append(name)
    return [name for name in found if all(part in found for part in _parts_of(name, reference))]


def _parts_of(name: str, summary: ImageSummary) -> list[str]:
    return [other for other in summary.features if whole_of(other) == whole_of(name)]


def mean_histogram(summary: ImageSummary, channel: int, label: int) -> Numbers:
    """[256] shares of the pixels by intensity; all 0 where the label is in no image."""
    total = summary.histograms[channel, label].sum(axis=0)
    return np.asarray(total / max(1.0, total.sum()))
