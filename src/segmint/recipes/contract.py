"""The stages a recipe is made of, and what the training loop promises to them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


@dataclass(frozen=True)
class Task:
    """The shape of the work: what the networks must fit.

    Attributes:
        size: side of the square images, pixels.
        image_channels: C; label_count: K with background.
        batch: images a step; total_images: the budget.
        condition_counts: ids, background included, of each condition map the stage is given.
    """

    size: int
    image_channels: int
    label_count: int
    batch: int
    total_images: int
    condition_counts: tuple[int, ...] = ()

    @property
    def mask_counts(self) -> tuple[int, ...]:
        """Ids of the label map and of each condition map."""
        return (self.label_count, *self.condition_counts)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Task:
        """The task a run folder tells of."""
        return cls(**{**stored, "condition_counts": tuple(stored.get("condition_counts", ()))})


@dataclass(frozen=True)
class Batch:
    """images: float32 [N, C, H, W] in [-1, 1]; labels: int64 [N, H, W]; conditions: int64 [N, M, H, W]."""

    images: Tensor
    labels: Tensor
    conditions: Tensor | None = None

    @property
    def masks(self) -> Tensor:
        """Label map and condition maps, int64 [N, 1 + M, H, W]."""
        labels = self.labels[:, None]
        return labels if self.conditions is None else torch.cat([labels, self.conditions], dim=1)


class Update(Protocol):
    """Supplied by the loop, so that precision, finite checks, gradient reduction and the step live in one place."""

    generator: torch.Generator
    images_shown: int
    total_images: int

    def __call__(self, network: str, loss: Tensor) -> None:
        """Backward, check, reduce, and step the optimiser of `network`."""

    def autocast(self) -> AbstractContextManager[Any]:
        """The run's precision; leave it for what needs float32."""


# How many times the smallest distance of a training is too far off.
FAR_OFF = 1.5


@dataclass(frozen=True)
class Measurement:
    """One value of a measure; `direction` is "lower" or "higher", whichever is better."""

    name: str
    value: float
    direction: str

    def better_than(self, other: Measurement | None) -> bool:
        """Whether this value is strictly better (anything is better than none; NaN is better than nothing else)."""
        if other is None or other.value != other.value:
            return self.value == self.value
        return self.value < other.value if self.direction == "lower" else self.value > other.value

    def chooses_over(self, last: Measurement | None) -> bool:
        """Whether the best checkpoint, measured so, is to be used rather than the last.

        A Dice ("higher") measures what a segmenter is for, and chooses. A distance to validation pairs ("lower") does not tell
        among good generators which teaches best, while longer training does teach better; it is believed only where the last
        checkpoint lies so far off that something went wrong since (a collapse, say).
        """
        if last is None:
            return self.direction == "higher"
        return self.direction == "higher" or not last.value <= FAR_OFF * self.value


