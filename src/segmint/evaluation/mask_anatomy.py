"""Which labels drawn masks show together, and which they show inside one another, beside real masks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from segmint.evaluation.mask_set import MaskSet
from segmint.evaluation.two_samples import share_test
from segmint.metrics.mask_nesting import labels_together, nested_labels


def compare_together(
    drawn: MaskSet, real: MaskSet, *, label_names: Sequence[str], usual: bool, seed: int
) -> list[dict[str, Any]]:
    """For every two labels the share of masks that hold both.

    Args:
        label_names: by id, background first; usual: there are enough real subjects for a test; seed: of it.

    Returns:
        JSON-able, for each pair `labels`, shares `real` and `drawn`, and the `p_value` that they are one, by subject; None
        without a test.
    """
    ours, theirs = (labels_together(one.labels, label_count=len(label_names)) for one in (drawn, real))
    return [
        {
            "labels": [label_names[first], label_names[second]],
            "real": float(theirs[:, first, second].mean()),
            "drawn": float(ours[:, first, second].mean()),
            "p_value": share_test(ours[:, first, second], drawn.units, theirs[:, first, second], real.units, seed=seed)
            if usual
            else None,
        }
        for first, second in combinations(range(1, len(label_names)), 2)
    ]


def compare_nested(drawn: MaskSet, real: MaskSet, *, label_names: Sequence[str]) -> dict[str, Any]:
    """Labels that lie wholly inside another, such as no real mask shows them.

    Returns:
        JSON-able: `masks` drawn, and how many of them are `impossible`: a label lies inside another as in none of the `training`
        masks. `real_share`, the share of training masks that hold what no other training subject does, tells how often that
        happens in real ones. `pairs`: `inner` and `outer`, and the number of masks, `drawn` and `real`, the most often drawn first.
    """
    ours = [nested_labels(mask) for mask in drawn.labels]
    theirs = [nested_labels(mask) for mask in real.labels]
    counts, usual = Counter(pair for one in ours for pair in one), Counter(pair for one in theirs for pair in one)
    owners: dict[tuple[int, int], set[int]] = {}
    for unit, found in zip(real.units.tolist(), theirs, strict=True):
        for pair in found:
            owners.setdefault(pair, set()).add(unit)
    alone = np.array([any(len(owners[pair]) == 1 for pair in found) for found in theirs], dtype=bool)
    ordered = sorted(counts.keys() | usual.keys(), key=lambda pair: (-counts[pair], pair))
    return {
        "masks": len(drawn),
        "training": len(real),
        "impossible": sum(any(pair not in usual for pair in found) for found in ours),
        "real_share": float(alone.mean()) if len(alone) else 0.0,
        "pairs": [
            {
                "inner": label_names[inner],
                "outer": label_names[outer],
                "drawn": counts[inner, outer],
                "real": usual[inner, outer],
            }
            for inner, outer in ordered
        ],
    }
