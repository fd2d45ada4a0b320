"""What is looked at during training: validation on validation subjects, previews, diversity."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from segmint.data.conditioned_pool import ConditionedPool
from segmint.data.pool import PairPool
from segmint.metrics import sliced_wasserstein
from segmint.recipes.contract import (
    ImageStage,
    Measurement,
    PairStage,
    SegmenterStage,
    Stage,
    UncertainPairStage,
)
from segmint.training.loop import Examination, Examiner
from segmint.training.pair_generator import pair_generator
from segmint.training.previews import PreviewFolder, write_grid

Pool = PairPool | ConditionedPool
VALIDATION_PAIRS = 256
CHUNK = 32
PREVIEW_ROWS, PREVIEW_COLUMNS = 6, 3
# Without label maps there is room for twice as many.
SHOWN_IMAGES = 2 * PREVIEW_ROWS * PREVIEW_COLUMNS


def _coarse(x: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(x, 8).flatten(1)


def _apart(coarse: Tensor) -> float:
    n = len(coarse)
    return float(torch.cdist(coarse, coarse).sum() / (n * (n - 1))) if n > 1 else float("nan")


def diversity(x: Tensor) -> float:
    """Mean distance between two different samples of [N, channels, S, S], on a grid of 8 x 8 means; NaN of a single one."""
    return _apart(_coarse(x))


@dataclass(frozen=True)
class Variety:
    """How much real samples differ from one another: the yardstick of fakes.

    Attributes:
        training: `diversity` of training samples; validation: of validation samples; NaN of a single one.
        between: mean distance from a training to a validation sample.
    """

    training: float
    validation: float
    between: float

    @classmethod
    def of(cls, training: Iterable[Tensor], validation: Iterable[Tensor]) -> Variety:
        """Of samples in blocks [n, channels, S, S]."""
        ours, theirs = (torch.cat([_coarse(block) for block in blocks]) for blocks in (training, validation))
        return cls(_apart(ours), _apart(theirs), float(torch.cdist(ours, theirs).mean()))

    def share(self, fakes: Tensor) -> float:
        """Diversity of fakes as a share of that of real samples; of the part that differs more, since either may be tiny."""
        known = [one for one in (self.training, self.validation) if math.isfinite(one)]
        return diversity(fakes) / max(*known, 1e-8) if known else float("nan")

    @property
    def training_share(self) -> float:
        """Distance between training samples as a share of that from them to validation samples; about 1 where they are alike."""
        return self.training / self.between if self.between > 0 else float("nan")


def spread_positions(pool: Pool, n: int) -> NDArray[np.int64]:
    """Up to `n` positions, evenly spread over the pool."""
    return np.unique(np.linspace(0, len(pool) - 1, min(n, len(pool))).astype(np.int64))


def in_blocks(pool: Pool, read: Callable[[NDArray[np.int64]], Tensor]) -> Iterator[Tensor]:
    """What `read` makes of positions spread over the pool, few at a time."""
    positions = spread_positions(pool, VALIDATION_PAIRS)
    return (read(positions[start : start + CHUNK]) for start in range(0, len(positions), CHUNK))


def _spread(pool: Pool, n: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    return pool.read(spread_positions(pool, n))


def _joint(images: Tensor, labels: Tensor, label_count: int) -> Tensor:
    maps = F.one_hot(labels.long(), label_count).movedim(-1, 1).float()
    return torch.cat([images, maps * 2 - 1], dim=1)


def pair_examiner(training: Pool, validation: Pool, *, previews: PreviewFolder, seed: int) -> Examiner:
    """Examiner of a stage that draws pairs: sliced Wasserstein distance of image and hard label maps to validation pairs."""
    real_images, real_labels = _spread(validation, VALIDATION_PAIRS)
    reals = _joint(torch.from_numpy(real_images), torch.from_numpy(real_labels), training.label_count)

    def read(positions: NDArray[np.int64]) -> Tensor:
        images, labels = training.read(positions)
        return _joint(torch.from_numpy(images), torch.from_numpy(labels), training.label_count)

    variety = Variety.of(in_blocks(training, read), [reals])
    shown_images, shown_labels = _spread(training, PREVIEW_ROWS * PREVIEW_COLUMNS)
    grid = partial(write_grid, columns=PREVIEW_COLUMNS, colour=training.colour)
    grid(previews.root / "reals.png", shown_images, shown_labels)

    def examine(stage: Stage, images_shown: int) -> Examination:
        assert isinstance(stage, PairStage)
        images, labels = draw_hard(stage, range(max(len(reals), CHUNK)), seed=seed)
        shown = PREVIEW_ROWS * PREVIEW_COLUMNS
        preview = previews.picture("fakes", images_shown)
        grid(preview, images[:shown].numpy(), labels[:shown].numpy())
        fakes = _joint(images, labels, training.label_count)
        generator = torch.Generator(device="cpu").manual_seed(seed)
        value = sliced_wasserstein.sliced_wasserstein(reals, fakes[: len(reals)], generator=generator)
        measurement = Measurement(sliced_wasserstein.NAME, value, sliced_wasserstein.DIRECTION)
        return Examination(measurement, variety.share(fakes), variety.training_share)

    return examine


def image_examiner(training: Pool, validation: Pool, *, previews: PreviewFolder, seed: int) -> Examiner:
    """Examiner of a stage that draws images: sliced Wasserstein distance to validation images."""
    reals = torch.from_numpy(_spread(validation, VALIDATION_PAIRS)[0])
    learnt = in_blocks(training, lambda positions: torch.from_numpy(training.read(positions)[0]))
    variety = Variety.of(learnt, [reals])
    grid = partial(write_grid, labels=None, columns=2 * PREVIEW_COLUMNS, colour=training.colour)
    grid(previews.root / "reals.png", _spread(training, SHOWN_IMAGES)[0])

    def examine(stage: Stage, images_shown: int) -> Examination:
        assert isinstance(stage, ImageStage)
        fakes = draw_images(stage, range(max(len(reals), SHOWN_IMAGES)), seed=seed)
        grid(previews.picture("fakes", images_shown), fakes[:SHOWN_IMAGES].numpy())
        generator = torch.Generator(device="cpu").manual_seed(seed)
        value = sliced_wasserstein.sliced_wasserstein(reals, fakes[: len(reals)], generator=generator)
        measurement = Measurement(sliced_wasserstein.NAME, value, sliced_wasserstein.DIRECTION)
        return Examination(measurement, variety.share(fakes), variety.training_share)

    return examine


def draw_images(stage: ImageStage, indices: range, *, seed: int, truncation: float = 1.0, chunk: int = CHUNK) -> Tensor:
    """Images `indices` of the drawing with `seed`, float32 [n, C, S, S] on the CPU, in chunks of one size."""
    drawn = []
    for start in range(indices.start, indices.stop, chunk):
        generators = [pair_generator(seed, i) for i in range(start, start + chunk)]
        drawn.append(stage.draw_images(generators, truncation=truncation).float().cpu())
    return torch.cat(drawn)[: len(indices)]


def chunks_of_generators(indices: Sequence[int], *, seed: int, chunk: int) -> Iterator[list[torch.Generator]]:
    """The generators of samples `indices`, `chunk` at a time; the last chunk is filled up with its last sample's."""
    for start in range(0, len(indices), chunk):
        part = list(indices[start : start + chunk])
        yield [pair_generator(seed, i) for i in part + part[-1:] * (chunk - len(part))]


