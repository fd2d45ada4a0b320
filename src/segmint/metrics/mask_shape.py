"""The shape of a binary mask in a few numbers: area, pieces, holes, skeleton, compactness, and where it lies.

None of them is better high or low: drawn masks should have them as real masks do. The skeleton is that of [Zhang and
Suen 1984, Communications of the ACM 27(3)], one pixel wide and 8-connected.

Compactness is the solidity, area over the area of the convex hull. A ratio of area and perimeter is no good for masks: the
perimeter of few pixels hangs on how it is estimated, is 0 for one pixel, and makes small pieces more compact than a disc.
The hull of pixels as squares is exact, never empty, and gives 0 to 1 whatever the mask.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull
from skimage.morphology import skeletonize

DIRECTION = "as real"
RANGES = {
    "area_share": (0.0, 1.0),
    "components": (0.0, float("inf")),
    "holes": (0.0, float("inf")),
    "skeleton_length": (0.0, float("inf")),
    "branch_points": (0.0, float("inf")),
    "solidity": (0.0, 1.0),
    "centre_row": (0.0, 1.0),
    "centre_column": (0.0, 1.0),
}
POSITIONS = ("centre_row", "centre_column")
"""The measures that tell where a mask lies; the others tell its shape."""

_EIGHT = np.ones((3, 3), dtype=bool)
_ALL, _NOT_LAST, _NOT_FIRST = slice(None), slice(None, -1), slice(1, None)
# Every two pixels that touch: over a side, then over a corner.
_LINKS = (
    ((_ALL, _NOT_LAST), (_ALL, _NOT_FIRST)),
    ((_NOT_LAST, _ALL), (_NOT_FIRST, _ALL)),
    ((_NOT_LAST, _NOT_LAST), (_NOT_FIRST, _NOT_FIRST)),
    ((_NOT_LAST, _NOT_FIRST), (_NOT_FIRST, _NOT_LAST)),
)


@dataclass(frozen=True)
class MaskShape:
    """What `mask_shape` measures.

    Attributes:
        area_share: set pixels as a share of all, 0 to 1.
        components: pieces that hang together over sides or corners.
        holes: pieces of background that are shut in (over sides) by the mask.
        skeleton_length: length of the skeleton in pixels; a step over a side counts 1, over a corner the root of 2.
        branch_points: places where three or more arms of the skeleton meet.
        solidity: area as a share of that of the convex hulls of the pieces, 0 to 1; 1 where every piece is a rectangle. Pieces
            by themselves: how far they lie apart does not count.
        centre_row, centre_column: centre of mass as a share of the mask's height from the top and width from the left, 0 to 1.
            Solidity and centre of an empty mask are NaN.
    """

    area_share: float
    components: int
    holes: int
    skeleton_length: float
    branch_points: int
    solidity: float
    centre_row: float
    centre_column: float


MEASURES = tuple(field.name for field in fields(MaskShape))


def mask_shape(mask: ArrayLike) -> MaskShape:
    """Measure a binary mask [H, W].

    Raises:
        ValueError: it is not two-dimensional, or empty of pixels.
    """
    whole = np.asarray(mask, dtype=bool)
    if whole.ndim != 2 or not whole.size:
        raise ValueError(f"a mask [H, W] was expected, not one of shape {whole.shape}")
    if not whole.any():
        return MaskShape(0.0, 0, 0, 0.0, 0, *[float("nan")] * 3)
    rows, columns = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
    # A frame of background makes all that lies outside one piece.
    framed = np.pad(whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 1)
    degrees, length = _skeleton_graph(skeletonize(framed))
    pieces, count = ndimage.label(framed, structure=_EIGHT)
    row, column = ((np.nonzero(whole)[axis].mean() + 0.5) / side for axis, side in enumerate(whole.shape))
    return MaskShape(
        area_share=float(whole.mean()),
        components=int(count),
        holes=int(ndimage.label(~framed)[1]) - 1,
        skeleton_length=length,
        branch_points=int(ndimage.label(degrees >= 3, structure=_EIGHT)[1]),
        solidity=np.count_nonzero(framed) / _hull_area(pieces),
        centre_row=float(row),
        centre_column=float(column),
    )


def mask_shapes(masks: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """`mask_shape` of every mask of [n, H, W]: by measure, float64 [n]."""
    shapes = [asdict(mask_shape(mask)) for mask in np.asarray(masks, dtype=bool)]
    return {name: np.array([shape[name] for shape in shapes], dtype=np.float64) for name in MEASURES}


def _hull_area(pieces: NDArray[np.integer]) -> float:
    """Areas of the convex hulls of numbered pieces [H, W] together, in pixels; a pixel is a square."""
    total = 0.0
    for number, box in enumerate(ndimage.find_objects(pieces), start=1):
        piece = pieces[box] == number
        if piece.all():
            total += piece.size
            continue
        # The first and the last pixel of each row are enough.
        rows = np.arange(len(piece))
        first, last = piece.argmax(axis=1), piece.shape[1] - piece[:, ::-1].argmax(axis=1)
        corners = [np.stack([one, side], axis=1) for one in (rows, rows + 1) for side in (first, last)]
        total += float(ConvexHull(np.concatenate(corners)).volume)
    return total


def _skeleton_graph(skeleton: NDArray[np.bool_]) -> tuple[NDArray[np.int64], float]:
    """Neighbours of every skeleton pixel [H, W], 0 elsewhere, and the length of all links together.

    Two pixels that touch at a corner are neighbours only where no pixel over a side joins them: else every bend would
    count as a triangle, and every T as three branch points.
    """
    degrees, length = np.zeros(skeleton.shape, dtype=np.int64), 0.0
    for first, second in _LINKS:
        linked = skeleton[first] & skeleton[second]
        corner = first[0] != second[0] and first[1] != second[1]
        if corner:
            linked &= ~skeleton[first[0], second[1]] & ~skeleton[second[0], first[1]]
        degrees[first] += linked
        degrees[second] += linked
        length += np.count_nonzero(linked) * (float(np.sqrt(2)) if corner else 1.0)
    return degrees, length
