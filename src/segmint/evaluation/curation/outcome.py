"""What curation.json says: rules, thresholds, counts, what happened to the labels, and every pair with its reasons."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.chosen import Chosen
from segmint.evaluation.curation.judgement import Agreed, Judgement
from segmint.evaluation.curation.yardstick import Band
from segmint.evaluation.evidence import Evidence
from segmint.metrics.dice import dice
from segmint.outputs import without_nan

# Thresholds of fewer held-out subjects are called uncertain; a label's share that changes by more than this part is warned of.
_FEW_SUBJECTS, _SHIFT = 5, 0.1


def describe(
    judgement: Judgement, evidence: Evidence, *, rules: Mapping[str, Any], segmenter: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The content of curation.json.

    Args:
        rules: what was asked for; segmenter: its `recipe`, `steps` and `batch`.

    Returns:
        JSON-able, NaN as None: `real`, `synthetic`, `size`, `axis`, `label_names`, `rules`, `segmenter` (with the `slices` and
        `subjects` it has learned from), `thresholds` by label (see `Yardstick.described`; None for a label that too few real
        slices have), `held_out` (`slices`, `subjects`, and the share of them that `would_be_dropped` for disagreement),
        `copies` (see `Comparison.described`, with its `yardstick`; `threshold` None without one), `counts` (`pairs`,
        `kept`, `dropped`, and by reason), `balance` by label (see `balance_of`), `warnings`, `notes`, and `pairs` (`pair`,
        `kept`, `reasons`, `agreement` by label, `similarity` to the `nearest` training image, `uncertainty`).
    """
    kept, labels, agreed = judgement.kept, evidence.label_names, judgement.agreed
    training = evidence.training
    balance = balance_of(evidence.synthetic, kept)
    learned = {"slices": len(training.indices), "subjects": len(set(training.subjects))}
    content: dict[str, Any] = without_nan(
        {
            "format": 1,
            "real": training.slices.dataset.identity,
            "synthetic": evidence.synthetic.described(),
            "size": training.slices.size,
            "axis": training.slices.axis,
            "label_names": list(labels),
            "rules": dict(rules),
            "segmenter": None if segmenter is None else {**segmenter, **learned},
            "thresholds": None if agreed is None else _thresholds(agreed, labels),
            "held_out": None if agreed is None else _held_out(agreed),
            "copies": _copies(judgement),
            "counts": judgement.counts,
            "balance": balance,
            "warnings": balance_warnings(balance, pairs=len(kept), kept=int(kept.sum())),
            "notes": [*_notes(judgement, labels), *evidence.notes],
            "pairs": _pairs(judgement, evidence),
        }
    )
    return content


def balance_of(pairs: Chosen, kept: NDArray[np.bool_]) -> dict[str, dict[str, Any]]:
    """By label but the background: the share of pairs that hold it (`share`) and their median area in pixels of the network's
    grid (`area`), each `before` and `after`."""
    label_names = pairs.slices.dataset.label_names
    areas = np.stack(
        [np.bincount(pairs.slices.labels[i].ravel(), minlength=len(label_names)) for i in pairs.indices.tolist()]
    )
    found = {}
    for label, name in enumerate(label_names[1:], start=1):
        sides = {"before": areas[:, label], "after": areas[kept, label]}
        found[name] = {
            "share": {side: float((of > 0).mean()) for side, of in sides.items()},
            "area": {side: float(np.median(of[of > 0])) if of.any() else math.nan for side, of in sides.items()},
        }
    return found


def balance_warnings(balance: Mapping[str, Any], *, pairs: int, kept: int) -> list[str]:
    """Labels that curation made rarer or more common: by more than a tenth, and more than dropping at random would."""
    sentences = []
    for name, one in balance.items():
        before, after = one["share"]["before"], one["share"]["after"]
        # Of sampling without replacement.
        error = math.sqrt(before * (1 - before) / kept * (pairs - kept) / max(pairs - 1, 1))
        if abs(after - before) > max(_SHIFT * before, 2 * error):
            how = "rarer" if after < before else "more common"
            sentences.append(
                f"Curation made {name} {how}: it is in {_percent(before)} of the drawn pairs and in {_percent(after)} of the kept"
                " ones. A trial of the kept pairs measures that too."
            )
    return sentences


