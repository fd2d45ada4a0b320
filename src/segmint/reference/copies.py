"""The training image that each image could be a copy of, moved, turned, mirrored, deformed or recoloured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmint.reference.images import Images, blocks
from segmint.reference.registration import (
    best_shifts,
    deform,
    fit,
    inside,
    local_correlation,
    places_of,
    similarity_map,
    taken,
)
from segmint.reference.spectra import GRID, SpectrumIndex, resized

NAME, DIRECTION, RANGE = "aligned_similarity", "as held-out", (-1.0, 1.0)

# Training images whose spectra are looked at first, those kept after a shift, of which half at most are of one subject, and four
# times as many that are shifted; the finest grid of the deformation.
SPECTRA, ALIGNED, FINEST = 48, 4, 64
_SHIFTED = 4
_BLOCK, _LEAST = 64, 1e-3
# Contents below this, of a range of values that spans 2, are alike.
_FAINT = 0.01


@dataclass(frozen=True)
class Copies:
    """For each of n images the position of the training image most like it, [n] in the order they were given.

    Attributes:
        similarity: [n] `local_correlation` once aligned, -1 to 1; 1 is a copy.
        other: [n] the highest with an image of another training subject, of those that were aligned; 0 where there is none.
        content: [n] standard deviation of the image's own pixels, mean over channels.
    """

    positions: NDArray[np.int64]
    similarity: NDArray[np.float64]
    other: NDArray[np.float64]
    content: NDArray[np.float64]

    def at(self, which: NDArray[np.bool_]) -> Copies:
        """Of some of the images [n]."""
        return Copies(self.positions[which], self.similarity[which], self.other[which], self.content[which])

    @property
    def evidence(self) -> NDArray[np.float64]:
        """[n, 2] how near the image is, and how near to one subject alone: -log d and log(other * sqrt(content) / d ** 2).

        d is 1 - similarity, other the same of the nearest of another subject. A copy is near, and much nearer than any other
        subject's image [the ratio to the second nearest: Lowe 2004, IJCV 60(2), section 7.1]; images with little in them come
        near to many by chance, or to one. Neither alone tells as well as their product. Where a training image has a twin under
        another subject's name, the first tells.
        """
        own, other = (np.maximum(1 - one, _LEAST) for one in (self.similarity, self.other))
        near, apart = -np.log(own), np.log(other / own)
        return np.stack([near, near + apart + np.log(np.maximum(self.content, _FAINT)) / 2], axis=1)


@dataclass(frozen=True)
class _Start:
    """Of each of n images the k training images to align it with [n, k], its symmetry for each, affine maps [n, k, 2, 3]."""

    positions: Tensor
    turned: Tensor
    mirrored: Tensor
    half: Tensor
    maps: Tensor


@dataclass(frozen=True)
class _Found:
    """Of each of a block of images: position, similarities, content, and itself on the grid of the training image [n, C, s, s]."""

    positions: Tensor
    similarity: Tensor
    other: Tensor
    content: Tensor
    aligned: Tensor


class CopySearch:
    """Training images made ready for a search; they are kept in memory at 32 pixels a side.

    The training images with the most similar spectra are shifted onto the query by cross-correlation; the few that then fit
    best are deformed onto it and compared in detail.

    Args:
        images: [N, C, S, S] in [-1, 1], read block by block; indices: which of them, [n].
        subjects: [n] the subject of each, 0, 1, and so on.
        aligned: how many are deformed onto each query, an even number; fewer take less time, and find less in images of which
            many are alike.
    """

    def __init__(
        self, images: Images, indices: NDArray[np.int64], subjects: NDArray[np.int64], *, aligned: int = ALIGNED
    ) -> None:
        self._images, self._indices, self._subjects = images, indices, torch.from_numpy(subjects)
        self._aligned = aligned
        self._side = min(images.shape[-1], FINEST)
        self._coarse = torch.cat(
            [resized(resized(block, self._side), GRID) for block in blocks(images, indices, size=_BLOCK)]
        )
        self._index = SpectrumIndex(self._coarse)

    def nearest(self, images: Images, indices: NDArray[np.int64]) -> Copies:
        """Search for each of some of `images` [M, C, S, S], read block by block."""
        found = [self._search(block) for block in blocks(images, indices, size=_BLOCK)]
        return Copies(
            torch.cat([one.positions for one in found]).numpy(),
            torch.cat([one.similarity for one in found]).numpy().astype(np.float64),
            torch.cat([one.other for one in found]).numpy().astype(np.float64),
            torch.cat([one.content for one in found]).numpy().astype(np.float64),
        )

    def aligned(self, images: Images, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """[n, C, s, s] the same images, each on the grid of the training image that `nearest` finds for it."""
        return torch.cat([self._search(block).aligned for block in blocks(images, indices, size=_BLOCK)]).numpy()

    @torch.no_grad()
    def _search(self, images: Tensor) -> _Found:
        fine = resized(images, self._side)
        start = self._shifted(resized(fine, GRID))
        count, among = start.positions.shape
        positions, turned, mirrored, half, maps = (
            one.flatten(0, 1) for one in (start.positions, start.turned, start.mirrored, start.half, start.maps)
        )
        moving = symmetric(fine.repeat_interleave(among, dim=0), turned, mirrored, half)
        wanted = self._indices[positions.numpy()]
        fixed = torch.cat([resized(block, self._side) for block in blocks(self._images, wanted, size=_BLOCK)])
        places = deform(fit(maps, resized(moving, GRID), self._coarse[positions]), moving, fixed)
        aligned = taken(moving, places)
        similarity = local_correlation(aligned, fixed, inside(places)).reshape(count, among)
        subjects = self._subjects[start.positions]
        nearest = similarity.argmax(dim=1, keepdim=True)
        other = similarity.masked_fill(subjects == subjects.gather(1, nearest), 0.0).amax(dim=1)
        best = nearest[:, 0] + torch.arange(count) * among
        content = images.std(dim=(-2, -1), correction=0).mean(dim=1)
        return _Found(positions[best], similarity.flatten()[best], other, content, aligned[best])

    def _shifted(self, coarse: Tensor) -> _Start:
        """The training images that fit queries [n, C, GRID, GRID] best once these are shifted."""
        likely = self._index.candidates(coarse, SPECTRA)
        kept = _first(self._subjects[likely.positions], _SHIFTED * self._aligned, of_one=self._aligned)
        count, among = kept.shape
        positions, scales, angles, turned, mirrored = (
            one.gather(1, kept)
            for one in (likely.positions, likely.scales, likely.angles, likely.turned, likely.mirrored)
        )
        # Here symmetries come before angles, which a reflection reverses.
        angles = torch.where(turned ^ mirrored, -angles, angles)
        moving = symmetric(coarse.repeat_interleave(among, dim=0), turned.flatten(), mirrored.flatten())
        upright_map = similarity_map(scales.flatten(), angles.flatten(), torch.zeros(count * among, 2))
        moving, fixed = taken(moving, places_of(upright_map, GRID)), self._coarse[positions.flatten()]
        # A half turn leaves the spectrum as it is, so both ways up are tried.
        upright, reversed_ = best_shifts(moving, fixed), best_shifts(moving.flip((-2, -1)), fixed)
        half = reversed_[1] > upright[1]
        shifts = torch.where(half[:, None], reversed_[0], upright[0]) / GRID
        order = torch.maximum(upright[1], reversed_[1]).reshape(count, among).argsort(dim=1, descending=True)
        subjects = self._subjects[positions]
        kept = order.gather(1, _first(subjects.gather(1, order), self._aligned, of_one=self._aligned // 2))
        maps = similarity_map(scales.flatten(), angles.flatten(), shifts).reshape(count, among, 2, 3)
        return _Start(
            positions.gather(1, kept),
            turned.gather(1, kept),
            mirrored.gather(1, kept),
            half.reshape(count, among).gather(1, kept),
            maps[torch.arange(count)[:, None], kept],
        )


def _first(subjects: Tensor, count: int, *, of_one: int) -> Tensor:
    """[n, count] places of the first entries of [n, k], at most `of_one` of a subject as long as there are others."""
    same = subjects[:, :, None] == subjects[:, None, :]
    before = torch.ones(same.shape[1:], dtype=torch.bool).tril(-1)
    surplus = (same & before).sum(dim=2) >= of_one
    return surplus.long().sort(dim=1, stable=True).indices[:, :count]


def symmetric(images: Tensor, turned: Tensor, mirrored: Tensor, half: Tensor | None = None) -> Tensor:
    """Images [n, C, S, S], each with rows and columns swapped, then mirrored left to right, then turned by 180 degrees."""
    shown = torch.where(turned[:, None, None, None], images.transpose(-2, -1), images)
    shown = torch.where(mirrored[:, None, None, None], shown.flip(-1), shown)
    return shown if half is None else torch.where(half[:, None, None, None], shown.flip((-2, -1)), shown)
