"""Are synthetic images copies? The section `privacy` of evaluation.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmint.evaluation.alignment_audit import Learner, check_channels
from segmint.evaluation.chosen import Chosen
from segmint.evaluation.copy_rates import Comparison, Nearness, compare_nearness
from segmint.evaluation.evidence import Evidence
from segmint.evaluation.held_out_copies import seek_held_out
from segmint.evaluation.held_out_twins import without_twins
from segmint.evaluation.membership import compare_membership
from segmint.evaluation.networks import RANDOM, Network, by_whole, named_networks
from segmint.evaluation.pictured import Pictured
from segmint.evaluation.plain_images import SAME, measure_plainness
from segmint.evaluation.privacy_findings import privacy_findings, privacy_notes, privacy_sentences
from segmint.evaluation.privacy_shown import draw_pairs
from segmint.outputs import without_nan
from segmint.reference.copies import Copies, CopySearch
from segmint.reference.feature_distance import FeatureSearch, features_of
from segmint.reference.whitening import Whitening

PICTURE = "privacy.png"
# Images looked at on either side, pairs shown, and images of either side from which membership is inferred.
MOST, PAIRS, _MEMBERS = 1000, 20, 3000


def audit_privacy(evidence: Evidence, folder: Path, *, learner: Learner | None = None, seed: int = 0) -> dict[str, Any]:
    """Seek the training image each synthetic image could be a copy of, and see whether membership shows; draw the nearest.

    Args:
        learner: of segmenters whose encoders give features too, each of images that are new to it; None: those of a random
            network alone.
        seed: of the choice of images where there are very many, and of what is dealt out and resampled.

    Returns:
        JSON-able: `synthetic`, `training` and `held_out` (`slices`, of which `shown` were looked at, `subjects`; of `training`
        how many are `unlabelled_slices`, images without a label map; `held_out` None without any); `held_out_twins`, held-out
        subjects who were left out because an image of theirs is a training image; `held_out_copies`, see `seek_held_out`;
        `held_out_alike`, images of held-out subjects who stayed that are as near to a training image, by chance; `identical`,
        synthetic images that are as near as a training image with noise; `identical_by_chance`, whether plain images explain
        that; `plainness`, see `Plainness`, None where nothing is so near or only one subject trained; `pixels`, and by name of
        the network `features`, each a `Comparison` as described there, or a `threshold` of None where there are too few
        held-out images; `pixels` with `similarity`, that of `synthetic` and of `held_out` images to the nearest training image
        (`median`, `percentile_99`, `highest`); `membership`, see `compare_membership`; `nearest`, the twenty nearest pairs
        (`synthetic`, `training`, `subject`, whether the training image is `unlabelled`, `similarity`, `other`, that to the
        nearest of another subject, and `copy`, whether it counts as one, None without a threshold); `findings`,
        `sentences`, `notes`, and `picture`, a file in `folder` with those pairs: the synthetic image, the same brought in
        line, the training image.
    """
    training, unseen = evidence.pictured, evidence.unseen
    for other in (evidence.synthetic, *([unseen] if unseen is not None else [])):
        check_channels(training, other)
    shown = evidence.synthetic.some(MOST, seed=seed)
    held = unseen.some(MOST, seed=seed) if unseen is not None else None
    search = CopySearch(training.images, training.indices, training.units)
    copies = search.nearest(shown.slices.images, shown.indices)
    new = search.nearest(held.slices.images, held.indices) if held is not None else None
    same = int((copies.similarity > SAME).sum())
    alike = 0 if new is None else int((new.similarity > SAME).sum())
    # Takes a search of its own, so only where something comes so near.
    plainness = cache(lambda: measure_plainness(training, seed=seed))
    left_out: tuple[str, ...] = ()
    if held is not None and new is not None:
        apart = without_twins(held, new, plainness() if alike else None)
        held, new, left_out = apart.images, apart.found, apart.left_out
    compared = compare_nearness(
        copies.evidence, Nearness(new.evidence, held.units) if new and held else None, seed=seed
    )
    networks = named_networks(evidence, learner, cells=4)
    section: dict[str, Any] = {
        "synthetic": _counted(evidence.synthetic, shown),
        "training": _counted(training, training) | {"unlabelled_slices": int(training.unlabelled.sum())},
        "held_out": _counted(unseen, held) if unseen is not None and held is not None else None,
        "held_out_twins": list(left_out),
        "held_out_copies": seek_held_out(
            shown, copies, training, unseen, twins=left_out, plainness=plainness, seed=seed
        ),
        "pixels": {
            "similarity": {
                "synthetic": _spread(copies.similarity),
                "held_out": _spread(new.similarity) if new is not None else None,
            },
            **_described(compared),
        },
        "features": _by_features(networks, training, shown, held, seed=seed),
        "identical": same,
        "identical_by_chance": bool(
            same and (plain := plainness()) is not None and plain.explains(same, len(shown.indices))
        ),
        "membership": _membership(networks[RANDOM].features, training, shown, held, seed=seed),
    }
    section["held_out_alike"] = 0 if left_out else alike
    section["plainness"] = plain.described() if _came_near(section) and (plain := plainness()) is not None else None
    ranked = compared.scores if compared is not None else copies.evidence[:, -1]
    order = np.argsort(-ranked, kind="stable")[:PAIRS]
    marked = compared.scores > compared.threshold if compared is not None else None
    section["nearest"] = _pairs(order, copies, shown, training, marked)
    section["findings"] = privacy_findings(section)
    section["sentences"] = privacy_sentences(section)
    section["notes"] = [*privacy_notes(section), *_notes_on_images(evidence)]
    section["picture"] = PICTURE
    aligned = search.aligned(shown.slices.images, shown.indices[order])
    draw_pairs(
        shown, shown.indices[order], aligned, training, training.indices[copies.positions[order]], folder / PICTURE
    )
    content: dict[str, Any] = without_nan(section)
    return content


def _came_near(section: Mapping[str, Any]) -> bool:
    """Whether any image was found that could be a copy but for noise."""
    leak = section["held_out_copies"]
    found = (section["identical"], section["held_out_twins"], section["held_out_alike"], leak and leak["identical"])
    return any(found)


def _notes_on_images(evidence: Evidence) -> list[str]:
    """What the generator saw of subjects without their labels."""
    pictured = evidence.pictured
    alone = len(set(pictured.subjects) - set(evidence.training.subjects))
    searched = {name for name, unlabelled in zip(pictured.cases, pictured.unlabelled, strict=True) if unlabelled}
    left_out = len(pictured.dataset.unlabelled) - len(searched)
    notes = []
    if alone:
        notes.append(
            f"Of {alone} training subject{'' if alone == 1 else 's'} the generator saw images without labels: they were searched"
            " too."
        )
    if searched:
        notes.append(
            f"{_unmasked(len(searched))} among the training images. Somebody whose images alone were seen counts as having trained"
            " in the test of membership too."
        )
    if left_out:
        notes.append(
            f"{_unmasked(left_out)} in the real dataset, but the generator has not seen them: they were not searched."
        )
    return notes


def _unmasked(count: int) -> str:
    return f"{count} image without a mask is" if count == 1 else f"{count} images without a mask are"


def _described(compared: Comparison | None) -> dict[str, Any]:
    return compared.described() if compared is not None else {"threshold": None}


def _spread(values: NDArray[np.float64]) -> dict[str, float]:
    median, high = np.quantile(values, [0.5, 0.99])
    return {"median": float(median), "percentile_99": float(high), "highest": float(values.max())}


def _counted(all_of: Chosen | Pictured, shown: Chosen | Pictured) -> dict[str, int]:
    return {"slices": len(all_of.indices), "shown": len(shown.indices), "subjects": len(set(shown.subjects))}


def _by_features(
    networks: Mapping[str, Network],
    training: Pictured,
    shown: Chosen,
    held: Chosen | None,
    *,
    seed: int,
) -> dict[str, Any]:
    found = {}
    for name, parts in by_whole(networks).items():
        # A segmenter has learned which way up images are.
        searches = [
            FeatureSearch(
                part.features, training.images, training.indices[part.new_to(training)], turned=name == RANDOM
            )
            for part in parts
        ]
        near = [_nearness(searches, one) for one in (shown, held) if one is not None]
        new = Nearness(near[1], held.units) if held is not None else None
        found[name] = _described(compare_nearness(near[0], new, seed=seed))
    return found


def _nearness(searches: Sequence[FeatureSearch], chosen: Chosen) -> NDArray[np.float64]:
    """[n, 1] how near each image is to the nearest training image, of those in any of the searches."""
    distances = np.min([search.nearest(chosen.slices.images, chosen.indices) for search in searches], axis=0)
    return np.asarray(-distances[:, None], dtype=np.float64)


def _membership(
    network: Callable[[Tensor], Tensor], training: Pictured, shown: Chosen, held: Chosen | None, *, seed: int
) -> dict[str, Any] | None:
    """Whose images alone were seen is a member as much as others: the generator draws what it has seen.

    The control takes members of both kinds, so that what sets them apart beforehand, such as another source of the images without
    a mask, does not count.
    """
    if held is None:
        return None
    sides = [one.at(slice(None, None, -(-len(one.indices) // _MEMBERS))) for one in (training, held, shown)]
    features = [features_of(network, one.images, one.indices) for one in sides]
    # Fitted on both sides of the split, so that neither is nearer for having set the scale.
    whitening = Whitening(torch.cat(features[:2]))
    known, others, made = (whitening(one) for one in features)
    return compare_membership(known, sides[0].units, others, sides[1].units, made, seed=seed)


def _pairs(
    order: NDArray[np.int64], copies: Copies, shown: Chosen, training: Pictured, marked: NDArray[np.bool_] | None
) -> list[dict[str, Any]]:
    ours, theirs, subjects, unlabelled = shown.names, training.names, training.subjects, training.unlabelled
    return [
        {
            "synthetic": ours[i],
            "training": theirs[copies.positions[i]],
            "subject": subjects[copies.positions[i]],
            "unlabelled": bool(unlabelled[copies.positions[i]]),
            "similarity": float(copies.similarity[i]),
            "other": float(copies.other[i]),
            "copy": bool(marked[i]) if marked is not None else None,
        }
        for i in order
    ]
