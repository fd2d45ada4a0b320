"""Adversarial variational autoencoder of label maps: VAE as generator, autoencoder as discriminator [Khan 2018].

Both are built as the autoencoders of [Berthelot 2017 (BEGAN), section 3.5]: 3x3 convolutions and ELU, nearest-neighbour
enlargement, nothing normalised (normalising would take away how large an object is).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

SMALLEST_SIDE = 4
# Logarithms of variances stay within this, whose exponential would else run away from one step to the next.
LARGEST_LOG_VARIANCE = 10.0


def level_widths(size: int, width: int) -> tuple[int, ...]:
    """Feature maps at each resolution from `size` down to 4 to 7 pixels, growing by `width` a level.

    Raises:
        ValueError: `size` is not 4, 5, 6 or 7 times a power of two.
    """
    side, levels = size, 1
    while side % 2 == 0 and side >= 2 * SMALLEST_SIDE:
        side, levels = side // 2, levels + 1
    if not SMALLEST_SIDE <= side < 2 * SMALLEST_SIDE:
        raise ValueError(f"size must be 4, 5, 6 or 7 times a power of two, not {size}")
    return tuple(width * (i + 1) for i in range(levels))


class MapEncoder(nn.Module):
    """Label maps to a vector: at each level a convolution, then one of stride 2; a last linear layer."""

    def __init__(self, *, size: int, labels: int, outputs: int, width: int) -> None:
        super().__init__()
        widths = level_widths(size, width)
        layers: list[nn.Module] = [nn.Conv2d(labels, widths[0], 3, padding=1), nn.ELU()]
        for a, b in pairwise(widths):
            layers += [nn.Conv2d(a, a, 3, padding=1), nn.ELU(), nn.Conv2d(a, b, 3, stride=2, padding=1), nn.ELU()]
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(widths[-1] * (size >> (len(widths) - 1)) ** 2, outputs)

    def forward(self, maps: Tensor) -> Tensor:
        """[N, labels, size, size] -> [N, outputs], float32."""
        x: Tensor = self.layers(maps.contiguous(memory_format=torch.channels_last))
        result: Tensor = self.linear(x.flatten(1)).float()
        return result


class MapDecoder(nn.Module):
    """A vector to label maps: a linear layer, at each level a convolution and an enlargement, a last convolution."""

    def __init__(self, *, size: int, labels: int, inputs: int, width: int) -> None:
        super().__init__()
        widths = level_widths(size, width)[::-1]
        self.start = (widths[0], size >> (len(widths) - 1), size >> (len(widths) - 1))
        self.linear = nn.Linear(inputs, self.start[0] * self.start[1] * self.start[2])
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            layers += [nn.Conv2d(a, a, 3, padding=1), nn.ELU(), nn.Upsample(scale_factor=2)]
            layers += [nn.Conv2d(a, b, 3, padding=1), nn.ELU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], labels, 3, padding=1))

    def forward(self, z: Tensor) -> Tensor:
        """[N, inputs] -> logits [N, labels, size, size], float32."""
        x: Tensor = self.linear(z).view(-1, *self.start)
        logits: Tensor = self.layers(x.contiguous(memory_format=torch.channels_last)).float()
        return logits


class MaskVAE(nn.Module):
    """Variational autoencoder [Kingma 2014] of label maps [N, labels, size, size] (one-hot or probabilities).

    Args:
        width: feature maps at full resolution, and how many more there are a level below.
    """

    def __init__(self, *, size: int, labels: int, latent_size: int = 64, width: int = 32) -> None:
        super().__init__()
        self.encoder = MapEncoder(size=size, labels=labels, outputs=2 * latent_size, width=width)
        self.decoder = MapDecoder(size=size, labels=labels, inputs=latent_size, width=width)
        self.latent_size = latent_size

    def draw_latents(self, generators: Sequence[torch.Generator], device: torch.device) -> Tensor:
        """Unit normal [N, latent_size]; row i comes from generator i alone. Also the noise of `forward`."""
        return torch.stack([torch.randn(self.latent_size, generator=g, device=g.device) for g in generators]).to(device)

    def encode(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of the latents, each [N, latent_size]."""
        mean, log_variance = self.encoder(maps).chunk(2, dim=1)
        return mean, LARGEST_LOG_VARIANCE * torch.tanh(log_variance / LARGEST_LOG_VARIANCE)

    def decode(self, z: Tensor) -> Tensor:
        """Latents [N, latent_size] -> logits [N, labels, size, size]."""
        logits: Tensor = self.decoder(z)
        return logits

    def forward(self, maps: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of the reconstruction, mean and logarithm of the variance; latents are mean + deviation * noise."""
        mean, log_variance = self.encode(maps)
        return self.decode(mean + (log_variance / 2).exp() * noise), mean, log_variance


class MaskAutoencoder(nn.Module):
    """The discriminator: rebuilds real label maps well and drawn ones badly; its code compares maps as wholes."""

    def __init__(self, *, size: int, labels: int, code_size: int = 64, width: int = 32) -> None:
        super().__init__()
        self.encoder = MapEncoder(size=size, labels=labels, outputs=code_size, width=width)
        self.decoder = MapDecoder(size=size, labels=labels, inputs=code_size, width=width)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """[N, labels, size, size] -> rebuilt maps, which sum to one over labels, and codes [N, code_size]."""
        code = self.encoder(maps)
        return self.decoder(code).softmax(dim=1), code
