"""StyleGAN2 of image channels and label maps, either of which may be absent: the stage that several recipes share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from pydantic import Field
from torch import Tensor

from segmint.losses.path_length import path_length_penalty, path_lengths
from segmint.networks.mask_branch import BranchedStyleGenerator
from segmint.networks.style_generator import StyleGenerator
from segmint.networks.value_range import clip_to_range
from segmint.recipes.contract import Batch, Task, Update
from segmint.recipes.mask_channels import hard_masks, one_hot_masks, softmax_masks
from segmint.recipes.style_adversary import StyleAdversarySettings, StyleAdversaryStage, style_widths


class StyleGANSettings(StyleAdversarySettings):
    """Settings of generator and discriminator."""

    path_length_weight: float = Field(2.0, ge=0)
    path_length_every: int = Field(4, ge=1)
    # The batch is halved for this term alone, as in [Karras 2020, appendix B].
    path_length_shrink: int = Field(2, ge=1)
    style_mixing: float = Field(0.9, ge=0, le=1)


class StyleGANStage(StyleAdversaryStage):
    """Generator and discriminator of `image_channels` channels and of the one-hot maps of masks with `mask_counts` ids.

    Args:
        branched: label maps come from a branch of their own, and the discriminator judges images alone.
    """

    settings: StyleGANSettings
    generator: StyleGenerator
    generator_average: StyleGenerator
    path_mean: Tensor

    def __init__(
        self,
        task: Task,
        settings: StyleGANSettings,
        *,
        image_channels: int,
        mask_counts: Sequence[int],
        branched: bool = False,
    ) -> None:
        generator = (BranchedStyleGenerator if branched else StyleGenerator)(
            size=task.size,
            image_channels=image_channels,
            label_maps=sum(mask_counts),
            latent_size=settings.latent_size,
            style_size=settings.latent_size,
            **style_widths(task, settings),
        )
        super().__init__(
            task,
            settings,
            generator,
            image_channels=image_channels,
            mask_counts=mask_counts,
            judges_masks=not branched,
        )
        self.register_buffer("path_mean", torch.zeros(()))

    def build_optimizers(self) -> None:
        """As in `StyleAdversaryStage`; the generator has a lazy term too."""
        super().build_optimizers()
        if self.settings.path_length_weight:
            self.optimizers["generator"] = self._lazy_adam("generator", self.settings.path_length_every)

    # -- what the discriminator sees ---------------------------------------------------------------------------------

    def fake_pairs(self, images: Tensor, logits: Tensor) -> Tensor:
        """Images and label maps [N, C + K, S, S] as the discriminator sees fakes."""
        maps = softmax_masks(logits, self.mask_counts)
        if self.settings.label_target == "straight-through":
            hard = one_hot_masks(hard_masks(maps, self.mask_counts), self.mask_counts)
            maps = hard + maps - maps.detach()
        return torch.cat([images, self._to_range(maps)], dim=1)

    def judged_reals(self, batch: Batch) -> Tensor:
        """What of reals the discriminator judges."""
        return self.real_pairs(batch)

    def judged_fakes(self, images: Tensor, logits: Tensor) -> Tensor:
        """What of fakes the discriminator judges."""
        return self.fake_pairs(images, logits)

    # -- one step ----------------------------------------------------------------------------------------------------

    def step(self, batches: Mapping[str, Batch], update: Update) -> dict[str, dict[str, Tensor]]:
        """Generator, lazy path length, discriminator, lazy R1, and the augmentation's strength, in this order."""
        self._set_learning_rates(update.images_shown)
        reals = self.judged_reals(self._mirrored(batches[self.streams[0]], update))
        generator = self._generator_turn(reals, update)
        with update.autocast(), torch.no_grad():
            fakes = self.judged_fakes(*self._generated(len(reals), update)[:2])
        discriminator = self._discriminator_turn(reals, fakes, update)
        self.steps += 1
        if self.settings.augmentation == "ada":
            self._adapt(self.augmentation_strength, self.sign_sum, len(reals))
        return {"generator": generator, "discriminator": discriminator}

    def _generator_turn(self, reals: Tensor, update: Update) -> dict[str, Tensor]:
        self.discriminator.requires_grad_(False)
        with update.autocast():
            images, logits, _ = self._generated(len(reals), update, track=True)
            loss = self._generator_loss(reals, self.judged_fakes(images, logits), update)
        update("generator", loss)
        logged = {"adversarial": loss.detach(), **self._lazy_path_length(len(reals), update)}
        self.discriminator.requires_grad_(True)
        return logged

    def _generated(self, n: int, update: Update, *, track: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Images and label logits as they are judged, and the styles they were made from."""
        styles = self._training_styles(n, update, track=track)
        images, logits = self._synthesised(styles, self._training_noise(n, update))
        return clip_to_range(images) if self.settings.clip_fakes else images, logits, styles

    def _synthesised(self, styles: Tensor, noise: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        images, logits = self.generator(styles, noise)
        return images, logits

    def _training_noise(self, n: int, update: Update) -> list[Tensor]:
        return [
            torch.randn(n, 1, r, r, generator=update.generator, device=update.generator.device).to(
                self.path_mean.device
            )
            for r in self.generator.synthesis.noise_resolutions
        ]

    def _training_styles(self, n: int, update: Update, *, track: bool) -> Tensor:
        def normal() -> Tensor:
            g = update.generator
            return torch.randn(n, self.settings.latent_size, generator=g, device=g.device).to(self.path_mean.device)

        layers = self.generator.synthesis.style_count
        z, other = normal(), normal()
        uniform = torch.rand(2, n, generator=update.generator, device=update.generator.device).to(z.device)
        cutoff = (1 + uniform[0] * (layers - 1)).long()
        cutoff = torch.where(uniform[1] < self.settings.style_mixing, cutoff, layers)
        mapping = self.generator.mapping
        with torch.autocast(z.device.type, enabled=False):
            # One pass for both; without mixing there is nothing to learn from the second.
            mapped = mapping(torch.cat([z, other]) if self.settings.style_mixing else z)
            w, w_other = mapped[:n], mapped[-n:]
            if track:
                mapping.track_mean(w)
            return self.generator.mixed_styles(w, w_other, cutoff)

    def _lazy_path_length(self, n: int, update: Update) -> dict[str, Tensor]:
        """Every so many steps; what to log."""
        if not self.settings.path_length_weight or int(self.steps) % self.settings.path_length_every:
            return {}
        n = max(1, n // self.settings.path_length_shrink)
        styles = self._training_styles(n, update, track=False)
        images, logits = self.generator(styles, self._training_noise(n, update))
        output = self.judged_fakes(images, logits)
        g = update.generator
        noise = torch.randn(output.shape, generator=g, device=g.device).to(output.device)
        penalty, mean = path_length_penalty(path_lengths(output, styles, noise), self.path_mean)
        self.path_mean.copy_(mean)
        update("generator", penalty * (self.settings.path_length_weight * self.settings.path_length_every))
        return {"path_length": penalty.detach()}

    # -- sampling ----------------------------------------------------------------------------------------------------

    def drawn_styles(self, generators: Sequence[torch.Generator], *, truncation: float) -> tuple[Tensor, list[Tensor]]:
        """Styles and noise of the averaged generator; those of sample i come from generator i alone."""
        device, network = self.path_mean.device, self.generator_average
        z = torch.stack([torch.randn(self.settings.latent_size, generator=g) for g in generators]).to(device)
        return network.styles(z, truncation=truncation), network.synthesis.draw_noise(generators, device)

    @torch.no_grad()
    def draw_maps(self, generators: Sequence[torch.Generator], truncation: float) -> tuple[Tensor, Tensor]:
        """Images in [-1, 1] and map probabilities of the averaged generator; those of sample i come from generator i alone."""
        images, logits = self.generator_average(*self.drawn_styles(generators, truncation=truncation))
        return images.clamp(-1, 1), softmax_masks(logits, self.mask_counts)
