"""The sampler that a run gives: pair i of a drawing depends on the run, the seed and i alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from segmint.errors import UserError
from segmint.recipes.contract import PairStage, TranslatorStage
from segmint.synthesis.mask_source import ATTEMPTS, STRIDE, MaskSource, count_with
from segmint.training.examination import CHUNK, draw_hard
from segmint.training.mask_examination import paint

# Images of more pixels than this are painted one at a time.
LARGE = 256 * 256


@dataclass(frozen=True)
class Drawn:
    """images: float32 [n, C, S, S] in [-1, 1]; labels: uint8 [n, S, S]; conditions: uint8 [n, M, S, S]."""

    images: NDArray[np.float32]
    labels: NDArray[np.uint8]
    conditions: NDArray[np.uint8]


class Sampler(ABC):
    """Draws pairs in float32, in chunks of one size, so that the same pairs come whatever the caller asks for at once.

    Attributes:
        checkpoint_sha256: of the checkpoint the images come from; images_shown: how long it was trained.
        condition_names: names of the condition maps drawn with each pair.
    """

    def __init__(self, *, checkpoint_sha256: str, images_shown: int, condition_names: tuple[str, ...] = ()) -> None:
        self.checkpoint_sha256, self.images_shown = checkpoint_sha256, images_shown
        self.condition_names = condition_names

    @abstractmethod
    def draw(self, n: int, seed: int, *, first: int = 0, truncation: float = 1.0) -> Drawn:
        """Pairs first .. first + n - 1.

        Args:
            truncation: 1 draws from the whole distribution, smaller values nearer to its mean.
        """

    def sample(
        self, n: int, seed: int, *, first: int = 0, truncation: float = 1.0
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Images [n, C, S, S] and ids [n, S, S] of `draw`."""
        drawn = self.draw(n, seed, first=first, truncation=truncation)
        return drawn.images, drawn.labels


class PairSampler(Sampler):
    """Pairs that one stage draws together.

    Args:
        balance: (label, share): that share of the pairs has the label.
    """

    def __init__(
        self,
        stage: PairStage,
        *,
        checkpoint_sha256: str,
        images_shown: int,
        balance: tuple[int, float] | None = None,
    ) -> None:
        super().__init__(checkpoint_sha256=checkpoint_sha256, images_shown=images_shown)
        self.stage, self.balance = stage, balance

    def draw(self, n: int, seed: int, *, first: int = 0, truncation: float = 1.0) -> Drawn:
        """Draw; a pair that has not, or has, the label of the balance is drawn again."""
        if self.balance is None:
            images, labels = draw_hard(self.stage, range(first, first + n), seed=seed, truncation=truncation)
            return _without_conditions(images.numpy(), labels.numpy())
        drawn = [self._wanted(i, seed, truncation) for i in range(first, first + n)]
        return _without_conditions(*(np.concatenate(parts) for parts in zip(*drawn, strict=True)))

    def _wanted(self, i: int, seed: int, truncation: float) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        assert self.balance is not None
        label, share = self.balance
        present = count_with(i + 1, share) > count_with(i, share)
        for attempt in range(ATTEMPTS):
            start = i + attempt * STRIDE
            images, labels = draw_hard(self.stage, range(start, start + 1), seed=seed, truncation=truncation, chunk=1)
            if bool((labels == label).any()) == present:
                return images.numpy(), labels.numpy()
        raise UserError(
            f"--balance: in {ATTEMPTS} attempts no pair {'with' if present else 'without'} label {label} was drawn: "
            "ask for a share nearer to that of the data, or train longer."
        )


class PaintedSampler(Sampler):
    """Masks from a source, and the images that a stage paints for them."""

    def __init__(
        self,
        stage: TranslatorStage,
        masks: MaskSource,
        *,
        device: str,
        checkpoint_sha256: str,
        images_shown: int,
        condition_names: tuple[str, ...],
    ) -> None:
        super().__init__(
            checkpoint_sha256=checkpoint_sha256, images_shown=images_shown, condition_names=condition_names
        )
        self.stage, self.masks, self.device = stage, masks, device

    def draw(self, n: int, seed: int, *, first: int = 0, truncation: float = 1.0) -> Drawn:  # noqa: ARG002
        """Draw masks and paint them. Truncation is the mask source's affair."""
        indices = range(first, first + n)
        masks = self.masks.draw(indices, seed)
        chunk = 1 if masks.shape[-1] * masks.shape[-2] > LARGE else CHUNK
        images = paint(self.stage, torch.from_numpy(masks), indices, seed=seed, device=self.device, chunk=chunk)
        return Drawn(images.numpy(), np.ascontiguousarray(masks[:, 0]), np.ascontiguousarray(masks[:, 1:]))


def _without_conditions(images: NDArray[np.float32], labels: NDArray[np.uint8]) -> Drawn:
    return Drawn(images, labels, np.empty((len(labels), 0, *labels.shape[1:]), dtype=np.uint8))
