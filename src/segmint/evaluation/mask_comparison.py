"""Drawn label maps beside the real ones a generator was trained on: how many, how alike, how near, of what shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.mask_anatomy import compare_nested, compare_together
from segmint.evaluation.mask_findings import mask_findings, mask_sentences
from segmint.evaluation.mask_pairs import PERCENTILE, compare_pairs
from segmint.evaluation.mask_set import MaskSet
from segmint.evaluation.two_samples import distribution_test, excess_test, range_test, share_test
from segmint.metrics.mask_shape import MEASURES, mask_shapes
from segmint.metrics.mask_similarity import distinct_masks, nearest_masks

# Above this Dice two masks count as one and the same.
SAME = 0.95
# Below this number of real subjects nobody can say what is usual between subjects.
FEWEST_SUBJECTS = 5
_MOST_MASKS, _MOST_IN_PAIRS, _EXAMPLES = 1000, 500, 8
_LOW, _HIGH = 1, 99
# Equal masks of fewer pixels than this may be chance, whatever the real ones do.
_TELLING_AREA = 25


def compare_masks(
    drawn: MaskSet,
    training: MaskSet,
    *,
    label_names: Sequence[str],
    box: tuple[slice, slice] = (slice(None), slice(None)),
    seed: int = 0,
) -> dict[str, Any]:
    """Compare drawn masks with the masks a generator was trained on.

    What is usual is learnt from the training masks themselves, always between DIFFERENT subjects: slices of one subject
    resemble one another. Empty masks (without any label) are counted, and left out of what follows. Of very many masks a
    thousand are chosen at random; the nearest training mask is searched among all.

    Args:
        drawn: the masks in question, on the grid of the training masks.
        training: real masks with their subjects.
        label_names: by id, background first.
        box: rows and columns of the grid without the padding of slices: areas and places are shares of it.
        seed: of what is drawn at random (choice of masks, resampling).

    Returns:
        JSON-able:
        `drawn`, `training`: `masks`, `subjects`, `empty`;
        `distinct`: of `masks` drawn (not empty) how many are distinct exactly (`exact`) and beyond a Dice of 0.95
        (`beyond_dice`), and the same `training_share` among one training mask a subject;
        `pairwise`: see `compare_pairs`, or None;
        `nearest`: Dice to the nearest training mask, for `drawn` masks and for training masks (`real`, nearest of another
        subject), `share_above` the real 99th percentile with its `p_value`, `exact_copies`, those among them that are too large to
        be chance (`telling_copies`), `near_copies`, and the `examples` with the highest Dice;
        `labels`: by label and measure the `real` and the `drawn` [1st percentile, median, 99th], the share of drawn masks
        `inside` the real range with its `range_p_value`, and the Kolmogorov-Smirnov `distance` of the two distributions
        with its `p_value`; `present`, the share of masks that hold the label; None where there is nothing to compare;
        `together`: for every two labels the share of masks that hold both, see `compare_together`;
        `nested`: which labels lie inside others, and in how many masks as in no training mask, see `compare_nested`;
        `findings`: what is wrong, each with `code`, `message`, `advice`;
        `sentences`: all of it to read; `notes`: what to bear in mind.

    Raises:
        ValueError: the grids differ, or a set has no masks.
    """
    if not len(drawn) or not len(training):
        raise ValueError("masks on both sides are needed")
    notes = [
        f"Of {len(masks)} {name} masks {_MOST_MASKS} were compared, chosen at random."
        for name, masks in (("drawn", drawn), ("training", training))
        if len(masks) > _MOST_MASKS
    ]
    ours, theirs = drawn.chosen(_MOST_MASKS, seed=seed), training.chosen(_MOST_MASKS, seed=seed)
    filled, real = ours.filled(), theirs.filled()
    usual = real.subject_count >= FEWEST_SUBJECTS
    if not usual:
        notes.append(
            f"The training masks are of {real.subject_count} subject{'' if real.subject_count == 1 else 's'}: too few to"
            f" say what is usual between subjects ({FEWEST_SUBJECTS} are needed), so only copies and repeats are judged."
        )
    result: dict[str, Any] = {
        "drawn": _counted(ours, filled),
        "training": _counted(theirs, real),
        "distinct": _distinct(filled, real, seed=seed),
        "pairwise": _pairwise(filled, real, seed=seed) if usual else None,
        "nearest": _nearest(filled, real, training.filled(), usual=usual),
        "labels": {
            name: _shapes(ours, theirs, number, box=box, usual=usual, seed=seed)
            for number, name in enumerate(label_names)
            if number
        },
        "together": compare_together(ours, theirs, label_names=label_names, usual=usual, seed=seed),
        "nested": compare_nested(ours, training, label_names=label_names),
    }
    result["findings"] = mask_findings(result)
    result["sentences"] = mask_sentences(result)
    result["notes"] = notes
    return result


def _counted(masks: MaskSet, filled: MaskSet) -> dict[str, int]:
    return {"masks": len(masks), "subjects": masks.subject_count, "empty": len(masks) - len(filled)}


def _distinct(drawn: MaskSet, real: MaskSet, *, seed: int) -> dict[str, Any]:
    order = np.random.default_rng(seed).permutation(len(real))
    one_each = real.at(order[np.unique(real.units[order], return_index=True)[1]])
    return {
        "masks": len(drawn),
        "exact": len({mask.tobytes() for mask in drawn.labels}),
        "beyond_dice": len(distinct_masks(drawn.labels, dice=SAME, groups=drawn.units)),
        "dice": SAME,
        "training_share": len(distinct_masks(one_each.labels, dice=SAME)) / len(one_each) if len(one_each) else None,
    }


def _pairwise(drawn: MaskSet, real: MaskSet, *, seed: int) -> dict[str, Any] | None:
    if drawn.subject_count < FEWEST_SUBJECTS:
        return None
    ours, theirs = (masks.chosen(_MOST_IN_PAIRS, seed=seed) for masks in (drawn, real))
    return compare_pairs(ours, theirs, seed=seed)


def _nearest(drawn: MaskSet, real: MaskSet, training: MaskSet, *, usual: bool) -> dict[str, Any] | None:
    if not (len(drawn) and len(training)):
        return None
    found = nearest_masks(drawn.labels, training.labels)
    same = np.array(
        [
            np.array_equal(mask, training.labels[where])
            for mask, where in zip(drawn.labels, found.positions, strict=True)
        ]
    )
    areas = np.count_nonzero(drawn.labels, axis=(1, 2))
    best = np.argsort(-found.dice, kind="stable")[:_EXAMPLES]
    result: dict[str, Any] = {
        "drawn": _spread(found.dice),
        "exact_copies": int(same.sum()),
        "telling_copies": int((same & (areas >= _TELLING_AREA)).sum()),
        "real": None,
        "share_above": None,
        "p_value": None,
        "near_copies": int((found.dice > SAME).sum()),
        "near_dice": SAME,
        "real_near_share": 0.0,
        "examples": [
            {
                "drawn": drawn.name(int(i)),
                "training": training.name(int(found.positions[i])),
                "subject": training.subjects[int(found.positions[i])],
                "dice": float(found.dice[i]),
            }
            for i in best
        ],
    }
    if not usual:
        return result
    numbers = {subject: number for number, subject in enumerate(dict.fromkeys(training.subjects))}
    groups = tuple(np.array([numbers[subject] for subject in masks.subjects]) for masks in (real, training))
    among = nearest_masks(real.labels, training.labels, groups=(groups[0], groups[1]))
    limit = float(np.percentile(among.dice, PERCENTILE))
    above = float((found.dice > limit).mean())
    # Nearer than halfway from the usual to the same: far beyond chance, however few the real subjects are.
    near = (1 + limit) / 2
    by_chance = np.count_nonzero(real.labels[among.dice == 1], axis=(1, 2))
    telling = max(_TELLING_AREA, 2 * int(by_chance.max(initial=0)))
    result |= {
        "real": _spread(among.dice),
        "share_above": above,
        "p_value": excess_test(above, units=drawn.subject_count, real_units=real.subject_count),
        "near_copies": int((found.dice > near).sum()),
        "near_dice": near,
        "telling_copies": int((same & (areas >= telling)).sum()),
        "real_near_share": float((among.dice > near).mean()),
    }
    return result


def _shapes(
    drawn: MaskSet, real: MaskSet, label: int, *, box: tuple[slice, slice], usual: bool, seed: int
) -> dict[str, Any]:
    held = {"drawn": (drawn.labels == label).any(axis=(1, 2)), "real": (real.labels == label).any(axis=(1, 2))}
    result: dict[str, Any] = {
        "present": {
            "real": float(held["real"].mean()),
            "drawn": float(held["drawn"].mean()),
            "p_value": share_test(held["drawn"], drawn.units, held["real"], real.units, seed=seed) if usual else None,
        }
    }
    if not (held["drawn"].any() and held["real"].any()):
        return result | dict.fromkeys(MEASURES)
    ours, theirs = drawn.at(np.flatnonzero(held["drawn"])), real.at(np.flatnonzero(held["real"]))
    first, second = (mask_shapes(one.labels[:, *box] == label) for one in (ours, theirs))
    enough = theirs.subject_count >= FEWEST_SUBJECTS
    for name in MEASURES:
        low, _, high = real_range = _range(second[name])
        inside = float(((first[name] >= low) & (first[name] <= high)).mean())
        distance, p_value = distribution_test(first[name], ours.units, second[name], theirs.units, seed=seed)
        result[name] = {
            "real": real_range,
            "drawn": _range(first[name]),
            "inside": inside,
            "range_p_value": range_test(inside, units=ours.subject_count, real_units=theirs.subject_count)
            if enough
            else None,
            "distance": distance,
            "p_value": p_value if enough else None,
        }
    return result


def _range(values: NDArray[np.float64]) -> list[float]:
    return [float(one) for one in np.percentile(values, [_LOW, 50, _HIGH])]


def _spread(dice: NDArray[np.float32]) -> dict[str, float]:
    return {
        "median": float(np.median(dice)),
        "percentile_99": float(np.percentile(dice, PERCENTILE)),
        "highest": float(dice.max()),
    }
