"""Are synthetic images copies? The section `privacy` of evaluation.json, its table, and its picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from segmint.evaluation.copy_rates import Comparison, Nearness, compare_nearness
from segmint.evaluation.evidence import Chosen, Evidence
from segmint.evaluation.membership import compare_membership
from segmint.evaluation.privacy_findings import privacy_findings, privacy_notes, privacy_sentences
from segmint.outputs import without_nan
from segmint.reference.copies import Copies, CopySearch
from segmint.reference.feature_distance import FeatureSearch, features_of
from segmint.reference.random_features import RandomFeatures
from segmint.reference.whitening import Whitening
from segmint.training.previews import framed, shown_channels

PICTURE = "privacy.png"
# Images looked at on either side, pairs shown, and how many of them in a row.
MOST, PAIRS, _IN_A_ROW = 1000, 20, 10
_TILE = 128


def audit_privacy(evidence: Evidence, folder: Path, *, seed: int = 0) -> dict[str, Any]:
    """Seek the training image each synthetic image could be a copy of, and see whether membership shows; draw the nearest.

    Args:
        seed: of the choice of images where there are very many, and of what is dealt out and resampled.

    Returns:
        JSON-able: `synthetic`, `training` and `held_out` (`slices`, of which `shown` were looked at, `subjects`; `held_out`
        None without any); `pixels`, and by name of the network `features`, each a `Comparison` as described there, or a
        `threshold` of None where there are too few held-out images; `pixels` with `similarity`, that of `synthetic` and of
        `held_out` images to the nearest training image (`median`, `percentile_99`, `highest`); `membership`, see
        `compare_membership`; `nearest`, the twenty nearest pairs (`synthetic`, `training`, `subject`, `similarity`, `other`,
        that to the nearest of another subject, and `copy`, whether it counts as one, None without a threshold); `findings`,
        `sentences`, `notes`, and `picture`, a file in `folder` with those pairs: the synthetic image, the same brought in
        line, the training image.
    """
    training, shown = evidence.training, _some(evidence.synthetic, seed)
    held = _some(evidence.holdout, seed) if evidence.holdout is not None else None
    search = CopySearch(training.slices.images, training.indices, _units(training))
    copies = search.nearest(shown.slices.images, shown.indices)
    new = search.nearest(held.slices.images, held.indices) if held is not None else None
    compared = compare_nearness(
        copies.evidence, Nearness(new.evidence, _units(held)) if new and held else None, seed=seed
    )
    section: dict[str, Any] = {
        "synthetic": _counted(evidence.synthetic, shown),
        "training": _counted(training, training),
        "held_out": _counted(evidence.holdout, held) if evidence.holdout is not None and held is not None else None,
        "pixels": {
            "similarity": {
                "synthetic": _spread(copies.similarity),
                "held_out": _spread(new.similarity) if new is not None else None,
            },
            **_described(compared),
        },
        **_by_features(training, shown, held, seed=seed),
    }
    ranked = compared.scores if compared is not None else copies.evidence.sum(axis=1)
    order = np.argsort(-ranked, kind="stable")[:PAIRS]
    marked = compared.scores > compared.threshold if compared is not None else None
    section["nearest"] = _pairs(order, copies, shown, training, marked)
    section["findings"] = privacy_findings(section)
    section["sentences"] = privacy_sentences(section)
    section["notes"] = privacy_notes(section)
    section["picture"] = PICTURE
    aligned = search.aligned(shown.slices.images, shown.indices[order])
    _draw(shown, shown.indices[order], aligned, training, training.indices[copies.positions[order]], folder / PICTURE)
    content: dict[str, Any] = without_nan(section)
    return content


def _described(compared: Comparison | None) -> dict[str, Any]:
    return compared.described() if compared is not None else {"threshold": None}


def _spread(values: NDArray[np.float64]) -> dict[str, float]:
    median, high = np.quantile(values, [0.5, 0.99])
    return {"median": float(median), "percentile_99": float(high), "highest": float(values.max())}


def _some(chosen: Chosen, seed: int) -> Chosen:
    if len(chosen.indices) <= MOST:
        return chosen
    picked = np.sort(np.random.default_rng(seed).choice(len(chosen.indices), MOST, replace=False))
    return Chosen(chosen.slices, chosen.indices[picked])


def _counted(all_of: Chosen, shown: Chosen) -> dict[str, int]:
    return {"slices": len(all_of.indices), "shown": len(shown.indices), "subjects": len(set(shown.subjects))}


def _units(chosen: Chosen) -> NDArray[np.int64]:
    return np.unique(chosen.subjects, return_inverse=True)[1].astype(np.int64)


def _by_features(training: Chosen, shown: Chosen, held: Chosen | None, *, seed: int) -> dict[str, Any]:
    """`features` and `membership`."""
    network = RandomFeatures(len(training.slices.dataset.channel_names), cells=4)
    search = FeatureSearch(network, training.slices.images, training.indices)
    near = [-search.nearest(one.slices.images, one.indices)[:, None] for one in (shown, held) if one is not None]
    compared = compare_nearness(near[0], Nearness(near[1], _units(held)) if held is not None else None, seed=seed)
    membership = None
    if held is not None:
        sides = [features_of(network, one.slices.images, one.indices) for one in (training, held, shown)]
        # Fitted on both sides of the split, so that neither is nearer for having set the scale.
        whitening = Whitening(torch.cat(sides[:2]))
        known, others, made = (whitening(one) for one in sides)
        membership = compare_membership(known, _units(training), others, _units(held), made, seed=seed)
    return {
        "features": {network.name: _described(compared)},
        "membership": membership,
    }


def _pairs(
    order: NDArray[np.int64], copies: Copies, shown: Chosen, training: Chosen, marked: NDArray[np.bool_] | None
) -> list[dict[str, Any]]:
    ours, theirs, subjects = shown.names, training.names, training.subjects
    return [
        {
            "synthetic": ours[i],
            "training": theirs[copies.positions[i]],
            "subject": subjects[copies.positions[i]],
            "similarity": float(copies.similarity[i]),
            "other": float(copies.other[i]),
            "copy": bool(marked[i]) if marked is not None else None,
        }
        for i in order
    ]


def _draw(
    shown: Chosen,
    synthetic: NDArray[np.int64],
    aligned: NDArray[np.float32],
    training: Chosen,
    nearest: NDArray[np.int64],
    path: Path,
) -> None:
    """Bands of ten pairs, in each three rows: synthetic images, the same brought in line, training images."""
    colour = training.slices.dataset.colour
    rows = [shown.slices.images[synthetic], aligned, training.slices.images[nearest]]
    bands = []
    for start in range(0, len(synthetic), _IN_A_ROW):
        band = [[_tile(image, colour=colour) for image in row[start : start + _IN_A_ROW]] for row in rows]
        bands.append(np.concatenate([np.concatenate(tiles, axis=1) for tiles in band]))
        bands.append(np.full((_TILE // 8, bands[0].shape[1], 3), 255, dtype=np.uint8))
    width = bands[0].shape[1]
    whole = [np.pad(band, ((0, 0), (0, width - band.shape[1]), (0, 0)), constant_values=255) for band in bands[:-1]]
    Image.fromarray(np.concatenate(whole)).save(path)


def _tile(image: NDArray[np.float32], *, colour: bool) -> NDArray[np.uint8]:
    shades = shown_channels(np.asarray(image), colour=colour)
    return framed(shades, np.zeros(shades.shape[-2:], dtype=np.uint8), side=_TILE)


def privacy_table(section: Mapping[str, Any]) -> RenderableType:
    """Shares nearer than the threshold as a table, the sentences and findings below it, for a rich console."""
    table = Table(
        title="Images nearer to a training image than the threshold; one-sided 95% bounds",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        pad_edge=False,
    )
    table.add_column("nearest by", overflow="fold", style="bold")
    for heading in ("synthetic", "held out", "excess", "excess at most"):
        table.add_column(heading, justify="right", no_wrap=True)
    rows = [("aligned pixels", section["pixels"]), *((f"features, {n}", one) for n, one in section["features"].items())]
    for name, one in rows:
        table.add_row(name, *share_cells(one))
    said = [Text(sentence) for sentence in section["sentences"]]
    found = [Text(f"{one['code']}: {one['message']} {one['advice']}", style="bold red") for one in section["findings"]]
    notes = [Text(f"- {note}", style="dim") for note in section["notes"]]
    return Group(table, *said, *found, *notes)


def share_cells(one: Mapping[str, Any]) -> list[str]:
    """Shares of synthetic and held-out images, excess and its upper bound of one way to compare; dashes without a threshold."""
    if one["threshold"] is None:
        return ["–"] * 4
    values = (
        one["copies"]["share"],
        one["false_positives"]["share"],
        one["excess"]["share"],
        one["excess"]["interval"][1],
    )
    return [f"{100 * value:.1f}%".replace("-", "−") for value in values]
