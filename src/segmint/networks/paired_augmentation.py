"""Augmentation of pairs inside a GAN: geometry for image and label maps alike, intensity for image channels alone.

The operations follow [Karras 2020a (ADA), appendix B], without those that would be seen on no scanner (colour rotation,
band filters), and milder (rotation at most 30 degrees, intensity half as strong). Drawing the parameters is apart from
applying them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class AugmentationParameters:
    """What happens to each sample.

    Attributes:
        matrix: [N, 2, 3], output to input coordinates in [-1, 1] (the convention of `affine_grid`).
        contrast: [N, C], factor about the middle of the range; brightness: [N, C], added; noise_scale: [N, C], standard
            deviation of added Gaussian noise (all in units of the [-1, 1] range); noise_seed: seed of that noise.
    """

    matrix: Tensor
    contrast: Tensor
    brightness: Tensor
    noise_scale: Tensor
    noise_seed: int


def draw_augmentation(
    n: int, image_channels: int, *, strength: float, generator: torch.Generator, device: torch.device
) -> AugmentationParameters:
    """Draw parameters for `n` samples; each operation happens with probability `strength` in each sample.

    Every draw is made whatever the strength, so that the stream of random numbers does not depend on it.
    """

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, device=generator.device)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=generator.device)

    def happens() -> Tensor:
        return (uniform(n) < strength).float()

    isotropic = torch.exp2(normal(n) * 0.2 * happens())
    anisotropic = torch.exp2(normal(n) * 0.2 * happens())
    angle = (uniform(n) * 2 - 1) * (math.pi / 6) * happens()
    shift = (uniform(n, 2) * 2 - 1) * 0.25 * happens()[:, None]
    scale_x, scale_y = isotropic * anisotropic, isotropic / anisotropic
    cos, sin = angle.cos(), angle.sin()
    matrix = torch.stack(
        [
            torch.stack([cos * scale_x, -sin * scale_y, shift[:, 0]], dim=1),
            torch.stack([sin * scale_x, cos * scale_y, shift[:, 1]], dim=1),
        ],
        dim=1,
    )
    # Contrasts of one scan vary on their own: gain and offset are drawn for each channel.
    contrast = torch.exp2(normal(n, image_channels) * 0.25 * happens()[:, None])
    brightness = normal(n, image_channels) * 0.1 * happens()[:, None]
    noise_scale = normal(n, image_channels).abs() * 0.05 * happens()[:, None]
    noise_seed = int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
    return AugmentationParameters(
        matrix=matrix.to(device),
        contrast=contrast.to(device),
        brightness=brightness.to(device),
        noise_scale=noise_scale.to(device),
        noise_seed=noise_seed,
    )


def apply_augmentation(pairs: Tensor, image_channels: int, parameters: AugmentationParameters) -> Tensor:
    """Augment [N, C + K, H, W], image channels first; differentiable (once) in `pairs`.

    Image channels and label maps are warped by the same bilinear interpolation with reflected borders. The label maps
    are probabilities or one-hot vectors here, never ids, and stay on the simplex, since the weights sum to one.
    """
    # Autocast would round the coordinates to bf16: a sixteenth of a pixel at 64 px, half a pixel at 512.
    with torch.autocast(pairs.device.type, enabled=False):
        grid = F.affine_grid(parameters.matrix.to(pairs.dtype), list(pairs.shape), align_corners=False)
    warped = F.grid_sample(pairs, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    images, labels = warped[:, :image_channels], warped[:, image_channels:]
    generator = torch.Generator(device=pairs.device).manual_seed(parameters.noise_seed)
    noise = torch.randn(images.shape, generator=generator, device=pairs.device, dtype=pairs.dtype)
    images = (
        images * parameters.contrast[..., None, None]
        + parameters.brightness[..., None, None]
        + noise * parameters.noise_scale[..., None, None]
    )
    return torch.cat([images, labels], dim=1)