def draw_hard(
    stage: PairStage, indices: Sequence[int], *, seed: int, truncation: float = 1.0, chunk: int = CHUNK
) -> tuple[Tensor, Tensor]:
    """Pairs `indices` of the drawing with `seed`: images float32 [n, C, S, S] and ids uint8 [n, S, S], on the CPU.

    Work is done in chunks of one size, the last one padded, since convolutions may round differently at other batch sizes.
    """
    images, labels, _ = draw_scored(stage, indices, seed=seed, truncation=truncation, chunk=chunk)
    return images, labels


def draw_scored(
    stage: PairStage, indices: Sequence[int], *, seed: int, truncation: float = 1.0, chunk: int = CHUNK
) -> tuple[Tensor, Tensor, Tensor | None]:
    """`draw_hard`, and the uncertainty of each pair, float32 [n], where the stage tells it."""
    images, labels, scores = [], [], []
    for generators in chunks_of_generators(indices, seed=seed, chunk=chunk):
        if isinstance(stage, UncertainPairStage):
            drawn, probabilities, uncertainty = stage.draw_scored(generators, truncation=truncation)
            scores.append(uncertainty.float().cpu())
        else:
            drawn, probabilities = stage.draw(generators, truncation=truncation)
        images.append(drawn.float().cpu())
        labels.append(probabilities.argmax(dim=1).to(torch.uint8).cpu())
    n = len(indices)
    return torch.cat(images)[:n], torch.cat(labels)[:n], torch.cat(scores)[:n] if scores else None


def segmenter_examiner(validation: Pool, *, device: str) -> Examiner:
    """Examiner of a segmenter: mean over labels of the Dice on all validation slices taken together."""

    def examine(stage: Stage, images_shown: int) -> Examination:  # noqa: ARG001
        assert isinstance(stage, SegmenterStage)
        k = validation.label_count
        overlap, total = torch.zeros(k), torch.zeros(k)
        for start in range(0, len(validation), CHUNK):
            images, labels = validation.read(np.arange(start, min(start + CHUNK, len(validation))))
            predicted = stage.draft(torch.from_numpy(images).to(device)).argmax(dim=1).cpu()
            truth = torch.from_numpy(labels).long()
            for label in range(1, k):
                a, b = predicted == label, truth == label
                overlap[label] += (a & b).sum()
                total[label] += a.sum() + b.sum()
        present = total[1:] > 0
        dice = (2 * overlap[1:] / total[1:].clamp(min=1))[present]
        return Examination(Measurement("dice", float(dice.mean()) if len(dice) else float("nan"), "higher"))

    return examine
