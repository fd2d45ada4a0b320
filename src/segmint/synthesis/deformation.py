"""Real label maps deformed into new ones: moved as a whole, bent, and one object moved inside what contains it.

What is drawn at random (`draw_deformation`) is kept apart from its application (`deform`), so that condition maps move
along with their label map. Ids are taken from the nearest pixel, never mixed. That breaks lines that are hardly wider
than a pixel, so masks are deformed on a finer grid (`deform_finely`) and made smaller again as real ones are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import skeletonize

from segmint.data.placement import Placement

# Pixels of the finer grid per pixel and direction, and the side above which maps are fine enough as they are.
_FINER, _FINE_SIDE = 4, 512
# A displacement whose gradient stays below 1 everywhere folds nothing over.
_STEEPEST = 0.8
# Cells either way of the lattice that bends; finer bends than that are not asked for.
_LATTICE = 32
# An object that does not fit where it was sent goes a part of the way.
_SHARES = (1.0, 0.75, 0.5, 0.25)
# Above this share of the border that is no background, the maps count as filling the frame.
_BORDER = 0.05
_EIGHT = np.ones((3, 3), dtype=bool)

Ids = NDArray[np.uint8]


@dataclass(frozen=True)
class Strength:
    """The largest of each change; 0 leaves a kind of change out.

    Args:
        rotation: of the whole, degrees either way.
        scale: of the whole, 0.1 for 10% smaller to 10% larger.
        shear: as the tangent of its angle.
        shift: of the whole, as a share of the side.
        bend: root-mean-square displacement of the elastic deformation, as a share of the side [Simard 2003].
        bend_scale: length over which it varies, as a share of the side.
        object_rotation: of one object of a label, degrees; object_scale, object_shift: as above, of the object.
    """

    rotation: float = 15.0
    scale: float = 0.1
    shear: float = 0.05
    shift: float = 0.05
    bend: float = 0.015
    bend_scale: float = 0.1
    object_rotation: float = 0.0
    object_scale: float = 0.0
    object_shift: float = 0.0


@dataclass(frozen=True)
class ObjectMove:
    """Where one object of a label goes.

    Args:
        label: id of the label.
        which: in [0, 1), picks one of its connected objects.
        rotation: radians; scale: factor; shift: (rows, columns) as shares of the longer side.
    """

    label: int
    which: float
    rotation: float
    scale: float
    shift: tuple[float, float]


@dataclass(frozen=True)
class Deformation:
    """One drawn deformation of maps [H, W] of one aspect, at any resolution; lengths are shares of the longer side.

    Attributes:
        matrix: [2, 2] takes a pixel's place (rows, columns from the centre) to where its id is read.
        shift: [2] rows and columns by which the whole is moved before.
        displacement: float32 [2, 32, 32] rows and columns added to that place, on a lattice over the map.
        moves: of objects, done before the rest.
    """

    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]
    displacement: NDArray[np.float32]
    moves: tuple[ObjectMove, ...] = ()


def draw_deformation(
    generator: np.random.Generator,
    *,
    shape: tuple[int, int],
    strength: Strength,
    labels: tuple[int, ...] = (),
) -> Deformation:
    """Draw a deformation, every change uniformly up to its largest.

    Args:
        shape: (H, W) of the maps, or another of the same aspect.
        labels: ids one object of which each is moved, where `strength` moves objects at all.
    """
    angle = np.radians(generator.uniform(-strength.rotation, strength.rotation))
    factor = np.exp(generator.uniform(-1, 1) * np.log1p(strength.scale))
    shear = generator.uniform(-strength.shear, strength.shear)
    shift = generator.uniform(-strength.shift, strength.shift, 2)
    forward = factor * _rotation(angle) @ np.array([[1.0, shear], [0.0, 1.0]])
    displacement = _bend(generator, shape, rms=strength.bend, scale=strength.bend_scale)
    moves = [
        ObjectMove(
            label=label,
            which=float(generator.uniform()),
            rotation=float(np.radians(generator.uniform(-strength.object_rotation, strength.object_rotation))),
            scale=float(np.exp(generator.uniform(-1, 1) * np.log1p(strength.object_scale))),
            shift=(
                float(generator.uniform(-strength.object_shift, strength.object_shift)),
                float(generator.uniform(-strength.object_shift, strength.object_shift)),
            ),
        )
        for label in labels
    ]
    still = not (strength.object_rotation or strength.object_scale or strength.object_shift)
    return Deformation(np.linalg.inv(forward), shift, displacement, () if still else tuple(moves))


def deform(ids: Ids, deformation: Deformation, *, conditions: Ids | None = None) -> tuple[Ids, Ids]:
    """Deform a label map and its condition maps alike.

    Objects are moved in the label map alone, and only as far as they stay inside what surrounds them and on the same
    condition ids as before: a lesion stays in its organ, and in the foreground. What comes in over the border is the
    mirror image of what is inside where the maps fill the frame, and else what the border itself holds.

    Args:
        ids: [H, W], 0 is background; conditions: [M, H, W] ids on the same grid.

    Returns:
        [H, W] and [M, H, W]; no id appears that was not there.

    Raises:
        ValueError: the maps are not on one grid.
    """
    maps = np.empty((0, *ids.shape), dtype=np.uint8) if conditions is None else conditions
    if ids.ndim != 2 or maps.shape[1:] != ids.shape:
        raise ValueError(f"a map [H, W] and condition maps on its grid were expected, not {ids.shape} and {maps.shape}")
    for move in deformation.moves:
        ids = move_object(ids, move, conditions=maps)
    rows, columns = _source(deformation, ids.shape, mirrored=_reaches_border(np.concatenate([ids[None], maps])))
    return ids[rows, columns], maps[:, rows, columns]


def deform_finely(ids: Ids, deformation: Deformation, *, conditions: Ids) -> tuple[Ids, Ids]:
    """`deform` on a grid four times as fine, so that lines a pixel wide keep together; square maps.

    On the way back each pixel takes the label with the largest share in it, and labels keep their area, as in
    `Placement.place_label`; background through which the skeleton of a label runs is given to it in exchange for
    pixels of smaller share beside the skeleton, so that what hung together still does. Maps of more than 512 pixels are
    deformed as they are.

    Args:
        ids: [S, S]; conditions: [M, S, S].
    """
    if len(ids) > _FINE_SIDE:
        return deform(ids, deformation, conditions=conditions)
    fine, maps = deform(_enlarged(ids), deformation, conditions=_enlarged(conditions))
    reduced = [_reduced(one) for one in (fine, *maps)]
    return reduced[0], np.array(reduced[1:], dtype=np.uint8).reshape(conditions.shape)


def _reduced(fine: Ids) -> Ids:
    side = len(fine) // _FINER
    reduced = np.ascontiguousarray(Placement(side, 1 / _FINER).place_label(fine))
    ids = np.unique(fine)
    shares = np.stack([_blocks(fine == one).mean(axis=(1, 3)) for one in ids])
    for number, label in enumerate(ids):
        if label == 0:
            continue
        missed = _blocks(skeletonize(fine == label)).any(axis=(1, 3)) & (reduced == 0)
        reduced[missed] = label
        held, others = reduced == label, np.where(ids[:, None, None] == label, -1.0, shares)
        # No more than was given, and never to background what lies inside another label.
        surplus = min(int(missed.sum()), max(0, int(held.sum()) - round(float(shares[number].sum()))))
        beside = np.flatnonzero(held & ~skeletonize(held))
        given_back = beside[np.argsort(shares[number].ravel()[beside], kind="stable")[:surplus]]
        reduced.ravel()[given_back] = ids[others.argmax(axis=0).ravel()[given_back]]
    return reduced


def _blocks(fine: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """[4h, 4w] -> [h, 4, w, 4]."""
    return fine.reshape(len(fine) // _FINER, _FINER, -1, _FINER)


def _enlarged(maps: Ids) -> Ids:
    return maps.repeat(_FINER, axis=-2).repeat(_FINER, axis=-1)


def move_object(ids: Ids, move: ObjectMove, *, conditions: Ids) -> Ids:
    """One object of a label, with all it encloses, moved inside what surrounds it.

    It goes as far as it fits, in quarters of the way; where it fits nowhere, or the label is absent, nothing changes.

    Args:
        ids: [H, W]; conditions: [M, H, W].
    """
    pieces, count = ndimage.label(ids == move.label, structure=_EIGHT)
    if not count:
        return ids
    body = ndimage.binary_fill_holes(pieces == 1 + int(move.which * count))
    around = ndimage.binary_dilation(body, structure=_EIGHT) & ~body
    if not around.any():
        return ids
    container = np.uint8(np.bincount(ids[around]).argmax())
    vacated = np.where(body, container, ids)
    allowed = vacated == container
    for condition in conditions:
        allowed &= np.isin(condition, np.unique(condition[body]))
    for share in _SHARES:
        rows, columns, inside = _object_source(body, move, share)
        landed = inside & body[rows, columns]
        if landed.any() and allowed[landed].all() and _stays_within(body, move, share):
            return np.where(landed, ids[rows, columns], vacated).astype(np.uint8)
    return ids


def _rotation(angle: float) -> NDArray[np.float64]:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _bend(generator: np.random.Generator, shape: tuple[int, int], *, rms: float, scale: float) -> NDArray[np.float32]:
    """Smoothed noise [2, 32, 32] of a root mean square, weakened where it would fold the map over."""
    noise = generator.standard_normal((2, _LATTICE, _LATTICE))
    cell = [side / max(shape) / _LATTICE for side in shape]
    sigma = [scale / one for one in cell]
    smooth = np.stack([ndimage.gaussian_filter(one, sigma, mode="reflect") for one in noise])
    field = smooth * (rms / np.sqrt(np.mean(np.square(smooth))))
    steepest = np.sqrt(sum(np.square(part) for one in field for part in np.gradient(one, *cell))).max()
    return np.asarray(field * min(1.0, _STEEPEST / max(steepest, _STEEPEST)), dtype=np.float32)


def _reaches_border(maps: Ids) -> bool:
    """Whether more than a share of the border of [M, H, W] holds anything but background in any map."""
    held = (maps != 0).max(axis=0)
    border = np.concatenate([held[0], held[-1], held[:, 0], held[:, -1]])
    return bool(border.mean() > _BORDER)


def _source(
    deformation: Deformation, shape: tuple[int, ...], *, mirrored: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pixel that each pixel's id is read from."""
    side, centre = max(shape), [(one - 1) / 2 for one in shape]
    down, right = (
        np.arange(one) - (one - 1) / 2 - side * shift for one, shift in zip(shape, deformation.shift, strict=True)
    )
    across_rows, across_columns = (_interpolation(one) for one in shape)
    sources = []
    for axis in range(2):
        bend = side * (across_rows @ deformation.displacement[axis] @ across_columns.T)
        place = (
            bend + (deformation.matrix[axis, 0] * down + centre[axis])[:, None] + deformation.matrix[axis, 1] * right
        )
        nearest = np.rint(place).astype(np.int64)
        sources.append(_mirrored(nearest, shape[axis]) if mirrored else np.clip(nearest, 0, shape[axis] - 1))
    return sources[0], sources[1]


