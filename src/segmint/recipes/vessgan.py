"""vessgan: a fully connected GAN of masks [Paired GAN 2023], and what keeps it from drawing one mask only."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from segmint.losses.adversarial_patch import AdversarialKind, discriminator_adversarial, generator_adversarial
from segmint.losses.gradient_penalty import r1_penalty
from segmint.networks.dense_gan import DenseDiscriminator, DenseGenerator, DenseNorm
from segmint.recipes.contract import Batch, MaskStage, Stage, Task, Update
from segmint.recipes.recipe import Recipe, RecipeSettings


class VessGANSettings(RecipeSettings):
    """Settings; the defaults are the published ones, widths and rates ours where the source is silent."""

    latent_size: int = Field(100, ge=1)
    generator_widths: tuple[int, ...] = (128, 256, 512, 1024)
    discriminator_widths: tuple[int, ...] = (1024, 512, 256, 128)
    dropout: float = Field(0.3, ge=0, lt=1)
    adversarial: AdversarialKind = "bce"
    # Steps of the discriminator for each of the generator.
    discriminator_steps: int = Field(2, ge=1)
    learning_rate: float = Field(2e-4, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    # Weight of a term that rewards masks that differ as their latents do [Mao 2019, mode seeking].
    mode_seeking_weight: float = Field(0.0, ge=0)
    mirror: Literal["none", "h", "v", "hv"] = "none"
    # Normalisation within the generator.
    norm: DenseNorm = "none"
    # Whether the discriminator sees how much the masks of a batch differ [Karras 2018, section 3].
    minibatch_deviation: bool = False
    # Weight of R1 [Mescheder 2018, equation 9], halved.
    r1_gamma: float = Field(0.0, ge=0)
    # Half-life of the generator's average in images; 0 samples from the network itself.
    average_images: float = Field(0.0, ge=0)


class VessGANStage(MaskStage):
    """Generator and discriminator of masks; each id but background is one channel in [-1, 1]."""

    name = "masks"

    def __init__(self, task: Task, settings: VessGANSettings) -> None:
        super().__init__()
        self.task, self.settings, self.adversarial = task, settings, settings.adversarial
        channels = sum(count - 1 for count in task.mask_counts)
        self.generator = DenseGenerator(
            size=task.size,
            channels=channels,
            latent_size=settings.latent_size,
            widths=settings.generator_widths,
            norm=settings.norm,
        )
        self.discriminator = DenseDiscriminator(
            size=task.size,
            channels=channels,
            widths=settings.discriminator_widths,
            dropout=settings.dropout,
            minibatch_deviation=settings.minibatch_deviation,
        )
        if settings.average_images:
            self.generator_average = copy.deepcopy(self.generator).requires_grad_(False)
            self.averaged = (("generator_average", "generator"),)

    def build_optimizers(self) -> None:
        """Adam for both."""
        betas = (self.settings.beta1, self.settings.beta2)
        self.optimizers = {
            name: torch.optim.Adam(
                getattr(self, name).parameters(), lr=self.settings.learning_rate, betas=betas, fused=True
            )
            for name in ("generator", "discriminator")
        }

    def average_half_life(self, images_shown: int) -> float:
        """As set, shorter early on."""
        return min(self.settings.average_images, images_shown * 0.05)

    def real_maps(self, masks: Tensor) -> Tensor:
        """Ids [N, 1 + M, S, S] -> channels [N, sum(counts - 1), S, S] in {-1, 1}."""
        maps = [masks[:, i] == k for i, count in enumerate(self.task.mask_counts) for k in range(1, count)]
        return torch.stack(maps, dim=1).float() * 2 - 1

    def step(self, batches: Mapping[str, Batch], update: Update) -> dict[str, dict[str, Tensor]]:
        """The discriminator several times, each with new fakes, then the generator."""
        reals = self._mirrored(self.real_maps(batches["labelled"].masks), update)
        n, device = len(reals), reals.device
        kind = self.settings.adversarial
        logged: dict[str, dict[str, Tensor]] = {}
        for _ in range(self.settings.discriminator_steps):
            with update.autocast():
                with torch.no_grad():
                    fakes = self.generator(self._latents(n, update))
                real = self.discriminator(reals, self.discriminator.draw_keep(n, update.generator, device))
                fake = self.discriminator(fakes, self.discriminator.draw_keep(n, update.generator, device))
                loss = discriminator_adversarial(kind, real, fake)
            logged["discriminator"] = {
                "adversarial": loss.detach(),
                "real_logit": real.detach().mean(),
                "fake_logit": fake.detach().mean(),
            }
            if self.settings.r1_gamma:
                # In float32; without dropout, whose draws the gradient would follow.
                penalised = reals.clone().requires_grad_(True)
                penalty = r1_penalty(self.discriminator(penalised, []), penalised)
                logged["discriminator"]["r1"] = penalty.detach()
                loss = loss + 0.5 * self.settings.r1_gamma * penalty
            update("discriminator", loss)
        self.discriminator.requires_grad_(False)
        z = self._latents(n, update)
        with update.autocast():
            fakes = self.generator(z)
            judged = self.discriminator(fakes, self.discriminator.draw_keep(n, update.generator, device))
            loss = generator_adversarial(kind, judged)
        logged["generator"] = {"adversarial": loss.detach()}
        if self.settings.mode_seeking_weight and n > 1:
            # Ratio of distances between neighbours in the batch, as [Mao 2019, equation 4], inverted to be minimised.
            apart = (fakes - fakes.roll(1, dims=0)).abs().mean(dim=(1, 2, 3))
            seeking = (z - z.roll(1, dims=0)).abs().mean(dim=1) / (apart + 1e-5)
            logged["generator"]["mode_seeking"] = seeking.detach().mean()
            loss = loss + self.settings.mode_seeking_weight * seeking.mean()
        update("generator", loss)
        self.discriminator.requires_grad_(True)
        return logged

    def _latents(self, n: int, update: Update) -> Tensor:
        g = update.generator
        device = next(self.generator.parameters()).device
        return torch.randn(n, self.settings.latent_size, generator=g, device=g.device).to(device)

    def _mirrored(self, maps: Tensor, update: Update) -> Tensor:
        for letter, axis in (("h", -1), ("v", -2)):
            if letter in self.settings.mirror and self.settings.mirror != "none":
                g = update.generator
                chosen = (torch.rand(len(maps), generator=g, device=g.device) < 0.5).to(maps.device)
                maps = torch.where(chosen[:, None, None, None], maps.flip(axis), maps)
        return maps

    @torch.no_grad()
    def draw_masks(self, generators: Sequence[torch.Generator], *, truncation: float = 1.0) -> Tensor:
        """Each id's channel against the others; background where none is positive."""
        device = next(self.generator.parameters()).device
        network = self.generator_average if self.settings.average_images else self.generator
        maps = network(network.draw_latents(generators, device) * truncation)
        parts = torch.split(maps, [count - 1 for count in self.task.mask_counts], dim=1)
        with_background = [torch.cat([torch.zeros_like(part[:, :1]), part], dim=1) for part in parts]
        return torch.stack([part.argmax(dim=1) for part in with_background], dim=1)


def _stages(task: Task, settings: VessGANSettings) -> Sequence[Stage]:
    return [VessGANStage(task, settings)]


PUBLISHED = VessGANSettings()

RECIPE = Recipe(
    name="vessgan",
    title="Fully connected GAN of masks",
    source="Paired GAN, 2023",
    gives=frozenset({"masks"}),
    presets={
        "faithful": PUBLISHED,
        # Without dropout the discriminator tells how much masks differ; R1 keeps it from learning the few masks by heart at
        # once; batch norm keeps the generator's units from dying together. Adam as StyleGAN2 has it leaves the mean mask sooner.
        "repaired": PUBLISHED.model_copy(
            update={
                "norm": "batch",
                "minibatch_deviation": True,
                "dropout": 0.0,
                "discriminator_steps": 1,
                "r1_gamma": 0.05,
                "average_images": 4000.0,
                "beta1": 0.0,
                "beta2": 0.99,
            }
        ),
    },
    capacities={"small": {}, "full": {}},
    stages=_stages,
    batch={"faithful": 1, "repaired": 16},
    kimg=6.0,
    epochs={"faithful": 200.0},
    conditions="all",
)
