"""Synthetic images that copy held-out real ones: subjects who were in what the generator learned from after all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from segmint.evaluation.chosen import Chosen
from segmint.evaluation.copy_rates import Nearness, compare_nearness
from segmint.evaluation.pictured import Pictured
from segmint.evaluation.plain_images import SAME, Plainness
from segmint.reference.copies import Copies, CopySearch

# Training images that tell how near real images of other subjects come, at most; images aligned with each query, half as many as
# in the search among training images: what is sought here is near.
_YARDSTICK, _ALIGNED = 300, 2


def seek_held_out(
    shown: Chosen,
    copies: Copies,
    training: Pictured,
    unseen: Chosen | None,
    *,
    twins: Sequence[str],
    plainness: Callable[[], Plainness | None],
    seed: int = 0,
) -> dict[str, Any] | None:
    """Seek for each synthetic image the held-out image that it could be a copy of, as among training images.

    What is near by chance is learnt from training images, real ones of other subjects. An image that is as near to a training
    image is no copy of a held-out one.

    Args:
        shown: the synthetic images; copies: the nearest training image of each.
        unseen: real images of subjects that the generator is said not to have seen; None: there are none.
        twins: names of those who have trained all the same, known from their images: they are left out.
        plainness: measures that of the training images, where an image is found that passes `SAME`.
        seed: of the choice of training images, and of the deal of their subjects.

    Returns:
        JSON-able: `held_out`, of how many `slices` and `subjects` were searched; a `Comparison` as described there, whose
        `false_positives` are training images, or a `threshold` of None where there are too few of them; `identical`, synthetic
        images that are as near as a held-out image with noise; `identical_by_chance`, whether plain images explain that;
        `copied`, by `subject` how many `images` are that, unless by chance, or pass the threshold, the most first, and their
        highest `similarity`. None where nobody is held out.
    """
    if unseen is None:
        return None
    held = unseen.at(~np.isin(unseen.subjects, twins))
    if not len(held.indices):
        return None
    search = CopySearch(held.slices.images, held.indices, held.units, aligned=_ALIGNED)
    found = search.nearest(shown.slices.images, shown.indices)
    # Of images that are nearer to a training image the least near.
    apart = (found.similarity > copies.similarity)[:, None]
    evidence = np.where(apart, found.evidence, found.evidence.min(axis=0))
    picked = np.sort(np.random.default_rng(seed).permutation(len(training.indices))[:_YARDSTICK])
    known = Pictured(training.parts, training.indices[picked])
    usual = Nearness(search.nearest(known.images, known.indices).evidence, known.units)
    compared = compare_nearness(evidence, usual, seed=seed)
    same = apart[:, 0] & (found.similarity > SAME)
    plain = plainness() if same.any() else None
    by_chance = plain is not None and plain.explains(int(same.sum()), len(same))
    copied = np.zeros_like(same) if by_chance else same
    if compared is not None:
        copied = copied | (compared.scores > compared.threshold)
    names = np.array(held.subjects)[found.positions]
    return {
        "held_out": {"slices": len(held.indices), "subjects": len(set(held.subjects))},
        **(compared.described() if compared is not None else {"threshold": None}),
        "identical": int(same.sum()),
        "identical_by_chance": by_chance,
        "copied": sorted(
            (
                {
                    "subject": str(name),
                    "images": int((names[copied] == name).sum()),
                    "similarity": float(found.similarity[copied & (names == name)].max()),
                }
                for name in np.unique(names[copied])
            ),
            key=lambda one: -one["images"],
        ),
    }


def shows_leak(section: Mapping[str, Any]) -> bool:
    """Whether more images count as copies than chance explains."""
    same = section["identical"] and not section["identical_by_chance"]
    if section["threshold"] is None:
        return bool(same)
    return bool(same or section["certain"] or section["excess"]["interval"][0] > 0)
