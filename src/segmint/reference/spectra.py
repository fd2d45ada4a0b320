"""Amplitude spectra of images: they stay as they are when an image is moved, and turn and mirror with it.

Of all training images those whose spectrum is most like a query's, at a few magnifications, angles and symmetries, are the
ones worth aligning: a few thousand comparisons take milliseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

from segmint.reference.whitening import Whitening

# Side at which images are compared; cycles kept either way over twice that side.
GRID, CYCLES = 32, 14
SCALES = (0.84, 0.89, 0.945, 1.0, 1.06, 1.125, 1.19)
# Degrees, with quarter turns, mirroring and half turns all round; and the magnifications tried where an image is tilted.
ANGLES, TILTED_SCALES = (-33.75, -22.5, -11.25, 11.25, 22.5, 33.75, 45.0), SCALES[1:-1]
_BLOCK, _FITTED_ON = 128, 1500


@dataclass(frozen=True)
class Candidates:
    """For each of n queries the k training images with the most similar spectra.

    Attributes:
        positions: [n, k] in the training images, the most similar first.
        scales: [n, k] magnification of the query that fits; angles: [n, k] degrees by which it is turned clockwise;
        turned: [n, k] bool, whether rows and columns are swapped after that; mirrored: [n, k] bool, whether it is mirrored
        after that. Half turns do not change a spectrum.
    """

    positions: Tensor
    scales: Tensor
    angles: Tensor
    turned: Tensor
    mirrored: Tensor


def above_border(images: Tensor) -> Tensor:
    """Images [n, C, S, S] less the median of their outermost pixels, so that what surrounds them is 0."""
    edges = torch.cat([images[..., 0, :], images[..., -1, :], images[..., 0], images[..., -1]], dim=-1)
    return images - edges.median(dim=-1).values[..., None, None]


def magnified(images: Tensor, scale: float, angle: float = 0.0) -> Tensor:
    """Images [n, C, S, S] magnified and turned clockwise (degrees) about their centre; what comes from outside repeats the edge."""
    if scale == 1 and not angle:
        return images
    along, across = math.cos(math.radians(angle)) / scale, math.sin(math.radians(angle)) / scale
    theta = torch.tensor([[along, across, 0.0], [-across, along, 0.0]]).expand(len(images), -1, -1)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def resized(images: Tensor, side: int) -> Tensor:
    """Images [n, C, S, S] on `side` x `side` pixels, smoothed where that is fewer."""
    if images.shape[-1] == side:
        return images
    return F.interpolate(images, size=(side, side), mode="bilinear", antialias=True, align_corners=False)


class SpectrumIndex:
    """The spectra of training images, whitened by their principal components.

    Args:
        images: [N, C, GRID, GRID] in [-1, 1].
    """

    def __init__(self, images: Tensor) -> None:
        some = images[:: -(-len(images) // _FITTED_ON)]
        self._whitening = Whitening(_flat(_spectra(some)))
        blocks = (images[start : start + _BLOCK] for start in range(0, len(images), _BLOCK))
        self._known = torch.cat([self._whitening(_flat(_spectra(block))) for block in blocks])

    def candidates(self, queries: Tensor, count: int) -> Candidates:
        """The `count` training images (or all, where there are fewer) most like each query [n, C, GRID, GRID]."""
        placed = [*product(SCALES, (0.0,)), *product(TILTED_SCALES, ANGLES)]
        variants = [(*place, turn, mirror) for place in placed for turn in (False, True) for mirror in (False, True)]
        best = torch.full((len(queries), len(self._known)), torch.inf)
        which = torch.zeros(best.shape, dtype=torch.int64)
        for number, (scale, angle, turn, mirror) in enumerate(variants):
            if not (turn or mirror):
                spectra = _spectra(magnified(queries, scale, angle))
            shown = _symmetric(spectra, turn=turn, mirror=mirror)
            distance = torch.cdist(self._whitening(_flat(shown)), self._known)
            which = torch.where(distance < best, number, which)
            best = torch.minimum(distance, best)
        _, positions = best.topk(min(count, len(self._known)), dim=1, largest=False)
        chosen = which.gather(1, positions)
        scales, angles, turned, mirrored = (torch.tensor(column)[chosen] for column in zip(*variants, strict=True))
        return Candidates(positions, scales, angles, turned, mirrored)


def _spectra(images: Tensor) -> Tensor:
    """[n, C, 2 CYCLES + 1, 2 CYCLES + 1] roots of the amplitudes, frequency 0 in the middle."""
    centred = above_border(images)
    centred = centred / (centred.square().mean(dim=(-2, -1), keepdim=True).sqrt() + 1e-3)
    side = 2 * images.shape[-1]
    amplitudes: Tensor = torch.fft.fftshift(torch.fft.fft2(centred, s=(side, side)).abs().sqrt(), dim=(-2, -1))
    low, high = side // 2 - CYCLES, side // 2 + CYCLES + 1
    return amplitudes[..., low:high, low:high]


def _symmetric(spectra: Tensor, *, turn: bool, mirror: bool) -> Tensor:
    shown = spectra.transpose(-2, -1) if turn else spectra
    return shown.flip(-1) if mirror else shown


def _flat(spectra: Tensor) -> Tensor:
    """The half plane that tells all: the other is its mirror image through frequency 0."""
    return spectra[..., CYCLES:, :].flatten(1)
