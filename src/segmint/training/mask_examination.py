"""What is looked at while masks, or images for masks, are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from segmint.data.conditioned_pool import ConditionedPool
from segmint.metrics import sliced_wasserstein
from segmint.recipes.contract import MaskStage, Measurement, Stage, TransferStage, TranslatorStage
from segmint.training.examination import (
    CHUNK,
    PREVIEW_COLUMNS,
    PREVIEW_ROWS,
    VALIDATION_PAIRS,
    Variety,
    chunks_of_generators,
    diversity,
    in_blocks,
    spread_positions,
)
from segmint.training.loop import Examination, Examiner
from segmint.training.pair_generator import pair_generator
from segmint.training.previews import PreviewFolder, write_grid

SHOWN = PREVIEW_ROWS * PREVIEW_COLUMNS


def mask_channels(masks: Tensor, counts: tuple[int, ...]) -> Tensor:
    """Ids [N, M, S, S] of maps with `counts` ids -> one-hot channels [N, sum(counts), S, S] in {-1, 1}."""
    maps = [F.one_hot(masks[:, i].long(), k).movedim(-1, 1) for i, k in enumerate(counts)]
    return torch.cat(maps, dim=1).float() * 2 - 1


def draw_masks(
    stage: MaskStage, indices: Sequence[int], *, seed: int, truncation: float = 1.0, chunk: int = CHUNK
) -> Tensor:
    """Masks `indices` of the drawing with `seed`, uint8 [n, 1 + M, S, S] on the CPU, in chunks of one size."""
    drawn = [
        stage.draw_masks(generators, truncation=truncation).to(torch.uint8).cpu()
        for generators in chunks_of_generators(indices, seed=seed, chunk=chunk)
    ]
    return torch.cat(drawn)[: len(indices)]


def paint(stage: TranslatorStage, masks: Tensor, indices: range, *, seed: int, device: str, chunk: int) -> Tensor:
    """Images float32 [n, C, H, W], on the CPU, for masks [n, 1 + M, H, W]; image i of the drawing with `seed`.

    Work is done in chunks of one size, the last one padded, since convolutions may round differently at other batch sizes.
    """
    images = []
    for start in range(0, len(masks), chunk):
        part = masks[start : start + chunk]
        padded = torch.cat([part, part[-1:].expand(chunk - len(part), -1, -1, -1)])
        first = indices.start + start
        generators = [pair_generator(seed, i) for i in range(first, first + chunk)]
        painted = stage.paint(padded.to(device).long(), generators)
        images.append(painted.float().cpu()[: len(part)])
    return torch.cat(images)


def mask_examiner(
    training: ConditionedPool, validation: ConditionedPool, *, previews: PreviewFolder, seed: int
) -> Examiner:
    """Examiner of a stage that draws masks: sliced Wasserstein distance of their one-hot maps to validation masks."""
    counts = (training.label_count, *training.condition_counts)
    real_masks = torch.from_numpy(validation.read_masks(spread_positions(validation, VALIDATION_PAIRS)))
    reals = mask_channels(real_masks, counts)

    def read(positions: NDArray[np.int64], *, filled: bool = False) -> Tensor:
        masks = torch.from_numpy(training.read_masks(positions))
        return mask_channels(masks[(masks[:, 0] != 0).flatten(1).any(dim=1)] if filled else masks, counts)

    variety = Variety.of(in_blocks(training, read), [reals])
    # Where most masks are empty, those of training subjects that hold little differ little: only what they hold is compared.
    held = reals[(real_masks[:, 0] != 0).flatten(1).any(dim=1)]
    alike = Variety.of(in_blocks(training, partial(read, filled=True)), [held]).training_share
    _write_masks(previews.root / "reals.png", training.read_masks(spread_positions(training, SHOWN)))

    def examine(stage: Stage, images_shown: int) -> Examination:
        assert isinstance(stage, MaskStage)
        drawn = draw_masks(stage, range(max(len(reals), CHUNK)), seed=seed)
        _write_masks(previews.picture("fakes", images_shown), drawn[:SHOWN].numpy())
        fakes = mask_channels(drawn, counts)
        generator = torch.Generator(device="cpu").manual_seed(seed)
        value = sliced_wasserstein.sliced_wasserstein(reals, fakes[: len(reals)], generator=generator)
        measurement = Measurement(sliced_wasserstein.NAME, value, sliced_wasserstein.DIRECTION)
        return Examination(measurement, variety.share(fakes), alike)

    return examine


def translator_examiner(
    training: ConditionedPool, validation: ConditionedPool, *, previews: PreviewFolder, device: str, seed: int
) -> Examiner:
    """Examiner of a stage that paints: sliced Wasserstein distance of validation masks with painted and with real images."""
    counts = (training.label_count, *training.condition_counts)
    positions = spread_positions(validation, VALIDATION_PAIRS)
    masks = torch.from_numpy(validation.read_masks(positions))
    images = torch.from_numpy(validation.read(positions)[0])
    channels = mask_channels(masks, counts)
    reals = torch.cat([images, channels], dim=1)
    # A few validation images say little of how images differ: masks of the training part are painted beside them.
    beside = spread_positions(training, max(1, CHUNK - len(positions)))
    every_mask = torch.cat([masks, torch.from_numpy(training.read_masks(beside))])
    real_diversity = diversity(torch.cat([images, torch.from_numpy(training.read(beside)[0])]))
    shown = positions[:: max(1, len(positions) // SHOWN)][:SHOWN]
    shown_masks = torch.from_numpy(validation.read_masks(shown))
    grid = partial(write_grid, columns=PREVIEW_COLUMNS, colour=validation.colour)
    grid(previews.root / "reals.png", validation.read(shown)[0], shown_masks[:, 0].numpy())

    def examine(stage: Stage, images_shown: int) -> Examination:
        assert isinstance(stage, TranslatorStage)
        every = paint(stage, every_mask, range(len(every_mask)), seed=seed, device=device, chunk=CHUNK)
        painted = every[: len(masks)]
        preview = previews.picture("fakes", images_shown)
        rows = np.searchsorted(positions, shown)
        grid(preview, painted[rows].numpy(), shown_masks[:, 0].numpy())
        generator = torch.Generator(device="cpu").manual_seed(seed)
        fakes = torch.cat([painted, channels], dim=1)
        value = sliced_wasserstein.sliced_wasserstein(reals, fakes, generator=generator)
        measurement = Measurement(sliced_wasserstein.NAME, value, sliced_wasserstein.DIRECTION)
        return Examination(measurement, diversity(every) / max(real_diversity, 1e-8))

    return examine


def transfer_examiner(validation: ConditionedPool, *, device: str) -> Examiner:
    """Examiner of a stage that predicts the pool's condition map: mean Dice over its ids, all slices taken together."""
    (count,) = validation.condition_counts

    def examine(stage: Stage, images_shown: int) -> Examination:  # noqa: ARG001
        assert isinstance(stage, TransferStage)
        overlap, total = torch.zeros(count), torch.zeros(count)
        for start in range(0, len(validation), CHUNK):
            positions = np.arange(start, min(start + CHUNK, len(validation)))
            images, labels = validation.read(positions)
            predicted = stage.predict_condition(
                torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device).long()
            ).cpu()
            truth = torch.from_numpy(validation.read_conditions(positions))[:, 0].long()
            for one in range(1, count):
                a, b = predicted == one, truth == one
                overlap[one] += (a & b).sum()
                total[one] += a.sum() + b.sum()
        dice = (2 * overlap[1:] / total[1:].clamp(min=1))[total[1:] > 0]
        return Examination(Measurement("dice", float(dice.mean()) if len(dice) else float("nan"), "higher"))

    return examine


def _write_masks(path: Path, masks: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    """Label maps over the first condition map in grey (black where there is none)."""
    under = masks[:, 1:2].astype(np.float32) if masks.shape[1] > 1 else np.zeros_like(masks[:, :1], dtype=np.float32)
    write_grid(path, np.clip(under, 0, 1) * 1.2 - 1, masks[:, 0], columns=PREVIEW_COLUMNS)
