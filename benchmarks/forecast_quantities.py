"""What can be seen of a synthetic set without training a segmenter on it, each in one number beside real data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from segmint.evaluation.alignment import compare_agreement
from segmint.evaluation.alignment_audit import agreements
from segmint.evaluation.chosen import Chosen
from segmint.evaluation.evidence import Evidence
from segmint.evaluation.fidelity_groups import dealt_groups
from segmint.evaluation.fidelity_measures import Row, measurable, measure, on_one_scale
from segmint.evaluation.fidelity_sets import choose_sets
from segmint.evaluation.forecast import aligned_share
from segmint.evaluation.image_summary import summarise
from segmint.evaluation.nearness import chance_of_nearer
from segmint.evaluation.networks import networks_of
from segmint.metrics.mask_shape import MEASURES, mask_shapes
from segmint.reference.cross_fitted import Fitted

# Masks of each side whose shapes are compared.
_SHAPES = 500

Labels = NDArray[np.integer]


def forecast_quantities(evidence: Evidence, fitted: Sequence[Fitted], *, seed: int = 0) -> dict[str, float]:
    """Measure a synthetic set.

    Args:
        fitted: segmenters that have learned from the real training subjects in parts.
        seed: of the choice of images.

    Returns:
        By name: `alignment`, the Dice of synthetic masks with what the segmenters see, over that of real pairs which are new to
        them; `alignment, lowest label`, that of the label that has the least; every metric of images as `METRIC in NETWORK` or
        `METRIC, CHANNEL`, the synthetic set's less the yardstick's; `masks`, the mean over labels and measures of shape of the
        Kolmogorov-Smirnov distance to the training masks, less the yardstick's; `presence`, how much the share of masks with a
        label differs from the training masks', on average over labels; `copies`, the chance that a synthetic image is nearer
        to its nearest training image than a new real one is, 0.5 where they are alike. What cannot be had is NaN.
    """
    return {
        **_alignment(evidence, fitted),
        **_images(evidence, fitted, seed=seed),
        **_masks(evidence),
        "copies": chance_of_nearer(evidence, seed=seed),
    }


def _alignment(evidence: Evidence, fitted: Sequence[Fitted]) -> dict[str, float]:
    synthetic, held = agreements(evidence, fitted)
    compared = compare_agreement(synthetic, held, label_names=evidence.label_names)
    if held is None:
        return {"alignment": float("nan"), "alignment, lowest label": float("nan")}
    ratios = [one["ratio"]["value"] for one in compared["labels"].values() if not np.isnan(one["holdout"]["dice"])]
    lowest = float(np.min(np.nan_to_num(np.array(ratios, dtype=np.float64))))
    return {"alignment": aligned_share(compared), "alignment, lowest label": lowest}


def _images(evidence: Evidence, fitted: Sequence[Fitted], *, seed: int) -> dict[str, float]:
    sets = choose_sets(evidence, seed=seed)
    if sets is None:
        return {}
    networks = networks_of(evidence, fitted, cells=1)
    raw = [summarise(one, networks, seed=seed) for one in (sets.reference, sets.yardstick, sets.synthetic)]
    groups = dealt_groups(raw, seed=seed)
    reference, yardstick, synthetic = on_one_scale(raw[0], raw[1], raw[2], groups=groups[0], seed=seed)
    dataset = evidence.training.slices.dataset
    ours, real = (
        measure(
            reference,
            one,
            channel_names=dataset.channel_names,
            label_names=evidence.label_names,
            size=evidence.training.slices.size,
            networks=measurable(reference, yardstick, synthetic, groups=groups),
            seed=seed,
        )
        for one in (synthetic, yardstick)
    )
    return _averaged({row: value - real[row] for row, value in ours.items()})


def _averaged(differences: dict[Row, float]) -> dict[str, float]:
    """One number a metric and network; of channels and labels the mean of what differs, whichever way."""
    parts: dict[str, list[float]] = {}
    for row, value in differences.items():
        in_one = row.group in ("features", "images")
        name = f"{row.metric} in {row.of}" if row.group == "features" else row.metric
        parts.setdefault(name, []).append(value if in_one else abs(value))
    return {name: float(np.mean(values)) for name, values in parts.items()}


def _masks(evidence: Evidence) -> dict[str, float]:
    """How far shapes and presence of labels are from those of the training masks, less how far new real ones are."""
    training, found = _labels(evidence.training), np.zeros(2)
    for one, sign in ((evidence.synthetic, 1), (evidence.holdout, -1)):
        if one is not None:
            found += sign * np.array(_apart(_labels(one), training, label_count=len(evidence.label_names)))
    return {"masks": float(found[0]), "presence": float(found[1])}


def _apart(ours: Labels, theirs: Labels, *, label_count: int) -> tuple[float, float]:
    """Mean Kolmogorov-Smirnov distance of shapes, and mean difference of the shares of masks with a label."""
    distances, presence = [], []
    for label in range(1, label_count):
        sides = [one == label for one in (ours, theirs)]
        held = [one[one.any(axis=(1, 2))] for one in sides]
        presence.append(abs(len(held[0]) / len(ours) - len(held[1]) / len(theirs)))
        if all(len(one) for one in held):
            first, second = (mask_shapes(one) for one in held)
            distances += [float(stats.ks_2samp(first[name], second[name]).statistic) for name in MEASURES]
        elif len(held[1]):
            distances.append(1.0)
    return float(np.mean(distances)) if distances else 0.0, float(np.mean(presence))


def _labels(chosen: Chosen) -> Labels:
    some = chosen.some(_SHAPES, seed=0)
    return np.asarray(some.slices.labels[some.indices])
