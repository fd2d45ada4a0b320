"""Putting a slice of any shape onto the square training grid, and taking it off again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from segmint.data.formats.format import AnyArray

BACKGROUND = np.float32(-1.0)
KEPT_AREA, LEAST_SHARE = 0.9, 0.25
ScalarT = TypeVar("ScalarT", bound=np.generic)


@dataclass(frozen=True)
class Placement:
    """Scales slices by one factor, centres them and pads them to a square.

    One factor for a whole dataset, at most 1, so that anatomy keeps its relative size and nothing is enlarged.

    Args:
        size: Side of the square in pixels.
        scale: Target pixels per source pixel, in (0, 1].
    """

    size: int
    scale: float

    def inner_shape(self, original_shape: tuple[int, int]) -> tuple[int, int]:
        """Shape of a slice after scaling, before padding."""
        height, width = (min(self.size, max(1, round(side * self.scale))) for side in original_shape)
        return height, width

    def largest_part(self, original_shape: tuple[int, int]) -> tuple[int, int]:
        """Shape of the largest part of a slice that the square holds at this scale, in source pixels."""
        most = max(1, round(self.size / self.scale))
        return min(original_shape[0], most), min(original_shape[1], most)

    def padding(self, original_shape: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """((top, bottom), (left, right)) in target pixels."""
        height, width = self.inner_shape(original_shape)
        top, left = (self.size - height) // 2, (self.size - width) // 2
        return (top, self.size - height - top), (left, self.size - width - left)

    def place_image(
        self, plane: NDArray[np.float32], *, original_shape: tuple[int, int] | None = None
    ) -> NDArray[np.float32]:
        """[h, w] in [-1, 1] -> [size, size], anti-aliased, padded with -1.

        The triangle filter, widened to the target pixel, neither rings nor leaves the range of its input.

        Args:
            original_shape: of the slice on its own grid, where `plane` is what it was enlarged from.
        """
        shape = original_shape or (plane.shape[0], plane.shape[1])
        return self._padded(resampled(plane, self.inner_shape(shape)), shape, BACKGROUND)

    def place_label(
        self, plane: NDArray[np.uint8], *, original_shape: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        """[h, w] ids -> [size, size], padded with 0.

        Each target pixel takes the label with the largest share under the same filter that images go through, so image
        and labels stay aligned to a fraction of a pixel (picking the nearest pixel would shift labels by half a source
        pixel at even factors) and no id is invented. Ties go to the lower id. A label that loses more than a tenth of its
        area that way, as vessels thinner than a target pixel do, gets it back from the background, where its share is
        largest.

        Args:
            original_shape: as in `place_image`.
        """
        shape = original_shape or (plane.shape[0], plane.shape[1])
        inner = self.inner_shape(shape)
        if inner == plane.shape:
            return self._padded(plane, shape, np.uint8(0))
        ids = np.unique(plane)
        if len(ids) == 1:
            return self._padded(np.full(inner, ids[0], dtype=np.uint8), shape, np.uint8(0))
        shares = np.stack([resampled((plane == one).astype(np.float32), inner) for one in ids])
        return self._padded(ids[_keep_areas(shares, ids)], shape, np.uint8(0))

    def undo(self, array: AnyArray, original_shape: tuple[int, int], *, order: int) -> AnyArray:
        """[..., size, size] -> [..., h, w] on the source's grid: padding cut off, scale undone.

        Args:
            array: Labels, images or probabilities.
            original_shape: (h, w) of the slice on its own grid.
            order: 0 takes the nearest value (labels; any type), 1 interpolates (images, probabilities; float32).
        """
        if order not in (0, 1):
            raise ValueError(f"order is 0 or 1, not {order}")
        if array.shape[-2:] != (self.size, self.size):
            raise ValueError(f"an array on a grid of {self.size} x {self.size} was expected, not {array.shape}")
        height, width = self.inner_shape(original_shape)
        (top, _), (left, _) = self.padding(original_shape)
        inner = array[..., top : top + height, left : left + width]
        if (height, width) == tuple(original_shape):
            return np.ascontiguousarray(inner)
        if order == 0:
            rows = nearest(original_shape[0], height)
            columns = nearest(original_shape[1], width)
            return np.ascontiguousarray(inner[..., rows[:, None], columns[None, :]])
        planes = np.ascontiguousarray(inner, dtype=np.float32).reshape(-1, height, width)
        restored = [resampled(plane, original_shape) for plane in planes]
        return np.stack(restored).reshape(*array.shape[:-2], *original_shape)

    def _padded(self, plane: NDArray[ScalarT], original_shape: tuple[int, int], value: ScalarT) -> NDArray[ScalarT]:
        return np.pad(plane, self.padding(original_shape), constant_values=value)


def _keep_areas(shares: NDArray[np.float32], ids: NDArray[np.uint8]) -> NDArray[np.int64]:
    """[K, h, w] shares of the labels `ids` -> [h, w] position in `ids`; see `Placement.place_label`."""
    chosen: NDArray[np.int64] = shares.argmax(axis=0)
    if ids[0] != 0:
        return chosen
    for number in range(1, len(ids)):
        missing = round(float(shares[number].sum())) - int((chosen == number).sum())
        if missing <= (1 - KEPT_AREA) * shares[number].sum():
            continue
        # Background pixels only, best first; below the least share a label would spread to where it hardly is.
        offered = np.where((chosen == 0) & (shares[number] >= LEAST_SHARE), shares[number], 0).ravel()
        best = np.argsort(-offered, kind="stable")[:missing]
        chosen.ravel()[best[offered[best] > 0]] = number
    return chosen


def centre(plane: NDArray[ScalarT], shape: tuple[int, int]) -> NDArray[ScalarT]:
    """The part of that shape in the middle of [h, w]."""
    top, left = ((whole - kept) // 2 for whole, kept in zip(plane.shape, shape, strict=True))
    return plane[top : top + shape[0], left : left + shape[1]]


def resampled(plane: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """[h, w] on a grid of `shape`, by the triangle filter, widened where the plane is made smaller."""
    if plane.shape == shape:
        return plane
    picture = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    return np.asarray(picture.resize((shape[1], shape[0]), Image.Resampling.BILINEAR), dtype=np.float32)


def nearest(target: int, source: int) -> NDArray[np.int64]:
    """For each of `target` pixels the index of the pixel among `source` that holds its centre."""
    return np.minimum(((np.arange(target) + 0.5) * source / target).astype(np.int64), source - 1)
