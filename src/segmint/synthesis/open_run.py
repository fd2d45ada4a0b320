"""From a run folder to its sampler: stages restored, masks found, what has been seen put together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmint.errors import UserError
from segmint.recipes.contract import PairStage, SegmenterStage, TranslatorStage
from segmint.synthesis.draw import PaintedSampler, PairSampler, Sampler
from segmint.synthesis.drawing_check import undrawn_masks
from segmint.synthesis.find_masks import find_masks
from segmint.synthesis.mask_source import BalancedMasks, GeneratedMasks, RealMasks
from segmint.synthesis.opened_run import OpenedRun
from segmint.synthesis.screened_masks import ScreenedMasks, yardstick_of
from segmint.training.seen_lists import seen_by, union
from segmint.training.segmenter import Segmenter


@dataclass(frozen=True)
class OpenedSampler:
    """A sampler with its run, and what has been seen by all that its pairs stand on.

    `grid`: scale, sides and spacing of the source of the masks, on whose grid pairs lie: the training's, or that of given masks.
    """

    run: OpenedRun
    sampler: Sampler
    seen: dict[str, list[list[str]]]
    stands_on: tuple[str, ...]
    grid: dict[str, Any]


def open_sampler(run: Path, *, checkpoint: str = "auto", device: str = "auto") -> Sampler:
    """The sampler of a run, with the masks it was trained with where it paints masks.

    Raises:
        UserError: `run` is no run, gives no pairs, or its files are damaged.
    """
    return open_run(run, checkpoint=checkpoint, device=device).sampler


def open_run(
    run: Path,
    *,
    checkpoint: str = "auto",
    device: str = "auto",
    mask_source: str | None = None,
    masks: Path | None = None,
    balance: tuple[int, float] | None = None,
    screen_masks: bool = False,
    truncation: float = 1.0,
) -> OpenedSampler:
    """The sampler of a run.

    Args:
        mask_source: "real", "deformed", or a run that draws masks or pairs; default: as in training.
        masks: a dataset whose label maps are painted, in its own order, in place of a mask source.
        balance: (label, share): that share of the masks has the label.
        screen_masks: masks unlike the run's training masks are drawn again.
        truncation: of the mask source.

    Raises:
        UserError: something does not exist or does not fit.
    """
    opened = OpenedRun.at(run, checkpoint=checkpoint, device=device)
    try:
        stage, sha256, shown = opened.stage(opened.parts[-1], (PairStage, TranslatorStage))
    except LookupError:
        name = opened.parts[-1].recipe.name
        raise UserError(
            f"{run} is a run of {name}, which draws no pairs: give a run of a recipe that does (segmint recipes)."
        ) from None
    lists = seen_by(opened.config)
    if isinstance(stage, PairStage):
        if mask_source is not None or masks is not None or screen_masks:
            raise UserError(
                f"{run} draws images and masks together: leave --mask-source, --masks and --screen-masks out."
            )
        pairs = PairSampler(stage, checkpoint_sha256=sha256, images_shown=shown, balance=balance)
        return OpenedSampler(opened, pairs, lists, (), opened.config["grid"])
    assert isinstance(stage, TranslatorStage)
    found = find_masks(opened, mask_source, masks, truncation)
    source, more = found.source, found.seen
    if source.counts != opened.parts[-1].task.mask_counts:
        raise UserError(
            f"The masks have {_counted(source.counts)} where {run} paints {_counted(opened.parts[-1].task.mask_counts)}: "
            "they must be the same labels and condition maps."
        )
    if truncation < 1 and not isinstance(source, GeneratedMasks):
        raise undrawn_masks(truncation, str(run))
    if screen_masks:
        if isinstance(source, RealMasks):
            raise UserError(
                "--screen-masks is for masks that are deformed or drawn by a generator; these are real: leave it out."
            )
        source = ScreenedMasks(source, yardstick_of(opened.training_masks()))
    if balance is not None:
        source = BalancedMasks(source, label=balance[0], share=balance[1])
    painted = PaintedSampler(
        stage,
        source,
        device=opened.hardware.device,
        checkpoint_sha256=sha256,
        images_shown=shown,
        condition_names=tuple(opened.config["conditions"]),
    )
    together = {key: union(lists[key], more.get(key, [])) for key in lists}
    return OpenedSampler(opened, painted, together, found.stands_on, opened.config["grid"] | found.grid)


def open_run_segmenter(run: Path, *, checkpoint: str = "auto", device: str = "auto") -> Segmenter:
    """The segmenter of a run.

    Raises:
        UserError: `run` is no run, gives no segmenter, or its files are damaged.
    """
    opened = OpenedRun.at(run, checkpoint=checkpoint, device=device)
    try:
        stage, _, _ = opened.stage(opened.parts[-1], (SegmenterStage,))
    except LookupError:
        name = opened.parts[-1].recipe.name
        raise UserError(
            f"{run} is a run of {name}, which gives no segmenter: give a run of a recipe that does (segmint recipes)."
        ) from None
    assert isinstance(stage, SegmenterStage)
    return Segmenter(stage, opened.hardware.device)


def _counted(counts: tuple[int, ...]) -> str:
    labels = f"{counts[0]} labels"
    return labels if len(counts) == 1 else f"{labels} and {len(counts) - 1} condition maps"
