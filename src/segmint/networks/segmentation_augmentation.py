"""Augmentation of a segmenter's batches, after nnU-Net's default set [Isensee 2021, supplementary note 4].

Geometry moves images and ids alike, ids always by the nearest pixel; intensity changes touch images alone. Drawing is apart
from applying, and every draw is made whatever happens, so that the random stream does not depend on the outcome.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

KINDS = ("flips", "elastic", "strong")
# Control points a side of the elastic displacement, and its largest deviation as a share of the side.
ELASTIC_POINTS, ELASTIC_DEVIATION = 6, 0.03
BLUR_RADIUS = 3


@dataclass(frozen=True)
class Changes:
    """What happens to each of N samples with C channels.

    Attributes:
        matrix: [N, 2, 3], output to input places in [-1, 1] (as `affine_grid` takes it).
        displacement: [N, 2, P, P] at control points, added to the places; all zero where nothing bends.
        noise: [N, C], deviation as a share of the channel's own; noise_seed: seed of that noise.
        blur: [N, C], deviation in pixels, 0 for none.
        brightness: [N, C], factor on the distance from the darkest value; contrast: [N, C], factor about the mean.
        resolution: [N, C], share of the resolution that is left, 1 for all.
        gamma: [N, C], exponent on the range; inverted: [N, C], whether the range is turned over for it.
    """

    matrix: Tensor
    displacement: Tensor
    noise: Tensor
    noise_seed: int
    blur: Tensor
    brightness: Tensor
    contrast: Tensor
    resolution: Tensor
    gamma: Tensor
    inverted: Tensor


def draw_changes(
    n: int, channels: int, kinds: Collection[str], *, generator: torch.Generator, device: torch.device
) -> Changes:
    """Draw for `n` samples.

    Args:
        kinds: any of KINDS. "flips": each axis with probability 1/2. "elastic": a smooth displacement of every sample
            [Ronneberger 2015, section 3.1]. "strong": rotation and scaling (each with probability 0.2), elastic (0.2), noise
            (0.1), blur (0.2), brightness (0.15), contrast (0.15), low resolution (0.25), gamma (0.3, inverted 0.1), flips.

    Raises:
        ValueError: an unknown kind.
    """
    if unknown := set(kinds) - set(KINDS):
        raise ValueError(f"unknown augmentation {sorted(unknown)}; there are {KINDS}")
    strong = "strong" in kinds

    def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=generator, device=generator.device)

    def happens(probability: float, *shape: int) -> Tensor:
        return uniform(*shape) < (probability if strong else 0.0)

    def where(chosen: Tensor, values: Tensor, otherwise: float) -> Tensor:
        return torch.where(chosen, values, torch.full_like(values, otherwise)).to(device)

    per_channel = (n, channels)
    # A change of intensity that happens to a sample reaches each of its channels with probability 1/2.
    half = uniform(n, channels) < (1.0 if channels == 1 else 0.5)
    angle = where(happens(0.2, n), uniform(n, low=-math.pi, high=math.pi), 0.0)
    scale = where(happens(0.2, n), uniform(n, low=0.7, high=1.4), 1.0)
    flip = torch.where(uniform(n, 2) < (0.5 if strong or "flips" in kinds else 0.0), -1.0, 1.0).to(device)
    cos, sin = angle.cos() / scale, angle.sin() / scale
    zero = torch.zeros_like(cos)
    matrix = torch.stack(
        [
            torch.stack([cos * flip[:, 0], -sin * flip[:, 0], zero], dim=1),
            torch.stack([sin * flip[:, 1], cos * flip[:, 1], zero], dim=1),
        ],
        dim=1,
    )
    bends = torch.ones(n, dtype=torch.bool, device=generator.device) if "elastic" in kinds else happens(0.2, n)
    points = torch.randn(n, 2, ELASTIC_POINTS, ELASTIC_POINTS, generator=generator, device=generator.device)
    # Places run over a length of 2.
    displacement = points * (2 * ELASTIC_DEVIATION * uniform(n))[:, None, None, None] * bends[:, None, None, None]
    inverted = happens(0.1, n)[:, None] & half
    changes_gamma = (happens(0.3, n)[:, None] & half) | inverted
    return Changes(
        matrix=matrix,
        displacement=displacement.to(device),
        noise=where(happens(0.1, n)[:, None] & half, uniform(*per_channel, high=0.1).sqrt(), 0.0),
        noise_seed=int(torch.randint(2**31, (1,), generator=generator, device=generator.device)),
        blur=where(happens(0.2, n)[:, None] & half, uniform(*per_channel, low=0.5, high=1.0), 0.0),
        brightness=where(happens(0.15, n)[:, None] & half, uniform(*per_channel, low=0.75, high=1.25), 1.0),
        contrast=where(happens(0.15, n)[:, None] & half, uniform(*per_channel, low=0.75, high=1.25), 1.0),
        resolution=where(happens(0.25, n)[:, None] & half, uniform(*per_channel, low=0.5, high=1.0), 1.0),
        gamma=where(changes_gamma, uniform(*per_channel, low=0.7, high=1.5), 1.0),
        inverted=inverted.to(device),
    )


def apply_changes(images: Tensor, labels: Tensor, changes: Changes) -> tuple[Tensor, Tensor]:
    """Images float32 [N, C, H, W] in [-1, 1] (outside: -1) and ids [N, H, W] (outside: 0), changed; ranges stay."""
    images, labels = _move(images, labels, changes)
    images = _noisy(images, changes)
    images = _blurred(images, changes.blur)
    darkest = images.amin(dim=(2, 3), keepdim=True)
    images = darkest + (images - darkest) * changes.brightness[..., None, None]
    images = _contrasted(images, changes.contrast)
    images = _coarsened(images, changes.resolution)
    images = _gamma_changed(images, changes)
    return images.clamp(-1, 1), labels


def _move(images: Tensor, labels: Tensor, changes: Changes) -> tuple[Tensor, Tensor]:
    places = F.affine_grid(changes.matrix, [len(images), 1, *images.shape[2:]], align_corners=False)
    bent = F.interpolate(changes.displacement, size=images.shape[2:], mode="bicubic", align_corners=True)
    places = places + bent.movedim(1, -1)
    moved = F.grid_sample(images + 1, places, mode="bilinear", padding_mode="zeros", align_corners=False) - 1
    ids = F.grid_sample(
        labels[:, None].to(images.dtype), places, mode="nearest", padding_mode="zeros", align_corners=False
    )
    return moved, ids[:, 0].round().to(labels.dtype)


def _noisy(images: Tensor, changes: Changes) -> Tensor:
    if not bool(changes.noise.any()):
        return images
    generator = torch.Generator(device=images.device).manual_seed(changes.noise_seed)
    noise = torch.randn(images.shape, generator=generator, device=images.device)
    return images + noise * changes.noise[..., None, None] * images.std(dim=(2, 3), keepdim=True)


def _blurred(images: Tensor, deviation: Tensor) -> Tensor:
    if not bool(deviation.any()):
        return images
    n, channels = images.shape[:2]
    taps = torch.arange(-BLUR_RADIUS, BLUR_RADIUS + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (taps / deviation.clamp(min=1e-3).flatten()[:, None]) ** 2)
    kernel = kernel / kernel.sum(dim=1, keepdim=True)
    x = F.pad(images.reshape(1, n * channels, *images.shape[2:]), (BLUR_RADIUS,) * 4, mode="replicate")
    x = F.conv2d(x, kernel[:, None, :, None], groups=n * channels)
    x = F.conv2d(x, kernel[:, None, None, :], groups=n * channels).reshape(images.shape)
    return torch.where((deviation > 0)[..., None, None], x, images)


def _contrasted(images: Tensor, factor: Tensor) -> Tensor:
    mean, low, high = images.mean(dim=(2, 3), keepdim=True), *_range(images)
    return torch.minimum(torch.maximum((images - mean) * factor[..., None, None] + mean, low), high)


def _coarsened(images: Tensor, share: Tensor) -> Tensor:
    if bool((share == 1).all()):
        return images
    images = images.clone()
    for i, c in (share < 1).nonzero().tolist():
        height, width = (max(1, round(side * float(share[i, c]))) for side in images.shape[2:])
        coarse = F.interpolate(images[i : i + 1, c : c + 1], size=(height, width), mode="nearest-exact")
        images[i, c] = F.interpolate(coarse, size=images.shape[2:], mode="bicubic", align_corners=False)[0, 0]
    return images


def _gamma_changed(images: Tensor, changes: Changes) -> Tensor:
    """Mean and deviation stay as they were."""
    chosen = (changes.gamma != 1)[..., None, None]
    if not bool(chosen.any()):
        return images
    sign = torch.where(changes.inverted, -1.0, 1.0)[..., None, None]
    x = images * sign
    low, high = _range(x)
    span = (high - low).clamp(min=1e-6)
    bent = ((x - low) / span).clamp(0, 1) ** changes.gamma[..., None, None] * span + low
    deviation = bent.std(dim=(2, 3), keepdim=True).clamp(min=1e-6)
    bent = (bent - bent.mean(dim=(2, 3), keepdim=True)) / deviation
    bent = bent * x.std(dim=(2, 3), keepdim=True) + x.mean(dim=(2, 3), keepdim=True)
    return torch.where(chosen, bent * sign, images)


def _range(images: Tensor) -> tuple[Tensor, Tensor]:
    return images.amin(dim=(2, 3), keepdim=True), images.amax(dim=(2, 3), keepdim=True)
