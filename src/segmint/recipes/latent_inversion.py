"""Labelled real images inverted into the latent space of a style-based generator, by optimisation in W+.

Each image has a style of its own for every layer [Abdal 2019], and begins where an encoder puts it or at the nearest of many
random images. The noise is drawn anew at every step, so that what is
found holds whatever the noise: it is styles, not noise, that carry a label map to other images. Rate and perturbation
follow the projector of [Karras 2020, appendix D].
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from segmint.data.exemplars import choose_exemplars
from segmint.errors import UserError
from segmint.losses.perceptual import feature_distance
from segmint.metrics.reconstruction import explained_variance
from segmint.networks.value_range import clip_to_range
from segmint.recipes.contract import Batch, Gathered, Inversions, InvertingStage, Task, Update
from segmint.recipes.image_encoder import ImageEncoderSettings, ImageEncoderStage
from segmint.recipes.latent_schedule import perturbation_factor, rate_factor
from segmint.recipes.style_gan import StyleGANStage

# Of the spread of w, at the start.
PERTURBATION, LEAST_SPREAD = 0.05, 1e-4
# Images drawn at once, to find a start.
CHUNK = 32
READ = 256


class InversionSettings(ImageEncoderSettings):
    """Settings of a style-based generator and of inversions into it."""

    # Images with labels that are used.
    labelled_images: int = Field(16, ge=1)
    inversion_steps: int = Field(300, ge=1)
    # Images optimised at the same time.
    inversion_batch: int = Field(8, ge=1)
    inversion_rate: float = Field(0.1, gt=0)
    # Where each inversion begins: at what an encoder says, trained before on all images, or at the nearest random image.
    inversion_start: Literal["encoder", "nearest"] = "nearest"
    # How many random images.
    inversion_draws: int = Field(512, ge=1)
    inversion_feature_weight: float = Field(0.1, ge=0)
    inversion_mean_weight: float = Field(0.002, ge=0)
    # Share of an image's variance that its inversion must explain to be used.
    minimum_explained: float = Field(0.8, le=1)


class InversionStage(InvertingStage):
    """Finds styles for `labelled_images` pairs of the labelled stream, `inversion_batch` at a time."""

    name = "inversion"
    streams = ()
    gathers = ("labelled",)
    snapshots = 1
    steps: Tensor
    spread: Tensor
    targets: Tensor
    labels: Tensor

    def __init__(
        self, task: Task, settings: InversionSettings, images: StyleGANStage, encoder: ImageEncoderStage | None = None
    ) -> None:
        super().__init__()
        self.task, self.settings, self.images = task, settings, (images,)
        self.encoder = () if encoder is None else (encoder,)
        self.stands_on = (images, *self.encoder)
        m, size = settings.labelled_images, task.size
        style_size, layers = settings.latent_size, images.generator.synthesis.style_count
        self.latents = nn.ParameterList(
            nn.Parameter(torch.zeros(min(task.batch, m - start), layers, style_size))
            for start in range(0, m, task.batch)
        )
        self._prepared = False
        self.numbers = np.arange(m)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("spread", torch.ones(style_size))
        # What is read from the data is not part of the state.
        self.register_buffer("targets", torch.zeros(m, task.image_channels, size, size), persistent=False)
        self.register_buffer("labels", torch.zeros(m, size, size, dtype=torch.int64), persistent=False)

    @classmethod
    def budget(cls, task: Task, settings: InversionSettings) -> Task:
        """The task with the budget of the inversions: images shown are images times steps."""
        batch = min(settings.inversion_batch, settings.labelled_images)
        groups = math.ceil(settings.labelled_images / batch)
        return replace(task, batch=batch, total_images=groups * settings.inversion_steps * batch)

    def check(self, *, labelled: int) -> None:
        """There must be as many labelled pairs as are to be inverted."""
        if labelled < self.settings.labelled_images:
            raise UserError(
                f"{self.settings.labelled_images} labelled images are to be inverted and there are {labelled}: give more "
                f"labelled subjects, or --set labelled_images={labelled}."
            )

    def prepare(self, gathered: Gathered) -> None:
        """Choose the labelled pairs and read them."""
        pairs = gathered.labelled
        assert pairs is not None
        m = self.settings.labelled_images
        present = np.zeros((len(pairs), self.task.label_count), dtype=bool)
        for start in range(0, len(pairs), READ):
            positions = np.arange(start, min(start + READ, len(pairs)))
            for position, label in zip(positions, pairs.read(positions)[1], strict=True):
                present[position, np.unique(label)] = True
        self.numbers = choose_exemplars(present, m)
        images, labels = pairs.read(self.numbers)
        self._prepared = True
        self.targets.copy_(torch.from_numpy(images))
        self.labels.copy_(torch.from_numpy(labels))

    def build_optimizers(self) -> None:
        """Adam for each group of latents."""
        rate = self.settings.inversion_rate
        self.optimizers = {
            f"latents_{number}": torch.optim.Adam([latents], lr=rate) for number, latents in enumerate(self.latents)
        }

    def step(self, batches: Mapping[str, Batch], update: Update) -> dict[str, dict[str, Tensor]]:  # noqa: ARG002
        """One step of the group whose turn it is."""
        group, step = divmod(int(self.steps), self.settings.inversion_steps)
        group = min(group, len(self.latents) - 1)
        latents, network = self.latents[group], f"latents_{group}"
        first = group * self.task.batch
        targets = self.targets[first : first + len(latents)]
        if step == 0:
            self._start(latents, targets, update)
        share = step / self.settings.inversion_steps
        for parameters in self.optimizers[network].param_groups:
            parameters["lr"] = self.settings.inversion_rate * rate_factor(share)
        strength = PERTURBATION * perturbation_factor(share)
        perturbed = latents + strength * self.spread * _normal(latents.shape, update)
        generator = self.images[0].generator_average
        noise = [_normal((len(latents), 1, r, r), update) for r in generator.synthesis.noise_resolutions]
        fakes = clip_to_range(generator(perturbed, noise)[0])
        pixels = torch.stack([F.mse_loss(F.avg_pool2d(fakes, k), F.avg_pool2d(targets, k)) for k in (1, 2, 4)]).sum()
        together = [one.chunk(2) for one in self.images[0].discriminator.features(torch.cat([fakes, targets]))]
        features = feature_distance([mine for mine, _ in together], [theirs for _, theirs in together])
        distance = ((latents - generator.mapping.mean_latent) / self.spread).square().mean()
        loss = (
            pixels + self.settings.inversion_feature_weight * features + self.settings.inversion_mean_weight * distance
        )
        # The mean is over the group: each image's gradient is to be as if it were alone.
        update(network, loss * len(latents))
        self.steps += 1
        return {"latents": {"pixels": pixels.detach(), "features": features.detach(), "distance": distance.detach()}}

    @torch.no_grad()
    def _start(self, latents: nn.Parameter, targets: Tensor, update: Update) -> None:
        """Begin at what the encoder says, or at the nearest of many random images, compared in means of 4 x 4 pixels."""
        if self.encoder:
            latents.copy_(self.encoder[0].encoded(targets))
            self.spread.copy_(self.encoder[0].spread(targets.device).clamp_min(LEAST_SPREAD))
            return
        generator = self.images[0].generator_average
        coarse = F.avg_pool2d(targets, 4).flatten(1)
        nearest = torch.full((len(targets),), math.inf, device=targets.device)
        seen = []
        # Where the stage was not prepared, only its cost is measured.
        draws = self.settings.inversion_draws if self._prepared else CHUNK
        for _ in range(math.ceil(draws / CHUNK)):
            styles = generator.styles(_normal((CHUNK, self.settings.latent_size), update))
            noise = [_normal((CHUNK, 1, r, r), update) for r in generator.synthesis.noise_resolutions]
            drawn = F.avg_pool2d(generator(styles, noise)[0].clamp(-1, 1), 4).flatten(1)
            distances, which = torch.cdist(coarse, drawn).min(dim=1)
            better = distances < nearest
            latents[better] = styles[which][better]
            nearest = torch.where(better, distances, nearest)
            seen.append(styles[:, 0])
        self.spread.copy_(torch.cat(seen).std(dim=0).clamp_min(LEAST_SPREAD))

    @torch.no_grad()
    def reconstructions(self) -> Tensor:
        """What the generator makes of the styles found, with noise of each image's own: [M, C, S, S] in [-1, 1]."""
        network, device = self.images[0].generator_average, self.targets.device
        drawn = []
        for number, styles in enumerate(torch.cat(list(self.latents))):
            noise = network.synthesis.draw_noise([torch.Generator().manual_seed(number)], device)
            drawn.append(network(styles[None], noise)[0])
        return torch.cat(drawn).clamp(-1, 1)

    def inversions(self) -> Inversions:
        """Targets, reconstructions, and which of them explain enough."""
        found, least = self.reconstructions(), self.settings.minimum_explained
        accepted = explained_variance(self.targets, found) >= least
        return Inversions(self.targets, found, self.labels, accepted, least, self.numbers)

    def finished(self) -> bool:
        """All groups have had their steps."""
        return int(self.steps) >= len(self.latents) * self.settings.inversion_steps


def _normal(shape: tuple[int, ...] | torch.Size, update: Update) -> Tensor:
    """On the device of the update's generator, which is that of the run."""
    return torch.randn(shape, generator=update.generator, device=update.generator.device)
