"""How real and how varied are synthetic images? The section `fidelity` of evaluation.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.alignment_audit import Learner, check_channels
from segmint.evaluation.chosen import Chosen
from segmint.evaluation.evidence import Evidence
from segmint.evaluation.fidelity_findings import fidelity_findings, fidelity_notes, fidelity_sentences
from segmint.evaluation.fidelity_groups import dealt_groups
from segmint.evaluation.fidelity_measures import (
    FEWEST,
    METRICS,
    Row,
    in_features_of,
    mean_histogram,
    measurable,
    measure,
    on_one_scale,
    scaled_by_themselves,
    without,
)
from segmint.evaluation.fidelity_sets import Sets, choose_sets
from segmint.evaluation.image_summary import ImageSummary, Numbers, summarise
from segmint.evaluation.jackknife import FEWEST_GROUPS, jackknifed
from segmint.evaluation.networks import Network, named_networks, whole_of
from segmint.metrics.frechet import Extrapolated, frechet_infinity
from segmint.metrics.intensity_distance import BINS
from segmint.metrics.power_spectrum import frequencies
from segmint.outputs import without_nan
from segmint.reference.given_network import GivenNetwork

# Bins of the histograms that are kept to be drawn.
_DRAWN_BINS = 64
_SIDES = ("training", "real", "synthetic")

Measures = dict[Row, float]


def audit_fidelity(
    evidence: Evidence,
    folder: Path,  # noqa: ARG001
    *,
    learner: Learner | None = None,
    network: GivenNetwork | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare synthetic with real images, and other real images with the same real ones as a yardstick.

    Args:
        folder: nothing is written there: the report draws its pictures from the numbers.
        learner: of segmenters whose encoders give features too, each of images that are new to it.
        network: given by the user, likewise.
        seed: of the choice of images, of pairs, and of the groups of the jackknife.

    Returns:
        JSON-able: `images`, how many of each set were compared; `training`, `real` (the yardstick, with its `kind`) and
        `synthetic`, each with `slices`, of which `shown` were looked at, and `subjects`; `features`, by name: `numbers` an image,
        `components` kept, and where they come from; `own_scale`, names of those in which the real images compared with have set the
        scale, for want of subjects or images; `left_out`, names of those with too few images or subjects; `metrics`: the
        `direction` that is better and the `range` of each; `measures`: a list, each with `group`, `of`, `inside`, `metric`, and
        `synthetic`, `real` and their `difference`, each with `value` and `interval`, and the `p_value` of that difference;
        `frechet_by_size`: distances over numbers of images, by features, of `synthetic` and `real`; `spectra` and `histograms`,
        by channel, of all three sets; `findings`, `sentences`, `notes`. With too few images `measures` is empty, and the rest
        after it.

    Raises:
        UserError: the datasets differ in their channels, the segmenter cannot be trained, or the network takes no such images.
    """
    for other in (evidence.synthetic, *([evidence.unseen] if evidence.unseen is not None else [])):
        check_channels(evidence.training, other)
    sets = choose_sets(evidence, seed=seed)
    section: dict[str, Any] = {
        "images": 0 if sets is None else len(sets.synthetic.indices),
        "training": _counted(evidence.training, sets.reference if sets else None),
        "real": _counted(_yardstick_of(evidence, sets), sets.yardstick if sets else None)
        | {"kind": sets.kind if sets else None},
        "synthetic": _counted(evidence.synthetic, sets.synthetic if sets else None),
        "features": {},
        "own_scale": [],
        "left_out": [],
        "metrics": {name: {"direction": one.direction, "range": list(one.range)} for name, one in METRICS.items()},
        "measures": [],
        "frechet_by_size": {},
        "spectra": {},
        "histograms": {},
    }
    if sets is not None and len(sets.synthetic.indices) >= FEWEST:
        section |= _compared(
            evidence, sets, named_networks(evidence, learner, cells=1, given=network), network, seed=seed
        )
    section["findings"] = fidelity_findings(section)
    section["sentences"] = fidelity_sentences(section)
    section["notes"] = fidelity_notes(section)
    content: dict[str, Any] = without_nan(section)
    return content


def _compared(
    evidence: Evidence,
    sets: Sets,
    networks: Mapping[str, Network],
    network: GivenNetwork | None,
    *,
    seed: int,
) -> dict[str, Any]:
    raw = [summarise(one, networks, seed=seed) for one in (sets.reference, sets.yardstick, sets.synthetic)]
    dealt = dealt_groups(raw, seed=seed)
    scaled = on_one_scale(raw[0], raw[1], raw[2], groups=dealt[0], seed=seed)
    dataset, names = evidence.training.slices.dataset, measurable(*scaled, groups=dealt)
    compare = partial(
        measure,
        channel_names=dataset.channel_names,
        label_names=evidence.label_names,
        size=evidence.training.slices.size,
        networks=names,
        seed=seed,
    )
    return {
        "features": _described(raw[0], scaled[0], names, network, evidence),
        "own_scale": sorted(scaled_by_themselves(raw[0], scaled[0]) & {whole_of(name) for name in names}),
        "left_out": sorted({whole_of(name) for name in raw[0].features} - {whole_of(name) for name in names}),
        "measures": _rows(scaled, dealt, compare),
        "frechet_by_size": _by_size(scaled, names, seed=seed),
        "spectra": _spectra(raw, dataset.channel_names, evidence.training.slices.size),
        "histograms": _histograms(raw, dataset.channel_names, evidence.label_names),
    }


