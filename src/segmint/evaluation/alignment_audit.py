"""Do masks follow their images? The section `alignment` of evaluation.json, its table, and its picture."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from segmint.data.pool import PoolPart
from segmint.errors import UserError
from segmint.evaluation.alignment import MOST, Agreement, beside, compare_agreement, measure_agreement, together
from segmint.evaluation.alignment_findings import (
    alignment_findings,
    alignment_notes,
    alignment_sentences,
    duration_sentence,
)
from segmint.evaluation.budget import BATCH, default_steps
from segmint.evaluation.chosen import Chosen
from segmint.evaluation.evidence import Evidence
from segmint.evaluation.pictured import Pictured
from segmint.evaluation.scoring import Predicts
from segmint.outputs import without_nan
from segmint.reference.cross_fitted import Fitted, cross_fitted_segmenters
from segmint.reference.segmenter import reference_segmenter
from segmint.training.previews import GAP, framed, shown_channels
from segmint.training.segmenter import Segmenter

PICTURE = "alignment.png"
_EXAMPLES = 4
_TILE = 128
_OPACITY = 0.45


@dataclass(frozen=True)
class Learner:
    """How segmenters are to be trained that see whether masks follow images.

    Attributes:
        recipe: of the segmenter.
        steps: of its training; default: by size, as in a trial; batch: slices a step, by default a trial's.
    """

    recipe: str
    steps: int | None
    batch: int | None
    device: str
    progress: bool

    def described(self, evidence: Evidence) -> dict[str, Any]:
        """`recipe`, `steps` and `batch` as they are taken."""
        steps = default_steps(evidence.training.slices.size) if self.steps is None else self.steps
        return {"recipe": self.recipe, "steps": steps, "batch": BATCH if self.batch is None else self.batch}

    def segmenter(self, evidence: Evidence) -> Segmenter:
        """Train one on all real training slices, or read it back; real images that it may judge are held-out ones alone.

        Raises:
            UserError: the datasets differ in their channels, or the segmenter cannot be trained.
        """
        return reference_segmenter(*_parts(evidence), **self._options(evidence))

    def cross_fitted(self, evidence: Evidence) -> tuple[Fitted, ...]:
        """Train one on each half of the real training subjects, or read them back; see `cross_fitted_segmenters`.

        Raises:
            UserError: as `segmenter`.
        """
        return cross_fitted_segmenters(*_parts(evidence), **self._options(evidence))

    def _options(self, evidence: Evidence) -> dict[str, Any]:
        return {"device": self.device, "progress": self.progress, **self.described(evidence)}


def _parts(evidence: Evidence) -> tuple[PoolPart, PoolPart | None]:
    """What a segmenter learns from, and what its learning curve is measured on."""
    training, held = evidence.training, evidence.holdout
    for other in (evidence.synthetic, *([held] if held is not None else [])):
        check_channels(training, other)
    return (
        PoolPart(training.slices, training.indices),
        PoolPart(held.slices, held.indices) if held is not None else None,
    )


def audit_alignment(evidence: Evidence, folder: Path, *, learner: Learner) -> dict[str, Any]:
    """Train segmenters on the real training slices, or read them back, and see with them whether masks follow images.

    Returns:
        As `see_alignment`, with `seconds`: `training`, which the segmenters took when they were trained, now or before (None where
        that is not known), and `measuring`, which all else took now.

    Raises:
        UserError: as `Learner.segmenter`.
    """
    fitted, start = learner.cross_fitted(evidence), time.monotonic()
    section = see_alignment(evidence, folder, fitted, described=learner.described(evidence))
    spent = [one.segmenter.training_seconds for one in fitted]
    known = [one for one in spent if one is not None]
    section["seconds"] = {
        "training": sum(known) if len(known) == len(spent) else None,
        "measuring": time.monotonic() - start,
    }
    return section


def agreements(evidence: Evidence, fitted: Sequence[Fitted]) -> tuple[Agreement, Agreement | None]:
    """What segmenters make of synthetic images and of real ones that they have not learned from, added up over segmenters.

    Held-out images are shown to each of them, like synthetic ones. Without any, each is shown the training images it has
    not learned from; None where there are none either.
    """
    synthetic = together([measure_agreement(one.segmenter, evidence.synthetic) for one in fitted])
    if evidence.holdout is not None:
        return synthetic, together([measure_agreement(one.segmenter, evidence.holdout) for one in fitted])
    training = evidence.training
    left_out = [
        measure_agreement(
            one.segmenter, Chosen(training.slices, training.slices.indices(one.unseen)), most=MOST // len(fitted)
        )
        for one in fitted
        if one.unseen
    ]
    return synthetic, beside(left_out) if left_out else None


def see_alignment(
    evidence: Evidence, folder: Path, fitted: Sequence[Fitted], *, described: Mapping[str, Any]
) -> dict[str, Any]:
    """Hold the masks of synthetic and of held-out real images against what segmenters see in them; draw some.

    Args:
        fitted: segmenters that have learned from real training slices alone.
        described: their `recipe`, `steps` and `batch`.

    Returns:
        As `compare_agreement`, NaN as None, with `segmenter` (`described`, how many there are as `cross_fitted`, and the
        `slices` and `subjects` dealt out among them), `shown` and `held_out` (the `slices` there were, those `shown`, their
        `subjects`; `held_out` None without any), `held_out_of` ("other subjects", or "training subjects", each by the segmenter
        that has not learned from them), `examples`
        (`pair`, `dice`, and its `kind`: of the `lowest` agreement, or about the `median`), `findings`, `sentences`,
        `notes`, and `picture`, a file in `folder` with the examples: the image, the image with its mask, and with the mask
        that the first of the segmenters gives.
    """
    training = evidence.training
    synthetic, held = agreements(evidence, fitted)
    section: dict[str, Any] = {
        "segmenter": {
            **described,
            "cross_fitted": len(fitted),
            "slices": len(training.indices),
            "subjects": len(set(training.subjects)),
        },
        "shown": _counted(synthetic),
        "held_out": _counted(held) if held is not None else None,
        "held_out_of": None
        if held is None
        else "other subjects"
        if evidence.holdout is not None
        else "training subjects",
        **compare_agreement(synthetic, held, label_names=evidence.label_names),
    }
    section["findings"] = alignment_findings(section)
    section["sentences"] = alignment_sentences(section)
    section["notes"] = alignment_notes(section)
    groups = _examples(synthetic)
    names = synthetic.chosen.names
    section["examples"] = [
        {"pair": names[i], "dice": float(synthetic.by_slice[i]), "kind": kind} for kind, of in groups for i in of
    ]
    section["picture"] = None
    if section["examples"]:
        section["picture"] = PICTURE
        draw_masks([of for _, of in groups], synthetic.chosen, fitted[0].segmenter, folder / PICTURE)
    content: dict[str, Any] = without_nan(section)
    return content


def check_channels(training: Chosen | Pictured, other: Chosen) -> None:
    """Images can be compared only with the same channels.

    Raises:
        UserError: they differ.
    """
    ours, theirs = training.dataset, other.dataset
    if ours.channel_names != theirs.channel_names:
        raise UserError(
            f"{ours.root} and {theirs.root} differ in their channels ({', '.join(ours.channel_names)} against"
            f" {', '.join(theirs.channel_names)}): images are compared only with equal ones; masks alone are with"
            " --no-fidelity, --no-privacy and without --alignment."
        )


def _counted(one: Agreement) -> dict[str, int]:
    return {"slices": one.total, "shown": len(one.chosen.indices), "subjects": len(set(one.chosen.subjects))}


def _examples(synthetic: Agreement) -> list[tuple[str, list[int]]]:
    """Positions of the pairs that agree least, and of those about the median; of masks that are not tiny.

    In a mask of a few pixels any difference makes a Dice of 0, which shows nothing.
    """
    areas = (synthetic.counts[:, 1:, 0] + synthetic.counts[:, 1:, 2]).sum(axis=1)
    if not areas.any():
        return []
    telling = np.flatnonzero(areas >= np.median(areas[areas > 0]) / 4)
    order = telling[np.argsort(synthetic.by_slice[telling], kind="stable")]
    lowest = order[:_EXAMPLES]
    start = max(len(lowest), (len(order) - _EXAMPLES) // 2)
    groups = [("lowest", lowest.tolist()), ("median", order[start : start + _EXAMPLES].tolist())]
    return [(kind, of) for kind, of in groups if of]


def draw_masks(groups: Sequence[Sequence[int]], chosen: Chosen, segmenter: Predicts, path: Path) -> None:
    """One column a pair: the image, the same with its mask, the same with the segmenter's; groups of positions apart."""
    colour = chosen.slices.dataset.colour
    columns: list[NDArray[np.uint8]] = []
    for number, group in enumerate(groups):
        indices = chosen.indices[np.asarray(group)]
        images, given = np.asarray(chosen.slices.images[indices]), np.asarray(chosen.slices.labels[indices])
        predicted, _ = segmenter.predict(images)
        if number:
            height = columns[0].shape[0]
            columns.append(np.full((height, 4 * GAP, 3), 255, dtype=np.uint8))
        for image, masks in zip(images, zip(given, predicted, strict=True), strict=True):
            shown = shown_channels(image, colour=colour)
            tiles = [framed(shown, mask, side=_TILE, opacity=_OPACITY) for mask in (np.zeros_like(masks[0]), *masks)]
            columns.append(np.concatenate(tiles))
    Image.fromarray(np.concatenate(columns, axis=1)).save(path)


