"""What is shown of a curation: its table, and pictures of kept and dropped pairs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from segmint.evaluation.alignment_audit import draw_masks
from segmint.evaluation.curation.judgement import DISAGREEMENT, NEAR_COPY, UNCERTAIN, Judgement
from segmint.evaluation.evidence import Evidence
from segmint.evaluation.privacy_shown import draw_pairs
from segmint.evaluation.scoring import Predicts
from segmint.synthesis.certain import spread
from segmint.training.previews import write_grid

KEPT, DROPPED, COPIES = "kept.png", "dropped.png", "copies.png"
_SHOWN, _COLUMNS = 12, 3


def draw_pictures(judgement: Judgement, evidence: Evidence, segmenter: Predicts | None, folder: Path) -> list[str]:
    """Some kept pairs, some dropped ones, and what near-copies are copies of; names of the files written in `folder`.

    With a segmenter a column is one pair: the image, the same with its mask, and with the segmenter's mask; of the lowest
    agreement first.
    """
    pairs, kept = evidence.synthetic, judgement.kept
    order = np.arange(len(kept))
    if judgement.agreed is not None:
        # Pairs without any label last: there is nothing to see.
        order = np.argsort(np.nan_to_num(judgement.agreed.synthetic.by_slice, nan=2.0), kind="stable")
    groups = {KEPT: [order[kept[order]]], DROPPED: []}
    for reason in (DISAGREEMENT, UNCERTAIN):
        if (which := judgement.reasons.get(reason)) is not None and which.any():
            groups[DROPPED].append(order[which[order]])
    written = []
    for name, found in groups.items():
        chosen = [spread(one, _SHOWN // len(found)) for one in found]
        if not chosen:
            continue
        if segmenter is not None:
            draw_masks([one.tolist() for one in chosen], pairs, segmenter, folder / name)
        else:
            shown = pairs.indices[np.concatenate(chosen)]
            images, labels = pairs.slices.images[shown], pairs.slices.labels[shown]
            write_grid(folder / name, images, labels, columns=_COLUMNS, colour=pairs.slices.dataset.colour)
        written.append(name)
    copies, copied = judgement.copies, judgement.reasons.get(NEAR_COPY)
    if copies is not None and copied is not None and copied.any():
        nearest = np.flatnonzero(copied)
        nearest = nearest[np.argsort(-copies.copies.similarity[nearest], kind="stable")][:_SHOWN]
        shown, training = pairs.indices[nearest], evidence.pictured
        aligned = copies.search.aligned(pairs.slices.images, shown)
        originals = training.indices[copies.copies.positions[nearest]]
        draw_pairs(pairs, shown, aligned, training, originals, folder / COPIES)
        written.append(COPIES)
    return written


def curation_table(content: Mapping[str, Any]) -> RenderableType:
    """Share of pairs with each label before and after, counts above it, warnings and notes below, for a rich console."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("label", overflow="fold", style="bold")
    for heading in ("pairs drawn", "pairs kept", "median area", "of kept", "least Dice asked"):
        table.add_column(heading, justify="right")
    for name, one in content["balance"].items():
        share, area = one["share"], one["area"]
        table.add_row(
            Text(name),
            *(f"{100 * share[side]:.1f}%" for side in ("before", "after")),
            *("–" if area[side] is None else f"{area[side]:.0f} px" for side in ("before", "after")),
            least_asked(content, name),
        )
    said = [Text(sentence) for sentence in sentences(content)]
    found = [Text(warning, style="bold red") for warning in content["warnings"]]
    notes = [Text(f"- {note}", style="dim") for note in content["notes"]]
    return Group(*said, table, *found, *notes)


def sentences(content: Mapping[str, Any]) -> list[str]:
    """How many pairs were kept, how many dropped for what, and what the same rule would do to real pairs."""
    said = [f"{counted(content['counts'])}."]
    held = content["held_out"]
    if held is not None:
        said.append(
            f"Of {held['slices']} held-out real slices the same rule would drop {100 * held['would_be_dropped']:.1f}% for"
            " disagreement."
        )
    return said


def counted(counts: Mapping[str, int]) -> str:
    """How many pairs were kept, and how many were dropped for what."""
    reasons = [f"{counts[key]} {words}" for key, words in _REASONS.items() if key in counts]
    return f"{counts['kept']} of {counts['pairs']} pairs kept; dropped: {', '.join(reasons)}"


_REASONS = {
    DISAGREEMENT: "whose masks a segmenter of real slices disagrees with",
    NEAR_COPY: "near-copies of training images",
    UNCERTAIN: "with the least certain label maps",
}


def least_asked(content: Mapping[str, Any], label: str) -> str:
    """The least Dice that was asked of pairs in a label, from the smallest of them to the largest; a dash where none was."""
    thresholds = (content["thresholds"] or {}).get(label)
    if thresholds is None:
        return "–"
    asked = [band["least_dice"] for band in thresholds["bands"]]
    low, high = min(asked), max(asked)
    return f"{low:.2f}" if low == high else f"{low:.2f}–{high:.2f}"
