"""The thorax phantom: CT of chests in Hounsfield units, four organs to be labelled, drawn from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmint.data.phantoms.fields import random_field
from segmint.data.phantoms.grid import Array, Grid, square_box
from segmint.data.phantoms.shapes import Points, coverage, ellipsoid, smooth_step
from segmint.data.phantoms.thorax_anatomy import Chest, Frame, Organs, draw_frame, draw_organs
from segmint.data.phantoms.thorax_blood import Blood
from segmint.data.phantoms.writing import Drawn, check_range, check_subject, subject_streams, write_subjects
from segmint.data.writer import DatasetWriter

CHANNELS = ("CT",)
LABELS = ("background", "oesophagus", "heart", "trachea", "aorta")
SIZE, SLICES = 128, 16
FIELD_OF_VIEW, LOWEST, HIGHEST = 380.0, 5.0, 165.0
"""Side of a slice; bottom and top of the stack, mm: from the domes of the diaphragm to above the aortic arch."""
_SMALLEST, _LARGEST = 32, 256
_AIR = -1000.0


def draw_thorax_subject(*, seed: int, subject: int = 1, size: int = SIZE, slices: int = SLICES) -> Drawn:
    """Draw one subject: the same arguments give the same arrays, bit for bit.

    Args:
        seed: of the dataset, not negative.
        subject: number of the subject in it, not negative.
        size: pixels a side, 32 to 256, of slices 380 mm wide.
        slices: number of slices, 1 to 64, through 160 mm.

    Returns:
        CT image, float32 [1, size, size, slices], whole Hounsfield units from -1024 up, with or without contrast agent;
        and the label map in the order of `LABELS`. Rows run to the back, columns to the subject's left, slices upwards.

    Raises:
        UserError: an argument is out of its range.
    """
    check_subject("thorax", seed=seed, subject=subject)
    check_range("thorax", "size", size, _SMALLEST, _LARGEST)
    check_range("thorax", "slices", slices, 1, 64)
    factor = max(1, round(128 / size))
    box = square_box(FIELD_OF_VIEW, LOWEST, HIGHEST)
    grid = Grid(size=size, slices=slices, box=box, fine_voxels=(factor, factor, 1))
    anatomy, tissue, scanner = subject_streams(seed, subject, 3)
    chest = Chest.draw(anatomy)
    points = _coordinates(anatomy, grid)
    organs = draw_organs(points, chest)
    frame = draw_frame(points, chest, organs)
    values = _hounsfield(tissue, grid, chest, points=points, organs=organs, frame=frame)
    return Drawn(_reconstruct(scanner, grid, points, frame, values)[None], _label(grid, organs))


def write_thorax_phantom(out: Path, *, subjects: int, seed: int, size: int = SIZE, overwrite: bool = False) -> Path:
    """Write a dataset of drawn subjects, one volume each, as NIfTI (see `write_subjects`).

    Args:
        size: pixels a side, 32 to 256.

    Raises:
        UserError: an argument is out of its range, or `out` exists or cannot be written.
    """
    check_range("thorax", "size", size, _SMALLEST, _LARGEST)
    grid = Grid(size=size, slices=SLICES, box=square_box(FIELD_OF_VIEW, LOWEST, HIGHEST))

    def add(writer: DatasetWriter, number: int, name: str) -> None:
        drawn = draw_thorax_subject(seed=seed, subject=number, size=size)
        writer.add(name, drawn.image, drawn.label, subject=name, spacing=grid.spacing, affine=grid.affine())

    return write_subjects(
        out,
        kind="thorax",
        subjects=subjects,
        seed=seed,
        overwrite=overwrite,
        channel_names=CHANNELS,
        label_names=LABELS,
        file_ending=".nii.gz",
        add=add,
    )


def _coordinates(rng: np.random.Generator, grid: Grid) -> tuple[Array, Array, Array]:
    """Where each fine voxel lies in a standard chest: the subject is turned, shifted, scaled and not quite regular."""
    front, right, up = grid.fine_axes()
    turn = np.float32(rng.normal(0, 0.06))
    shift = rng.normal(0, (5.0, 6.0, 7.0))
    scale = np.clip(rng.normal(1, 0.035) * rng.normal(1, (0.02, 0.03, 0.04)), 0.88, 1.1)
    scale_x, scale_y, scale_z = (np.float32(1 / s) for s in scale)
    x, y, z = (
        right[None, :, None] - np.float32(shift[0]),
        front[:, None, None] - np.float32(shift[1]),
        up[None, None, :],
    )
    moved = (np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x, z - np.float32(shift[2]))
    wobble = [
        np.float32(3.0) * random_field(rng, grid, 60.0) + np.float32(1.3) * random_field(rng, grid, 24.0)
        for _ in range(3)
    ]
    x, y, z = (m * s + w for m, s, w in zip(moved, (scale_x, scale_y, scale_z), wobble, strict=True))
    return x, y, z


def _hounsfield(
    rng: np.random.Generator, grid: Grid, chest: Chest, *, points: Points, organs: Organs, frame: Frame
) -> Array:
    """Hounsfield units [rows, columns, slices] free of noise: tissues laid over each other, the covering one last."""
    x, y, _ = points
    pixel = grid.fine_spacing[0]
    values = np.full(grid.fine_shape, _AIR, dtype=np.float32)

    def lay(value: Array | float, distance: Array, width: float = 1.0) -> None:
        nonlocal values
        values = values + (value - values) * coverage(distance, width * pixel)

    broad, medium, small = (random_field(rng, grid, scale) for scale in (40.0, 14.0, 7.0))
    muscle = np.float32(rng.normal(48, 6)) + np.float32(5) * medium
    fat = np.float32(rng.normal(-98, 6)) + np.float32(5) * medium
    blood = Blood.draw(rng)

    lay(fat + np.float32(110) * smooth_step(small + broad, 0.8, 1.8) * coverage(frame.breasts + 8, 6.0), frame.body)
    lay(muscle - np.float32(120) * smooth_step(small + np.float32(0.7) * broad, 1.2, 1.9), frame.flesh)
    lay(fat, np.abs(frame.flesh + np.float32(0.55 * chest.muscle) + 2 * broad) - np.float32(1.0))  # between the muscles
    lay(fat, frame.cage)
    marrow = np.float32(rng.normal(190, 45)) + np.float32(35) * small
    cortical = np.float32(rng.normal(520, 60))
    for bone, thickness in ((frame.ribs, 1.5), (frame.sternum, 1.8), (frame.scapulae, 2.0), (frame.spine, 1.8)):
        lay(np.where(bone > -thickness, cortical, marrow).astype(np.float32), bone)
    lay(np.float32(85) + 8 * medium, frame.discs)
    lay(35.0, frame.canal)

    right, left = frame.diaphragm
    liver = np.float32(58 + blood.enhanced * rng.uniform(20, 55)) + np.float32(6) * small
    lay(liver + blood.veins_gain * smooth_step(1 - np.abs(medium), 0.9, 1.0), np.maximum(right, frame.cage))
    lay(fat, np.maximum(left, frame.cage))
    spleen = ellipsoid(points, (-88, -32, -8), (30, 38, 34))
    stomach = ellipsoid(points, (-58, 22, -12), (38, 34, 32)) + 2 * broad
    lay(np.float32(50 + blood.enhanced * 60) + 5 * small, np.maximum(spleen, np.maximum(left, frame.cage)))
    lay(muscle, np.maximum(stomach, np.maximum(left, frame.cage)))
    gas = np.where(y > np.float32(rng.uniform(15, 45)), np.float32(-950), np.float32(rng.uniform(10, 60)))
    lay(gas, np.maximum(stomach + 5, np.maximum(left, frame.cage)))

    lay(_lung(rng, grid, points), frame.lungs)
    lay(muscle + np.float32(2), np.maximum(np.abs(np.minimum(right, left)) - np.float32(1.5), frame.cage))

    lay(muscle - np.float32(6), organs.oesophagus)
    lumen = smooth_step(random_field(rng, grid, (9.0, 9.0, 22.0)), 0.9, 1.3) * np.float32(-700)
    lay(muscle + lumen, organs.oesophagus + np.float32(5.0), 2.0)
    lay(blood.branches + 4 * small, organs.branches)
    lay(blood.veins + blood.mixing * broad, organs.veins)
    lay(blood.pulmonary + 4 * small, organs.pulmonary)
    lay(blood.heart_muscle + 5 * small, organs.heart)
    lay(np.where(x > -22, blood.right_heart, blood.left_heart) + np.float32(8) * medium, organs.chambers, 2.5)
    grease = np.abs(organs.heart + np.float32(1.5)) - np.float32(1.5)  # fat in the grooves of the heart's surface
    lay(fat + np.float32(40), np.maximum(grease, np.float32(0.7) - medium))
    lay(blood.aorta + 4 * small, organs.aorta)
    calcified = smooth_step(medium + small, 2.3, 2.8) * np.float32(blood.calcium)
    lay(blood.aorta + calcified, np.abs(organs.aorta + 1) - np.float32(1.2))
    for airway in (organs.bronchi, organs.trachea):
        lay(muscle - np.float32(10), airway)
        lay(-980.0, airway + np.float32(1.6))
    return values


def _lung(rng: np.random.Generator, grid: Grid, points: Points) -> Array:
    """Hounsfield units of lung: denser towards the back, with vessels that are widest near the root, and small scars."""
    x, y, z = points
    depth = np.float32(rng.uniform(0.15, 0.7))
    base = np.float32(rng.normal(-855, 22)) - depth * y + np.float32(10) * random_field(rng, grid, 30.0)
    to_root = np.sqrt((np.abs(x) - 38) ** 2 + (y + 18) ** 2 + np.float32(0.5) * (z - np.float32(80)) ** 2)
    near = np.exp(-to_root / np.float32(38))
    threads = np.abs(random_field(rng, grid, (9.0, 9.0, 14.0)))
    crossing = np.abs(random_field(rng, grid, (9.0, 9.0, 14.0)))
    line = np.sqrt(threads**2 + crossing**2) - (np.float32(0.1) + np.float32(0.32) * near)
    vessels = 1 - smooth_step(line, 0.0, 0.16)
    haze = smooth_step(random_field(rng, grid, 22.0) + np.float32(rng.normal(-0.8, 0.5)), 0.9, 2.0)
    haze = haze * (np.float32(0.4) + np.float32(0.6) * smooth_step(-y, 0.0, 60.0))
    lung: Array = base + haze * np.float32(rng.uniform(150, 420)) + vessels * np.float32(820)
    return np.minimum(lung, np.float32(60))


def _label(grid: Grid, organs: Organs) -> NDArray[np.uint8]:
    """Ids: the organ that fills most of a voxel, where organs fill half of it at least."""
    left = np.ones(grid.fine_shape, dtype=np.float32)
    shares = {}
    for name in ("trachea", "aorta", "heart", "oesophagus"):
        cover = coverage(getattr(organs, name), grid.fine_spacing[0])
        shares[name] = grid.average(left * cover)
        left = left * (1 - cover)
    stacked = np.stack([shares[name] for name in LABELS[1:]])
    return np.where(stacked.sum(0) >= 0.5, stacked.argmax(0) + 1, 0).astype(np.uint8)


def _reconstruct(rng: np.random.Generator, grid: Grid, points: Points, frame: Frame, values: Array) -> Array:
    """Image as the scanner gives it: table, kernel, noise that grows with what the rays pass, streaks, whole units."""
    from scipy import ndimage

    x, y, _ = points
    gap = rng.uniform(2, 5)
    lowest = float(np.max(np.where(frame.body < 0, -y, -1e3))) + gap
    bend = np.float32(rng.uniform(0.0003, 0.0012))
    top = y + np.float32(lowest) - bend * x * x
    board = np.maximum(np.abs(top) - np.float32(3.5), np.abs(x) - np.float32(rng.uniform(165, 200)))
    cover = coverage(board, grid.fine_spacing[0]) * (frame.body > 0)
    values = values + (np.float32(rng.uniform(-250, 80)) - values) * cover

    width = rng.uniform(0.35, 0.75) * 3.0 / grid.spacing[0]
    image = ndimage.gaussian_filter(grid.average(values), (width, width, 0))
    grain = rng.standard_normal(image.shape, dtype=np.float32)
    if width > 0.2:
        grain = ndimage.gaussian_filter(grain, (0.6 * width, 0.6 * width, 0))
        grain /= grain.std()
    thick = np.float32(0.55) + np.float32(0.45) * smooth_step(-grid.average(frame.body), -5.0, 90.0)
    streaks = ndimage.gaussian_filter1d(
        rng.standard_normal(image.shape, dtype=np.float32), 0.12 * grid.size, axis=1, truncate=2.0
    )
    streaks /= streaks.std()
    shoulders = smooth_step(grid.axes()[2], 100.0, 165.0)[None, None, :] * (grid.average(frame.body) < 0)
    level = np.float32(rng.uniform(9, 24))
    image = image + level * thick * grain + np.float32(rng.uniform(4, 18)) * shoulders * streaks
    whole: Array = np.maximum(np.round(image), np.float32(-1024))
    return whole
