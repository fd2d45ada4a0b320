"""mask-vae: an adversarial variational autoencoder of masks, VAE as generator, autoencoder as discriminator [Khan 2018]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from pydantic import Field
from torch import Tensor

from segmint.errors import UserError
from segmint.losses.boundary_equilibrium import discriminator_boundary, next_balance, reconstruction_error
from segmint.losses.kl_divergence import kl_divergence
from segmint.networks.mask_vae import MaskAutoencoder, MaskVAE
from segmint.recipes.contract import Batch, MaskStage, Stage, Task, Update
from segmint.recipes.mask_channels import hard_masks, one_hot_masks, softmax_masks
from segmint.recipes.recipe import Recipe, RecipeSettings


class MaskVAESettings(RecipeSettings):
    """Settings; the source leaves widths and weights open, these are ours."""

    latent_size: int = Field(64, ge=1)
    width: int = Field(32, ge=2)
    # Weight of the Kullback-Leibler term against a reconstruction summed over pixels; below 1 favours sharp masks.
    kl_weight: float = Field(1.0, ge=0)
    # Weight of what the discriminator says of drawn masks, against the reconstruction of real ones (a mean over pixels).
    adversarial_weight: float = Field(0.1, ge=0)
    # Wanted ratio of the discriminator's errors on drawn and on real masks.
    balance_ratio: float = Field(0.7, gt=0, le=1)
    learning_rate: float = Field(1e-3, gt=0)


class MaskVAEStage(MaskStage):
    """Encoder and decoder of masks, and an autoencoder that tells drawn masks from real ones."""

    name = "masks"
    balance: Tensor

    def __init__(self, task: Task, settings: MaskVAESettings) -> None:
        super().__init__()
        self.task, self.settings = task, settings
        channels = sum(task.mask_counts)
        self.generator = MaskVAE(
            size=task.size, labels=channels, latent_size=settings.latent_size, width=settings.width
        )
        self.discriminator = MaskAutoencoder(
            size=task.size, labels=channels, code_size=settings.latent_size, width=settings.width
        )
        self.register_buffer("balance", torch.zeros(()))

    def build_optimizers(self) -> None:
        """Adam for both."""
        self.optimizers = {
            name: torch.optim.Adam(getattr(self, name).parameters(), lr=self.settings.learning_rate, fused=True)
            for name in ("generator", "discriminator")
        }

    def step(self, batches: Mapping[str, Batch], update: Update) -> dict[str, dict[str, Tensor]]:
        """The VAE on real masks and on the discriminator's opinion of drawn ones, then the discriminator."""
        reals = one_hot_masks(batches["labelled"].masks, self.task.mask_counts)
        n = len(reals)
        self.discriminator.requires_grad_(False)
        with update.autocast():
            logits, mean, log_variance = self.generator(reals, self._latents(n, update))
            drawn = softmax_masks(self.generator.decode(self._latents(n, update)), self.task.mask_counts)
            fake_error = reconstruction_error(drawn, self.discriminator(drawn)[0])
        # In nats a pixel: each map's cross-entropy, and the divergence spread over all pixels.
        log_probabilities = [
            part.log_softmax(dim=1) for part in torch.split(logits, list(self.task.mask_counts), dim=1)
        ]
        reconstruction = -(torch.cat(log_probabilities, dim=1) * reals).sum(dim=1).mean()
        divergence = kl_divergence(mean, log_variance) / self.task.size**2
        loss = reconstruction + self.settings.kl_weight * divergence + self.settings.adversarial_weight * fake_error
        update("generator", loss)
        self.discriminator.requires_grad_(True)
        with update.autocast():
            real_error = reconstruction_error(reals, self.discriminator(reals)[0])
            fake_error = reconstruction_error(drawn.detach(), self.discriminator(drawn.detach())[0])
        update("discriminator", discriminator_boundary(real_error, fake_error, self.balance))
        ratio = self.settings.balance_ratio
        self.balance.copy_(next_balance(self.balance, real_error, fake_error, ratio=ratio))
        return {
            "generator": {
                "reconstruction": reconstruction.detach(),
                "divergence": divergence.detach(),
                "adversarial": fake_error.detach(),
            },
            "discriminator": {
                "real_error": real_error.detach(),
                "fake_error": fake_error.detach(),
                "balance": self.balance.clone(),
            },
        }

    def _latents(self, n: int, update: Update) -> Tensor:
        g = update.generator
        return torch.randn(n, self.settings.latent_size, generator=g, device=g.device).to(self.balance.device)

    @torch.no_grad()
    def draw_masks(self, generators: Sequence[torch.Generator], *, truncation: float = 1.0) -> Tensor:
        """The most probable id of each map, for latents from the prior."""
        z = self.generator.draw_latents(generators, self.balance.device) * truncation
        return hard_masks(self.generator.decode(z), self.task.mask_counts)


def _stages(task: Task, settings: MaskVAESettings) -> Sequence[Stage]:
    try:
        return [MaskVAEStage(task, settings)]
    except ValueError as error:
        raise UserError(f"--size {task.size}: {error}.") from error


PUBLISHED = MaskVAESettings()

RECIPE = Recipe(
    name="mask-vae",
    title="Adversarial variational autoencoder of masks",
    source="Khan et al., 2018; Kingma and Welling, 2014",
    gives=frozenset({"masks"}),
    presets={"faithful": PUBLISHED, "repaired": PUBLISHED.model_copy(update={"kl_weight": 0.3})},
    capacities={"small": {"width": 16}, "full": {}},
    stages=_stages,
    batch={"faithful": 16, "repaired": 16},
    kimg=20.0,
    conditions="all",
)