def alignment_table(section: Mapping[str, Any]) -> RenderableType:
    """Dice by label on either side and their ratio as a table, the sentences and findings below it, for a rich console."""
    table = Table(
        title="Dice between masks and what a segmenter sees in the images; 95% intervals",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        pad_edge=False,
    )
    table.add_column("label", overflow="fold", style="bold")
    for heading in ("synthetic", "held out", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    several = len(section["labels"]) > 1
    for name, one in (*section["labels"].items(), *([("mean", section["mean"])] if several else [])):
        cells = [("dice", one["synthetic"]), ("dice", one["holdout"]), ("value", one["ratio"])]
        table.add_row(Text(name), *(_cell(said, key) for key, said in cells))
    said = [Text(sentence) for sentence in section["sentences"]]
    found = [Text(f"{one['code']}: {one['message']} {one['advice']}", style="bold red") for one in section["findings"]]
    notes = [Text(f"- {note}", style="dim") for note in [*section["notes"], *duration_sentence(section)]]
    return Group(table, *said, *found, *notes)


def _cell(one: Mapping[str, Any] | None, key: str) -> Text:
    if one is None or one[key] is None:
        return Text("–")
    low, high = one["interval"]
    interval = "" if low is None else f"\n{low:.2f}–{high:.2f}"
    return Text.assemble(f"{one[key]:.2f}", (interval, "dim"))
