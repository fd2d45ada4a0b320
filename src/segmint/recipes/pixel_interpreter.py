"""The interpreter: label maps read off the features of a frozen generator, learnt from few labelled images [Zhang 2021]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from segmint.metrics.ensemble_uncertainty import (
    disagreement,
    image_sum,
    image_tenth,
    jensen_shannon,
    vote_shares,
)
from segmint.networks.pixel_ensemble import PixelEnsemble
from segmint.networks.style_features import StyleFeatures
from segmint.recipes.contract import Batch, Gathered, Stage, Task, UncertainPairStage, Update
from segmint.recipes.recipe import RecipeSettings
from segmint.recipes.style_gan import StyleGANStage

# Pixels whose feature maps are held at once while pairs are drawn: 64 images of 64 px, 4 of 256 px.
PIXELS_AT_ONCE = 2**18


class InterpreterSettings(RecipeSettings):
    """Settings; members, widths and batch are the published ones."""

    members: int = Field(10, ge=2, le=1000)
    hidden_widths: tuple[int, ...] = (128, 32)
    # Pixels a step for each member.
    pixel_batch: int = Field(64, ge=2)
    interpreter_steps: int = Field(4000, ge=1)
    interpreter_rate: float = Field(0.001, gt=0)
    # Pixels of each labelled image held at a time, all of 64 px; they are drawn anew once as many have been shown as are held.
    pixels_per_image: int = Field(4096, ge=1)
    # An image's uncertainty: "dice" how little the members' masks overlap; or from the pixels' divergences, "sum" all of
    # them, as in the paper, "tenth" the mean of the least certain tenth, as in its release.
    image_uncertainty: Literal["dice", "sum", "tenth"] = "dice"


@dataclass(frozen=True)
class Exemplars:
    """Labelled images of the generator.

    Attributes:
        styles: [M, style_count, style_size]; labels: int64 [M, S, S].
        noise: maps [M, 1, r, r] of each styled layer that the labels were made for; None: they hold whatever the noise.
    """

    styles: Tensor
    labels: Tensor
    noise: Sequence[Tensor] | None = None


class LabelSource(Protocol):
    """Where the labelled images come from.

    Attributes:
        gathers: as in `Stage`; stands_on: further stages it needs.
    """

    gathers: tuple[str, ...]
    stands_on: tuple[Stage, ...]

    def exemplars(self, gathered: Gathered) -> Exemplars:
        """The labelled images.

        Raises:
            UserError: there are none.
        """


class InterpreterStage(UncertainPairStage):
    """Ensemble trained on pixels of the exemplars, all members at once, each on pixels of its own.

    Features are never there for all pixels: so many of each image are drawn and held, and drawn anew (with fresh noise)
    when as many have been shown. What is held follows from `pool_seed` alone, so a resumed training holds the same.
    """

    name = "interpreter"
    streams = ()
    unit = "px"
    # A look costs as much as many steps, and none is to be chosen by labels of validation subjects.
    snapshots = 1
    pool_seed: Tensor
    steps: Tensor

    def __init__(self, task: Task, settings: InterpreterSettings, images: StyleGANStage, source: LabelSource) -> None:
        super().__init__()
        self.task, self.settings, self.images, self.source = task, settings, (images,), source
        self.stands_on = (images, *source.stands_on)
        self.gathers = source.gathers
        synthesis = images.generator.synthesis
        inputs = sum(layer.bias.numel() for block in synthesis.style_blocks for layer in block.styled_layers)
        self.ensemble = PixelEnsemble(
            members=settings.members, inputs=inputs, labels=task.label_count, hidden=settings.hidden_widths
        )
        self.register_buffer("pool_seed", torch.zeros((), dtype=torch.int64))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self._exemplars: Exemplars | None = None
        self._pool: tuple[int, Tensor, Tensor] | None = None

    @classmethod
    def budget(cls, task: Task, settings: InterpreterSettings) -> Task:
        """The task with the interpreter's budget, counted in pixels shown to each member."""
        return replace(task, batch=settings.pixel_batch, total_images=settings.interpreter_steps * settings.pixel_batch)

    def prepare(self, gathered: Gathered) -> None:
        """Fetch the labelled images."""
        self._exemplars, self._pool = self.source.exemplars(gathered), None

    def build_optimizers(self) -> None:
        """Adam on all members at once: what it does to a weight depends on that weight's gradients alone."""
        rate = self.settings.interpreter_rate
        self.optimizers = {"ensemble": torch.optim.Adam(self.ensemble.parameters(), lr=rate, fused=True)}

    def step(self, batches: Mapping[str, Batch], update: Update) -> dict[str, dict[str, Tensor]]:  # noqa: ARG002
        """One step of every member."""
        features, labels = self._held_pixels(update)
        g = update.generator
        shape = (self.settings.members, self.settings.pixel_batch)
        chosen = torch.randint(len(labels), shape, generator=g, device=g.device).to(labels.device)
        logits, truth = self.ensemble(features[chosen]), labels[chosen]
        loss = F.cross_entropy(logits.flatten(0, 1), truth.flatten())
        # The mean is over the members too; each is to learn as if it were alone.
        update("ensemble", loss * self.settings.members)
        self.steps += 1
        right = (logits.detach().argmax(dim=-1) == truth).float().mean()
        return {"ensemble": {"cross_entropy": loss.detach(), "pixel_accuracy": right}}

    def _held_pixels(self, update: Update) -> tuple[Tensor, Tensor]:
        """Features float32 [pixels, inputs] and labels [pixels]."""
        exemplars = self._exemplars or self._unlabelled_exemplar()
        per_image = min(self.settings.pixels_per_image, self.task.size**2)
        period = max(1, per_image * len(exemplars.labels) // self.settings.pixel_batch)
        if int(self.steps) % period == 0:
            g = update.generator
            self.pool_seed.copy_(torch.randint(2**31, (), generator=g, device=g.device))
        seed = int(self.pool_seed)
        if self._pool is None or self._pool[0] != seed:
            self._pool = None
            self._pool = (seed, *self._drawn_pixels(exemplars, per_image, torch.Generator().manual_seed(seed)))
        return self._pool[1], self._pool[2]

    def _unlabelled_exemplar(self) -> Exemplars:
        """What a stage that was not prepared learns from: background everywhere, so that its cost can be measured."""
        network = self.images[0].generator_average
        styles = network.mapping.mean_latent.expand(1, network.synthesis.style_count, -1)
        return Exemplars(
            styles, torch.zeros(1, self.task.size, self.task.size, dtype=torch.int64, device=styles.device)
        )

    @torch.no_grad()
    def _drawn_pixels(self, exemplars: Exemplars, per_image: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        synthesis, device = self.images[0].generator_average.synthesis, exemplars.styles.device
        count = len(exemplars.labels)
        features = torch.empty(count, per_image, self.ensemble.inputs, device=device)
        labels = torch.empty(count, per_image, dtype=torch.int64, device=device)
        for number in range(count):
            drawn = synthesis.draw_noise([generator], device)
            noise = drawn if exemplars.noise is None else [one[number : number + 1] for one in exemplars.noise]
            _, maps = synthesis.with_features(exemplars.styles[number : number + 1], noise)
            pixels = torch.randperm(self.task.size**2, generator=generator)[:per_image].to(device)
            features[number] = StyleFeatures(maps, size=self.task.size).at(pixels[None])[0]
            labels[number] = exemplars.labels[number].flatten()[pixels]
        return features.flatten(0, 1), labels.flatten()

    def draw(self, generators: Sequence[torch.Generator], *, truncation: float = 1.0) -> tuple[Tensor, Tensor]:
        """Images, and the share of the members that vote for each label."""
        images, shares, _ = self.draw_scored(generators, truncation=truncation)
        return images, shares

    @torch.no_grad()
    def draw_scored(
        self, generators: Sequence[torch.Generator], *, truncation: float = 1.0
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Images, vote shares, and how uncertain each image's labels are, by `image_uncertainty`."""
        styles, noise = self.images[0].drawn_styles(generators, truncation=truncation)
        at_once = max(1, PIXELS_AT_ONCE // self.task.size**2)
        parts = [
            self._read(styles[start : start + at_once], [one[start : start + at_once] for one in noise])
            for start in range(0, len(styles), at_once)
        ]
        images, shares, scores = (torch.cat(found) for found in zip(*parts, strict=True))
        return images, shares, scores

    def _read(self, styles: Tensor, noise: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        images, maps = self.images[0].generator_average.synthesis.with_features(styles, noise)
        probabilities = self.ensemble.label_maps(StyleFeatures(maps, size=self.task.size))
        return images.clamp(-1, 1), vote_shares(probabilities), self._uncertainty(probabilities)

    def _uncertainty(self, probabilities: Tensor) -> Tensor:
        match self.settings.image_uncertainty:
            case "dice":
                return disagreement(probabilities)
            case "sum":
                return image_sum(jensen_shannon(probabilities))
            case "tenth":
                return image_tenth(jensen_shannon(probabilities))