def _yardstick_of(evidence: Evidence, sets: Sets | None) -> Chosen | None:
    return evidence.unseen if sets is not None and sets.kind == "held-out subjects" else evidence.training


def _counted(all_of: Chosen | None, shown: Chosen | None) -> dict[str, int]:
    return {
        "slices": len(all_of.indices) if all_of is not None else 0,
        "shown": len(shown.indices) if shown is not None else 0,
        "subjects": len(set(shown.subjects)) if shown is not None else 0,
    }


def _described(
    raw: ImageSummary, scaled: ImageSummary, names: Sequence[str], network: GivenNetwork | None, evidence: Evidence
) -> dict[str, Any]:
    slices, numbers = evidence.training.slices, {whole_of(name): one.shape[1] for name, one in raw.features.items()}
    components: dict[str, list[int]] = {}
    for name in names:
        components.setdefault(whole_of(name), []).append(scaled.features[name].shape[1])
    found: dict[str, Any] = {
        name: {"numbers": numbers[name], "components": min(some)} for name, some in components.items()
    }
    if network is not None and network.path.name in found:
        found[network.path.name] |= network.described(len(slices.dataset.channel_names), slices.size)
    return found


def _rows(
    sets: Sequence[ImageSummary],
    dealt: Sequence[NDArray[np.int64]],
    compare: Callable[[ImageSummary, ImageSummary], Measures],
) -> list[dict[str, Any]]:
    """Measures of the yardstick and the synthetic images, with intervals from leaving out a group of subjects in turn."""
    reference, real, synthetic = sets
    groups = 1 + int(dealt[0].max())
    whole = compare(reference, synthetic), compare(reference, real)
    again: list[tuple[Measures, Measures]] = []
    for group in range(groups if groups >= FEWEST_GROUPS else 0):
        rest, other, made = (without(one, of == group) for one, of in zip(sets, dealt, strict=True))
        again.append((compare(rest, made), compare(rest, other)))
    return [_row(row, whole, again) for row in whole[0]]


def _row(row: Row, whole: tuple[Measures, Measures], again: Sequence[tuple[Measures, Measures]]) -> dict[str, Any]:
    ours, theirs = (np.array([pair[side].get(row, np.nan) for pair in again]) for side in (0, 1))
    mine, real = whole[0][row], whole[1].get(row, float("nan"))
    difference = jackknifed(mine - real, ours - theirs)
    within = METRICS[row.metric].range
    return {
        "group": row.group,
        "of": row.of,
        "inside": row.inside or None,
        "metric": row.metric,
        "synthetic": _estimate(mine, ours, within),
        "real": _estimate(real, theirs, within),
        "difference": {"value": difference.value, "interval": [difference.low, difference.high]},
        "p_value": difference.p_value,
    }


def _estimate(value: float, replicates: NDArray[np.float64], within: tuple[float, float]) -> dict[str, Any]:
    found = jackknifed(value, replicates)
    return {"value": value, "interval": np.clip([found.low, found.high], *within).tolist()}


def _by_size(sets: Sequence[ImageSummary], names: Sequence[str], *, seed: int) -> dict[str, Any]:
    lines: dict[str, dict[str, list[Extrapolated]]] = {}
    for name in names:
        theirs, their_units = in_features_of(sets[0], name)
        for side, one in (("synthetic", sets[2]), ("real", sets[1])):
            mine, units = in_features_of(one, name)
            line = frechet_infinity(theirs, mine, first_units=their_units, second_units=units, seed=seed)
            lines.setdefault(whole_of(name), {}).setdefault(side, []).append(line)
    return {
        name: {
            side: {
                "images": np.mean([line.sizes for line in parts], axis=0).tolist(),
                "distances": np.mean([line.distances for line in parts], axis=0).tolist(),
                "infinity": float(np.mean([line.value for line in parts])),
            }
            for side, parts in sides.items()
        }
        for name, sides in lines.items()
    }


def _spectra(sets: Sequence[ImageSummary], channels: Sequence[str], size: int) -> dict[str, Any]:
    powers = {
        channel: {side: one.spectra[:, number].mean(axis=0).tolist() for side, one in zip(_SIDES, sets, strict=True)}
        for number, channel in enumerate(channels)
    }
    return {"cycles_a_pixel": frequencies(size).tolist(), "power": powers}


def _histograms(sets: Sequence[ImageSummary], channels: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    return {
        channel: {
            name: {
                side: _coarse(mean_histogram(one, number, label)).tolist()
                for side, one in zip(_SIDES, sets, strict=True)
            }
            for label, name in enumerate(("image", *labels[1:]))
        }
        for number, channel in enumerate(channels)
    }


def _coarse(shares: Numbers) -> Numbers:
    return np.asarray(shares.reshape(_DRAWN_BINS, BINS // _DRAWN_BINS).sum(axis=1))
