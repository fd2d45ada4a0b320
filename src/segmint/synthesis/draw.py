"""The sampler that a run gives: pair i of a drawing depends on the run, the seed and i alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmint.errors import UserError
from segmint.recipes.contract import PairStage, TranslatorStage, UncertainPairStage
from segmint.synthesis.mask_source import ATTEMPTS, STRIDE, MaskSource, count_with
from segmint.training.examination import CHUNK, draw_scored
from segmint.training.mask_examination import paint

# Images of more pixels than this are painted one at a time.
LARGE = 256 * 256


@dataclass(frozen=True)
class Drawn:
    """Pairs.

    Attributes:
        images: float32 [n, C, S, S] in [-1, 1]; labels: uint8 [n, S, S]; conditions: uint8 [n, M, S, S].
        uncertainty: float32 [n], the larger the less certain the label map; None where the run does not tell.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.uint8]
    conditions: NDArray[np.uint8]
    uncertainty: NDArray[np.float32] | None = None

    def only(self, place: int) -> Drawn:
        """The pair at a place alone, still with its leading axis."""
        one = slice(place, place + 1)
        uncertainty = None if self.uncertainty is None else self.uncertainty[one]
        return Drawn(self.images[one], self.labels[one], self.conditions[one], uncertainty)


class Sampler(ABC):
    """Draws pairs in float32, in chunks of one size, so that the same pairs come whatever the caller asks for at once.

    Attributes:
        checkpoint_sha256: of the checkpoint the images come from; images_shown: how long it was trained.
        condition_names: names of the condition maps drawn with each pair.
        tells_uncertainty: whether it says how uncertain each label map is.
    """

    tells_uncertainty = False

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
        self.tells_uncertainty = isinstance(stage, UncertainPairStage)

    def draw(self, n: int, seed: int, *, first: int = 0, truncation: float = 1.0) -> Drawn:
        """Draw; a pair that has not, or has, the label of the balance is drawn again."""
        if self.balance is None:
            return _pairs(*draw_scored(self.stage, range(first, first + n), seed=seed, truncation=truncation))
        drawn = [self._wanted(i, seed, truncation) for i in range(first, first + n)]
        images, labels, scores = zip(*drawn, strict=True)
        known = [one for one in scores if one is not None]
        return _pairs(torch.cat(images), torch.cat(labels), torch.cat(known) if known else None)

    def _wanted(self, i: int, seed: int, truncation: float) -> tuple[Tensor, Tensor, Tensor | None]:
        assert self.balance is not None
        label, share = self.balance
        present = count_with(i + 1, share) > count_with(i, share)
        for attempt in range(ATTEMPTS):
            start = i + attempt * STRIDE
            only = range(start, start + 1)
            images, labels, scores = draw_scored(self.stage, only, seed=seed, truncation=truncation, chunk=1)
            if bool((labels == label).any()) == present:
                return images, labels, scores
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


def _pairs(images: Tensor, labels: Tensor, uncertainty: Tensor | None) -> Drawn:
    """Without condition maps."""
    nothing = np.empty((len(labels), 0, *labels.shape[1:]), dtype=np.uint8)
    return Drawn(images.numpy(), labels.numpy(), nothing, None if uncertainty is None else uncertainty.numpy())
