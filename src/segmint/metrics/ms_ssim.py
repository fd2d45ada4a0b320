"""Multi-scale structural similarity of two images [Wang, Simoncelli and Bovik 2003], with the constants of [Wang 2004].

Among random pairs of fakes it shows how varied they are: as similar as pairs of real images are to one another, or more so
[Odena 2017, section 4.2].
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

NAME, DIRECTION, RANGE = "ms_ssim", "as real", (0.0, 1.0)

# Of five scales, finest first [Wang 2003, section 3.2]; small images have fewer, whose weights are brought to a sum of 1.
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
WINDOW = 11
_SPREAD, _LUMINANCE, _CONTRAST = 1.5, 0.01, 0.03
# Values lie in [-1, 1].
_SPAN = 2.0


def scales(side: int) -> int:
    """At how many scales images of a side can be compared: at the coarsest the window of 11 pixels must fit; 0 below that."""
    return sum(side // 2**scale >= WINDOW for scale in range(len(_WEIGHTS)))


def ms_ssim(first: Tensor, second: Tensor) -> Tensor:
    """Similarity [n] of images [n, C, S, S] in [-1, 1] with others, mean over channels; 1 is equal.

    Raises:
        ValueError: the shapes differ, or the images are smaller than 11 pixels.
    """
    if first.shape != second.shape or first.ndim != 4:
        raise ValueError(f"images of one shape [n, C, S, S] were expected, not {first.shape} and {second.shape}")
    levels = scales(min(first.shape[-2:]))
    if not levels:
        raise ValueError(f"images of at least {WINDOW} pixels were expected, not of {min(first.shape[-2:])}")
    weights = torch.tensor(_WEIGHTS[:levels], dtype=first.dtype)
    weights = weights / weights.sum()
    ours, theirs, similarity = first, second, torch.ones(first.shape[:2], dtype=first.dtype)
    for level, weight in enumerate(weights):
        if level:
            ours, theirs = (F.avg_pool2d(one, 2) for one in (ours, theirs))
        luminance, structure = _compared(ours, theirs)
        maps = luminance * structure if level == levels - 1 else structure
        # What is negatively correlated counts as wholly dissimilar: a fractional power of it is not real.
        similarity = similarity * maps.mean(dim=(-2, -1)).clamp_min(0) ** weight
    return similarity.mean(dim=1)


def _compared(ours: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor]:
    """Maps of luminance, and of contrast and structure, [n, C, S - 10, S - 10]."""
    stack = torch.stack([ours, theirs, ours * ours, theirs * theirs, ours * theirs])
    mean, other, squares, others, products = _band(ours.shape[-2], ours) @ stack @ _band(ours.shape[-1], ours).T
    variance, their_variance = squares - mean.square(), others - other.square()
    covariance = products - mean * other
    small, smaller = (_CONTRAST * _SPAN) ** 2, (_LUMINANCE * _SPAN) ** 2
    luminance = (2 * mean * other + smaller) / (mean.square() + other.square() + smaller)
    return luminance, (2 * covariance + small) / (variance + their_variance + small)


def _band(side: int, like: Tensor) -> Tensor:
    """[side - 10, side] Gaussian means of 11 neighbours, faster as matrix products than as a convolution."""
    offsets = torch.arange(WINDOW, dtype=like.dtype) - WINDOW // 2
    window = torch.exp(-offsets.square() / (2 * _SPREAD**2))
    rows = torch.arange(side - WINDOW + 1)[:, None]
    return torch.zeros(len(rows), side, dtype=like.dtype).scatter_(
        1, rows + torch.arange(WINDOW), (window / window.sum()).expand(len(rows), -1)
    )
