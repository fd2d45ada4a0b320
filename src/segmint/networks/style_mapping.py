"""Mapping network z -> w, with the running mean of w that truncation needs [Karras 2019, sections 2 and B]."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from segmint.networks.equalised import EqualisedLinear


class StyleMapping(nn.Module):
    """Eight fully connected layers at a hundredth of the learning rate; input normalised to unit second moment."""

    mean_latent: Tensor

    def __init__(self, latent_size: int, style_size: int, *, layers: int = 8, mean_decay: float = 0.995) -> None:
        super().__init__()
        sizes = [latent_size] + [style_size] * layers
        self.layers = nn.Sequential(
            *(EqualisedLinear(a, b, activation=True, learning_rate_multiplier=0.01) for a, b in pairwise(sizes))
        )
        self.latent_size = latent_size
        self.mean_decay = mean_decay
        self.register_buffer("mean_latent", torch.zeros(style_size))

    def forward(self, z: Tensor) -> Tensor:
        """[N, latent_size] -> [N, style_size], float32."""
        z = z.float()
        mapped: Tensor = self.layers(z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + 1e-8))
        return mapped

    @torch.no_grad()
    def track_mean(self, w: Tensor) -> None:
        """Move the running mean of w towards the mean of this batch (training only)."""
        self.mean_latent.lerp_(w.detach().float().mean(dim=0), 1 - self.mean_decay)

    def truncate(self, w: Tensor, truncation: float) -> Tensor:
        """Pull w towards its mean: 1 leaves it, 0 gives the mean [Karras 2019, appendix B]."""
        return w if truncation == 1 else self.mean_latent + truncation * (w - self.mean_latent)
