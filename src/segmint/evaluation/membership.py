"""Membership inference by subject: are the subjects that trained nearer to the synthetic images than others are?

A generator that leaks draws nearer to its training subjects than to new ones of the same kind. But subjects that trained may
be nearer for another reason: the split itself, where scanners or clinics fell on one side. The control tells: there
members alone take the place of the generator. Half of the training subjects stand for the synthetic images, and the
other half is held against the same held-out subjects. What membership shows beyond the control is the generator's doing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmint.evaluation.statistics import bootstrap_difference, bootstrap_mean

NAME, DIRECTION, RANGE = "membership_auc", "0.5", (0.0, 1.0)
# Fewer subjects on a side, or a wider interval (half of it), cannot show a leak of moderate size.
FEWEST, WIDEST = 10, 0.15
_HALVINGS, _BLOCK, _NEAREST = 10, 512, 0.25


def compare_membership(
    training: Tensor,
    training_units: NDArray[np.int64],
    held: Tensor,
    held_units: NDArray[np.int64],
    synthetic: Tensor,
    *,
    seed: int = 0,
) -> dict[str, Any] | None:
    """Area under the ROC curve of telling training from held-out subjects by their distance to the synthetic images.

    A subject's distance is the mean over the nearest quarter of its images, each to the nearest synthetic one.

    Args:
        training, held, synthetic: [n, D] features; training_units, held_units: [n] the subject of each, 0, 1, and so on.
        seed: of the halvings.

    Returns:
        JSON-able: `auc` (0.5: no sign of membership), `control`, the same for halves of the training subjects in place of the
        synthetic images (0.5: an even split), and `excess`, their difference, each with `value` and `interval` (95%, both
        sides' subjects resampled); `subjects` on either side; `underpowered`, whether so few subjects can show nothing
        but gross leaks. None with fewer than 4 training or 2 held-out subjects.
    """
    members, others = int(training_units.max()) + 1, int(held_units.max()) + 1
    if members < 4 or others < 2:
        return None
    nearer = _nearer(
        _by_subject(_nearest(training, synthetic), training_units), _by_subject(_nearest(held, synthetic), held_units)
    )
    generator = np.random.default_rng(seed)
    sums, counts = np.zeros((members, others)), np.zeros((members, 1))
    for _ in range(_HALVINGS):
        half = generator.permutation(members)[: members // 2]
        for reference in (half, np.setdiff1d(np.arange(members), half)):
            inside = np.isin(training_units, reference)
            rest, units = np.unique(training_units[~inside], return_inverse=True)
            known = training[torch.from_numpy(inside)]
            ours = _by_subject(_nearest(training[torch.from_numpy(~inside)], known), units)
            theirs = _by_subject(_nearest(held, known), held_units)
            sums[rest] += _nearer(ours, theirs)
            counts[rest] += 1
    control = sums / counts
    auc, usual = bootstrap_mean(nearer, within=RANGE), bootstrap_mean(control, within=RANGE)
    excess = bootstrap_difference(nearer, control, within=(-1.0, 1.0))
    wide = (excess.high - excess.low) / 2 > WIDEST
    return {
        "auc": {"value": auc.value, "interval": auc.interval},
        "control": {"value": usual.value, "interval": usual.interval},
        "excess": {"value": excess.value, "interval": excess.interval},
        "subjects": {"training": members, "held_out": others},
        "underpowered": bool(wide or min(members, others) < FEWEST),
    }


def _nearest(images: Tensor, among: Tensor) -> NDArray[np.float64]:
    """[n] distance of each to the nearest."""
    blocks = (images[start : start + _BLOCK] for start in range(0, len(images), _BLOCK))
    parts = [torch.cdist(block, among).amin(dim=1) for block in blocks]
    return torch.cat(parts).numpy().astype(np.float64)


def _by_subject(distances: NDArray[np.float64], units: NDArray[np.int64]) -> NDArray[np.float64]:
    """[subjects] mean of the nearest quarter: a leak need not be of all images of a subject."""
    found = []
    for unit in range(int(units.max()) + 1):
        own = np.sort(distances[units == unit])
        found.append(own[: max(1, round(_NEAREST * len(own)))].mean())
    return np.array(found)


def _nearer(members: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """[members, others] 1 where the member is nearer, 0.5 where both are as near; the mean of all is the AUC."""
    return np.asarray((members[:, None] < others) + 0.5 * (members[:, None] == others), dtype=np.float64)