class Pairs(Protocol):
    """Pairs that can be read by position."""

    def __len__(self) -> int: ...

    def read(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Images [n, C, S, S] in [-1, 1] and ids [n, S, S]."""


@dataclass(frozen=True)
class Annotations:
    """Images that the run itself drew, labelled by a person.

    Attributes:
        labels: int64 [M, S, S]; generators: the random state that each image was drawn from; truncation: of the drawing.
    """

    labels: Tensor
    generators: tuple[torch.Generator, ...]
    truncation: float


@dataclass(frozen=True)
class Gathered:
    """What a stage is handed whole before it is trained; None is what it did not ask for."""

    labelled: Pairs | None = None
    annotated: Annotations | None = None


class Stage(nn.Module):
    """One training stage. All that must survive a restart is a parameter, a buffer, or an optimiser's state.

    Attributes:
        name: used in the run folder.
        task: what it was built for, its own budget included.
        streams: the input streams whose batches it is fed: "labelled" pairs, or "unlabelled" images of all training
            subjects with their label maps hidden.
        gathers: streams it is handed whole before it is trained: "labelled", or "annotated", for which a run waits.
        stands_on: earlier stages of its recipe, which are trained, at their best checkpoint, and frozen before it begins.
            They are not part of its state.
        optimizers: one for each network that is trained, by the network's attribute name.
        averaged: pairs (average, network) of attribute names; the loop keeps the average (EMA).
        unit: what its budget counts, in short.
        snapshots: about how often it is looked at.
        adversarial: form of its adversarial loss, where it has one: "bce" (cross entropy), "least-squares" or "hinge".
        shaped_by: names of the settings that what it becomes depends on; None: all of its recipe's.
    """

    name: str
    task: Task
    streams: tuple[str, ...] = ("labelled",)
    gathers: tuple[str, ...] = ()
    stands_on: tuple[Stage, ...] = ()
    optimizers: dict[str, torch.optim.Optimizer]
    averaged: tuple[tuple[str, str], ...] = ()
    unit: str = "img"
    snapshots: int = 15
    adversarial: str = "bce"
    shaped_by: frozenset[str] | None = None

    @property
    def sees_labels(self) -> bool:
        """Whether labels reach it: by what it is fed or handed, or by a stage it stands on."""
        fed = {*self.streams, *self.gathers} - {"unlabelled"}
        return bool(fed) or any(stage.sees_labels for stage in self.stands_on)

    def check(self, *, labelled: int) -> None:
        """Called before any training: whether so many labelled pairs are enough.

        Raises:
            UserError: they are not.
        """

    def prepare(self, gathered: Gathered) -> None:
        """Called once before training, also before it is resumed, when the stages it stands on are frozen.

        Raises:
            UserError: what was gathered is not enough.
        """

    @abstractmethod
    def build_optimizers(self) -> None:
        """Fill `optimizers`; called once, after the stage is on its device and in its memory format."""

    @abstractmethod
    def step(self, batches: Mapping[str, Batch], update: Update) -> dict[str, dict[str, Tensor]]:
        """Compute losses, hand each to `update`, return what to log: network -> name -> detached scalar."""

    def average_half_life(self, images_shown: int) -> float:
        """Half-life of the averages in images; 0 copies the network."""
        raise NotImplementedError(f"{self.name} keeps no averages")

    def finished(self) -> bool:
        """True ends the stage before its budget."""
        return False


class PairStage(Stage):
    """A stage that can draw pairs."""

    @abstractmethod
    def draw(self, generators: Sequence[torch.Generator], *, truncation: float = 1.0) -> tuple[Tensor, Tensor]:
        """One pair a generator: images float32 [n, C, S, S], label probabilities float32 [n, K, S, S]; no gradient."""


class UncertainPairStage(PairStage):
    """A stage that can draw pairs, and say of each how uncertain its label map is."""

    @abstractmethod
    def draw_scored(
        self, generators: Sequence[torch.Generator], *, truncation: float = 1.0
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What `draw` gives, and the uncertainty of each pair, float32 [n]: the larger, the less certain."""


class ImageStage(Stage):
    """A stage that can draw images without labels."""

    @abstractmethod
    def draw_images(self, generators: Sequence[torch.Generator], *, truncation: float = 1.0) -> Tensor:
        """One image a generator, float32 [n, C, S, S] in [-1, 1]; no gradient."""


@dataclass(frozen=True)
class Inversions:
    """Labelled real images beside what a generator makes of the latents found for them.

    Attributes:
        images, reconstructions: [M, C, S, S] in [-1, 1]; labels: int64 [M, S, S].
        accepted: bool [M], which explain at least `minimum_explained` of their image's variance.
        numbers: int64 [M], of the pairs among the labelled ones.
    """

    images: Tensor
    reconstructions: Tensor
    labels: Tensor
    accepted: Tensor
    minimum_explained: float
    numbers: NDArray[np.int64]


class InvertingStage(Stage):
    """A stage that finds latents of labelled real images."""

    @abstractmethod
    def inversions(self) -> Inversions:
        """How good they are now; no gradient."""


class ImageReconstructingStage(Stage):
    """A stage that finds an image it can draw that is like the one given."""

    @abstractmethod
    def reconstructed_images(self, images: Tensor) -> Tensor:
        """float32 [N, C, S, S] -> images like them [N, C, S, S] in [-1, 1]; no gradient."""


class MaskStage(Stage):
    """A stage that can draw masks."""

    @abstractmethod
    def draw_masks(self, generators: Sequence[torch.Generator], *, truncation: float = 1.0) -> Tensor:
        """One label map with its condition maps a generator: int64 [n, 1 + M, S, S]."""


class TranslatorStage(Stage):
    """A stage that can paint an image for masks."""

    @abstractmethod
    def paint(self, masks: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Masks int64 [n, 1 + M, H, W] -> images float32 [n, C, H, W] in [-1, 1]; no gradient.

        Image i depends on its masks and on generator i alone. H and W may exceed the training size.
        """


class TransferStage(Stage):
    """A stage that can predict a condition map that a dataset lacks."""

    @abstractmethod
    def predict_condition(self, images: Tensor, labels: Tensor) -> Tensor:
        """Images float32 [n, C, S, S] and ids int64 [n, S, S] -> ids int64 [n, S, S]; no gradient."""


class SegmenterStage(Stage):
    """A stage that can segment."""

    @abstractmethod
    def probabilities(self, images: Tensor) -> Tensor:
        """float32 [N, C, S, S] -> label probabilities float32 [N, K, S, S]; no gradient."""

    def encode(self, images: Tensor) -> Tensor | None:  # noqa: ARG002
        """float32 [N, C, S, S] -> features [N, D] of what the network sees, no gradient; None where it has no encoder."""
        return None

    def draft(self, images: Tensor) -> Tensor:
        """The same without what takes long, for looks during training."""
        return self.probabilities(images)


class ReconstructingStage(SegmenterStage):
    """A stage that segments an image by finding one like it that it can draw with its label map."""

    @abstractmethod
    def reconstructed(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """float32 [N, C, S, S] -> images like them [N, C, S, S] in [-1, 1], and what `draft` gives; no gradient."""
