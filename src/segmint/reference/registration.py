"""Aligning pairs of images: a shift, an affine map, a smooth deformation; and how alike they are once aligned.

All for n pairs at a time. Places are columns and rows from -1 to 1 between the outer edges of an image, as `grid_sample`
takes them; an alignment tells for each pixel of a fixed image where it comes from in a moving one.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from segmint.reference.spectra import above_border, resized

# Iterations of the affine fit; grids of the deformation, as parts of the side, with the iterations on each.
FITTED, LEVELS = 8, ((2, 10), (1, 3))
# Widths of the Gaussians over the displacement, of the windows that are compared, and of the finest detail in them, as parts of
# the side. What is finer is lost in a copy that was resampled or is noisy.
SMOOTHNESS, WINDOW, DETAIL = 1 / 16, 1 / 24, 1 / 64
_LARGEST_SHIFT = 0.4
# Variance in a window that counts as none.
_NOTHING = 1e-5


def best_shifts(moving: Tensor, fixed: Tensor) -> tuple[Tensor, Tensor]:
    """Shift of each of n images that makes it most like another, by cross-correlation of what is above the border.

    Args:
        moving, fixed: [n, C, S, S].

    Returns:
        [n, 2] pixels down and to the right, whole numbers; [n] their correlation there, -1 to 1.
    """
    side = fixed.shape[-1]
    padded, reach = (2 * side, 2 * side), int(_LARGEST_SHIFT * side)
    ours, theirs = (above_border(one) for one in (moving, fixed))
    product = torch.fft.rfft2(theirs, s=padded) * torch.fft.rfft2(ours, s=padded).conj()
    surface = torch.fft.fftshift(torch.fft.irfft2(product.sum(dim=1), s=padded), dim=(-2, -1))
    near = slice(side - reach, side + reach + 1)
    peak, where = surface[:, near, near].flatten(1).max(dim=1)
    shifts = torch.stack([where // (2 * reach + 1), where % (2 * reach + 1)], dim=1) - reach
    norm = ours.flatten(1).norm(dim=1) * theirs.flatten(1).norm(dim=1)
    return shifts.float(), peak / (norm + 1e-6)


def similarity_map(scales: Tensor, angles: Tensor, shifts: Tensor) -> Tensor:
    """[n, 2, 3] affine maps of places: a moving image is magnified and turned about its centre, then moved.

    Args:
        scales: [n] magnifications; angles: [n] degrees clockwise; shifts: [n, 2] shares of the side, down and to the right.
    """
    along, across = torch.cos(angles.deg2rad()) / scales, torch.sin(angles.deg2rad()) / scales
    turn = torch.stack([along, across, -across, along], dim=1).reshape(-1, 2, 2)
    return torch.cat([turn, turn @ (-2 * shifts.flip(1)[:, :, None])], dim=2)


def places_of(maps: Tensor, side: int) -> Tensor:
    """[n, side, side, 2] where the pixels come from by affine maps [n, 2, 3]."""
    return F.affine_grid(maps, [len(maps), 1, side, side], align_corners=False)


def taken(moving: Tensor, places: Tensor) -> Tensor:
    """The moving images [n, C, S, S] on the grid of the fixed ones; what lies outside repeats the edge."""
    return F.grid_sample(moving, places, padding_mode="border", align_corners=False)


def fit(maps: Tensor, moving: Tensor, fixed: Tensor) -> Tensor:
    """Affine maps [n, 2, 3] that bring moving images [n, C, S, S] nearer to fixed ones, by least squares of intensities.

    Gauss-Newton with the mean of both images' slopes [Lucas and Kanade 1981, IJCAI; Benhimane and Malis 2004, IROS]. It takes
    up what a magnification between two of those tried has left.
    """
    side = fixed.shape[-1]
    target, source = (smoothed(one, 1.0) for one in (fixed, moving))
    line = (2 * torch.arange(side) + 1) / side - 1
    rows, columns = torch.meshgrid(line, line, indexing="ij")
    basis = torch.stack([columns, rows, torch.ones_like(rows)])
    for _ in range(FITTED):
        places = places_of(maps, side)
        rest, slopes = _compared(source, target, places)
        rest = rest.flatten(2)
        design = (slopes[:, :, :, None] * basis).flatten(4).flatten(2, 3).flatten(3)
        normal = torch.einsum("ncip,ncjp->nij", design, design)
        ridge = 1e-3 * normal.diagonal(dim1=1, dim2=2).mean(dim=1) + 1e-6
        towards = torch.einsum("ncip,ncp->ni", design, rest)
        step = torch.linalg.solve(normal + ridge[:, None, None] * torch.eye(6), towards)
        # At most two pixels at a time: slopes tell no further.
        maps = maps + step.clamp(-2, 2).reshape(-1, 2, 3) * (2 / side)
    return maps


def deform(maps: Tensor, moving: Tensor, fixed: Tensor) -> Tensor:
    """Places [n, S, S, 2] by affine maps and a smooth displacement that brings moving images nearer to fixed ones.

    Symmetric demons with a Gaussian over the displacement [Thirion 1998, Medical Image Analysis 2(3); Vercauteren 2009,
    NeuroImage 45(1)], all channels together, on a coarse grid first. It is too smooth to turn one subject into another, and
    takes up a mild elastic deformation.
    """
    side = fixed.shape[-1]
    displacement = torch.zeros(len(fixed), 2, 1, 1)
    for divisor, iterations in LEVELS:
        grid = -(-side // divisor)
        target, source = (smoothed(resized(one, grid), 1.0) for one in (fixed, moving))
        start = places_of(maps, grid)
        displacement = F.interpolate(displacement, size=(grid, grid), mode="bilinear", align_corners=False)
        for _ in range(iterations):
            rest, slopes = _compared(source, target, start + displacement.permute(0, 2, 3, 1))
            force = (rest[:, :, None] * slopes).sum(dim=1)
            weight = (slopes.square().sum(dim=2) + rest.square()).sum(dim=1, keepdim=True)
            displacement = smoothed(displacement + 2 / grid * force / (weight + 1e-3), SMOOTHNESS * grid)
    finest = F.interpolate(displacement, size=(side, side), mode="bilinear", align_corners=False)
    return places_of(maps, side) + finest.permute(0, 2, 3, 1)


def inside(places: Tensor) -> Tensor:
    """[n, 1, S, S], 1 where a pixel comes from inside the moving image."""
    return (places.abs().amax(dim=-1) <= 1).float()[:, None]


def local_correlation(moved: Tensor, fixed: Tensor, seen: Tensor) -> Tensor:
    """How alike n aligned pairs are in detail, -1 to 1: what varies within small windows, correlated.

    sum cov(a, b) / sum sd(a) sd(b) over Gaussian windows and channels. A window's mean and contrast do not count, so that
    brightness and contrast may differ from place to place; flat windows weigh nothing, so that noise in them costs little.

    Args:
        moved, fixed: [n, C, S, S]; seen: [n, 1, S, S], 0 where nothing is known.
    """
    width = WINDOW * fixed.shape[-1]
    # Centred first: a variance is a small difference of large numbers otherwise.
    moved, fixed = (
        smoothed(one - one.mean(dim=(-2, -1), keepdim=True), DETAIL * fixed.shape[-1]) for one in (moved, fixed)
    )
    weight = smoothed(seen, width).clamp_min(1e-3)

    def mean(values: Tensor) -> Tensor:
        return smoothed(values * seen, width) / weight

    ours, theirs = mean(moved), mean(fixed)
    together = mean(moved * fixed) - ours * theirs
    first, second = (mean(moved.square()) - ours.square()), (mean(fixed.square()) - theirs.square())
    spreads = (first.clamp_min(0) * second.clamp_min(0)).sqrt() + _NOTHING
    return (together * seen).sum(dim=(1, 2, 3)) / ((spreads * seen).sum(dim=(1, 2, 3)) + 1e-6)


def smoothed(images: Tensor, width: float) -> Tensor:
    """Images [n, C, S, S] under a Gaussian of `width` pixels; edges are repeated."""
    side = images.shape[-1]
    reach = max(1, math.ceil(2.5 * width))
    offsets = torch.arange(-reach, reach + 1)
    weights = torch.exp(-offsets.square() / (2 * width**2))
    # One product with a band matrix a side: far faster than a convolution of single channels.
    sources = (torch.arange(side)[:, None] + offsets).clamp(0, side - 1)
    band = torch.zeros(side, side).scatter_add_(1, sources, (weights / weights.sum()).expand(side, -1))
    return band @ images @ band.T


def _compared(source: Tensor, target: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """What is left between images [n, C, S, S] and the mean of their slopes [n, C, 2, S, S], 0 where nothing is known.

    Both are first brought to one mean and spread where they overlap: over whole images these hang on how much surrounds
    what is shown.
    """
    seen = inside(places)
    ours, theirs = (_standardised(one, seen) for one in (taken(source, places), target))
    return (theirs - ours) * seen, (_slopes(ours) + _slopes(theirs)) / 2 * seen[:, :, None]


def _standardised(images: Tensor, seen: Tensor) -> Tensor:
    count = seen.sum(dim=(-2, -1), keepdim=True).clamp_min(1)
    centred = images - (images * seen).sum(dim=(-2, -1), keepdim=True) / count
    spread = ((centred.square() * seen).sum(dim=(-2, -1), keepdim=True) / count).sqrt()
    return centred / (spread + 1e-3)


def _slopes(images: Tensor) -> Tensor:
    """[n, C, S, S] -> [n, C, 2, S, S] central differences along columns, then rows."""
    wide = F.pad(images, (1, 1, 1, 1), mode="replicate")
    across = (wide[..., 1:-1, 2:] - wide[..., 1:-1, :-2]) / 2
    down = (wide[..., 2:, 1:-1] - wide[..., :-2, 1:-1]) / 2
    return torch.stack([across, down], dim=2)