def _thresholds(agreed: Agreed, labels: Sequence[str]) -> dict[str, Any]:
    pairs = zip(labels[1:], agreed.yardsticks, strict=True)
    return {name: None if yardstick is None else yardstick.described() for name, yardstick in pairs}


def _held_out(agreed: Agreed) -> dict[str, Any]:
    held = agreed.held.chosen
    return {
        "slices": len(held.indices),
        "subjects": len(set(held.subjects)),
        "would_be_dropped": agreed.held_fail,
    }


def _copies(judgement: Judgement) -> dict[str, Any] | None:
    found = judgement.copies
    if found is None:
        return None
    described = {"threshold": None} if found.compared is None else found.compared.described()
    return {"yardstick": found.yardstick, **described}


def _notes(judgement: Judgement, labels: Sequence[str]) -> list[str]:
    notes = []
    if judgement.agreed is not None:
        held = judgement.agreed.held.chosen
        subjects = len(set(held.subjects))
        if subjects < _FEW_SUBJECTS:
            notes.append(
                f"What pairs must reach was learnt from {subjects} held-out subject{'' if subjects == 1 else 's'} alone: with"
                " others it could be quite different."
            )
        for name, yardstick in zip(labels[1:], judgement.agreed.yardsticks, strict=True):
            if yardstick is None:
                notes.append(
                    f"{name} is in too few held-out real slices to judge it by: pairs were not dropped for it."
                )
                continue
            for sizes in unjudged_sizes(yardstick.bands):
                notes.append(f"{name}{sizes} was not judged: the segmenter misses it in held-out real slices too.")
    if judgement.copies is not None and judgement.copies.compared is None:
        notes.append("Copies could not be told: there are too few real images to learn from how near new ones come.")
    if judgement.copies is not None and judgement.copies.yardstick == "training":
        notes.append(
            "How near new images come was learnt between two halves of the training subjects, as there are too few held-out"
            " images: a few more pairs count as copies than should."
        )
    return notes


def unjudged_sizes(bands: Sequence[Band]) -> list[str]:
    """Of which sizes a label is not judged, as words to follow its name; neighbouring bands are told as one."""
    found = []
    for blind, run in groupby(range(len(bands)), key=lambda number: bands[number].least == 0):
        if not blind:
            continue
        numbers = list(run)
        first, last = numbers[0], numbers[-1]
        if (first, last) == (0, len(bands) - 1):
            found.append("")
        elif first == 0:
            found.append(f" below about {bands[last + 1].start} pixels")
        elif last == len(bands) - 1:
            found.append(f" of about {bands[first].start} pixels and more")
        else:
            found.append(f" from about {bands[first].start} to {bands[last + 1].start} pixels")
    return found


def _pairs(judgement: Judgement, evidence: Evidence) -> list[dict[str, Any]]:
    labels, agreed, copies = evidence.label_names[1:], judgement.agreed, judgement.copies
    names = [] if copies is None else evidence.pictured.names
    kept, values = judgement.kept, None if agreed is None else dice(agreed.synthetic.counts)[:, 1:]
    return [
        {
            "pair": case.id,
            "kept": bool(kept[i]),
            "reasons": judgement.reasons_of(i, labels),
            "agreement": None if values is None else dict(zip(labels, values[i].tolist(), strict=True)),
            "similarity": None if copies is None else float(copies.copies.similarity[i]),
            "nearest": None if copies is None else names[copies.copies.positions[i]],
            "uncertainty": None if judgement.uncertainty is None else float(judgement.uncertainty[i]),
        }
        for i, case in enumerate(judgement.cases)
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%" if share >= 0.1 else f"{100 * share:.1f}%"