def _mirrored(places: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Places beyond the border as those they mirror, so that what comes in resembles what is there."""
    folded = places % (2 * size)
    return np.minimum(folded, 2 * size - 1 - folded)


def _interpolation(size: int) -> NDArray[np.float64]:
    """[size, 32]: a row of pixels from a row of the lattice by cubic splines."""
    places = (np.arange(size) + 0.5) * _LATTICE / size - 0.5
    columns = [ndimage.map_coordinates(unit, [places], order=3, mode="nearest") for unit in np.eye(_LATTICE)]
    return np.stack(columns, axis=1)


def _parts(body: NDArray[np.bool_], move: ObjectMove, share: float) -> tuple[NDArray[np.float64], ...]:
    """Forward matrix, centre and shift of a share of a move."""
    matrix = move.scale**share * _rotation(share * move.rotation)
    return matrix, np.argwhere(body).mean(axis=0), share * max(body.shape) * np.array(move.shift)


def _object_source(
    body: NDArray[np.bool_], move: ObjectMove, share: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    matrix, centre, shift = _parts(body, move, share)
    grid = np.indices(body.shape, dtype=np.float64)
    away = grid - (centre + shift).reshape(2, 1, 1)
    rows, columns = np.rint(np.einsum("ij,jhw->ihw", np.linalg.inv(matrix), away) + centre.reshape(2, 1, 1)).astype(int)
    inside = (rows >= 0) & (rows < body.shape[0]) & (columns >= 0) & (columns < body.shape[1])
    return np.where(inside, rows, 0), np.where(inside, columns, 0), inside


def _stays_within(body: NDArray[np.bool_], move: ObjectMove, share: float) -> bool:
    """Whether no part of the object leaves the image."""
    matrix, centre, shift = _parts(body, move, share)
    places = (np.argwhere(body) - centre) @ matrix.T + centre + shift
    return bool((places >= -0.5).all() and (places <= np.array(body.shape) - 0.5).all())
