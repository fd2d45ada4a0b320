"""Sliced Wasserstein distance between sets of images over patches of a Laplacian pyramid [Karras 2018, section 5]."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

# Deviation up to which a channel counts as constant.
_CONSTANT = 1e-6
NAME, DIRECTION, RANGE = "sliced_wasserstein", "lower", (0.0, float("inf"))


def _laplacian_pyramid(x: Tensor, smallest: int) -> list[Tensor]:
    """Band-pass levels from fine to coarse; the last is the low-pass rest."""
    levels = []
    while x.shape[-1] // 2 >= smallest:
        low = F.avg_pool2d(x, 2)
        levels.append(x - F.interpolate(low, size=x.shape[-2:], mode="bilinear", align_corners=False))
        x = low
    return [*levels, x]


def _descriptors(level: Tensor, patch: int, places: Tensor) -> Tensor:
    """Patches [N * places, channels * patch * patch] cut at `places` [P, 2] (row, column) of every image."""
    cut = [level[:, :, r : r + patch, c : c + patch] for r, c in places.tolist()]
    return torch.stack(cut, dim=1).flatten(0, 1).flatten(1)


def sliced_wasserstein(
    reals: Tensor,
    fakes: Tensor,
    *,
    generator: torch.Generator,
    patch: int = 7,
    places: int = 32,
    projections: int = 128,
    smallest: int = 16,
) -> float:
    """Distance between two sets [N, channels, S, S] of equal N, in standard deviations of the reals; lower is better.

    Label maps given as further channels make it a distance between joint distributions of image and mask. Each level's
    patches are normalised per channel by the reals' mean and deviation, projected on random directions, and sorted; the
    result is the mean absolute difference over levels and directions. A channel that is constant in the reals, such as the map
    of a label that none of them happens to hold, has no unit and is left out.

    Raises:
        ValueError: the sets differ in shape.
    """
    if reals.shape != fakes.shape:
        raise ValueError(f"sets of equal shape are needed, not {tuple(reals.shape)} and {tuple(fakes.shape)}")
    distances = []
    pyramids = (_laplacian_pyramid(x.float(), min(smallest, x.shape[-1])) for x in (reals, fakes))
    for real, fake in zip(*pyramids, strict=True):
        side = min(patch, real.shape[-1])
        highest = real.shape[-1] - side + 1
        corners = torch.randint(highest, (places, 2), generator=generator, device=generator.device)
        varying = real.std(dim=(0, 2, 3)) > _CONSTANT
        if varying.any():
            real, fake = real[:, varying], fake[:, varying]
        mean, deviation = real.mean(dim=(0, 2, 3), keepdim=True), real.std(dim=(0, 2, 3), keepdim=True) + 1e-3
        a, b = (_descriptors((x - mean) / deviation, side, corners) for x in (real, fake))
        directions = torch.randn(a.shape[1], projections, generator=generator, device=generator.device).to(a.device)
        directions = directions / directions.norm(dim=0)
        distances.append(((a @ directions).sort(dim=0).values - (b @ directions).sort(dim=0).values).abs().mean())
    return float(torch.stack(distances).mean())
