"""The retina phantom: colour photographs of the fundus with its vessels, drawn from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmint.data.intensity import EIGHT_BIT, IntensityMap
from segmint.data.phantoms.fields import random_field
from segmint.data.phantoms.grid import Array, Grid, square_box
from segmint.data.phantoms.retina_vessels import Fundus, grow_vessels, stamp_vessels
from segmint.data.phantoms.shapes import coverage, smooth_step
from segmint.data.phantoms.writing import Drawn, check_range, check_subject, subject_streams, write_subjects
from segmint.data.writer import DatasetWriter

CHANNELS = ("Red", "Green", "Blue")
LABELS = ("background", "vessel")
CONDITIONS = {"foreground": ("background", "foreground")}
SIZE = 128
_SMALLEST, _LARGEST = 48, 512


def draw_retina(*, seed: int, subject: int = 1, size: int = SIZE) -> list[Drawn]:
    """Draw the eyes of one subject: the same arguments give the same arrays, bit for bit.

    Vessels depend on (seed, subject) alone, so another size shows the same eyes.

    Args:
        seed: of the dataset, not negative.
        subject: number of the subject in it, not negative.
        size: pixels a side, 48 to 512.

    Returns:
        One or two pictures: uint8 [3, size, size] (red, green, blue), the label map in the order of `LABELS`, and the
        condition `foreground`, the disc that the camera lights. The right eye, if there, comes first; its temple is on the left.

    Raises:
        UserError: an argument is out of its range.
    """
    check_subject("retina", seed=seed, subject=subject)
    check_range("retina", "size", size, _SMALLEST, _LARGEST)
    person, *eyes = subject_streams(seed, subject, 3)
    sides = (True, False) if person.random() < 0.6 else (bool(person.random() < 0.5),)
    skin = _Tint.draw(person)
    return [_draw_eye(rng, skin, size=size, right_eye=side) for rng, side in zip(eyes, sides, strict=False)]


def write_retina_phantom(out: Path, *, subjects: int, seed: int, size: int = SIZE, overwrite: bool = False) -> Path:
    """Write a dataset of drawn fundus photographs, one or two a subject, as 8-bit RGB PNG (see `write_subjects`).

    Args:
        size: pixels a side, 48 to 512.

    Raises:
        UserError: an argument is out of its range, or `out` exists or cannot be written.
    """
    check_range("retina", "size", size, _SMALLEST, _LARGEST)

    def add(writer: DatasetWriter, number: int, name: str) -> None:
        for eye, drawn in enumerate(draw_retina(seed=seed, subject=number, size=size), start=1):
            writer.add(
                f"{name}_eye{eye}",
                drawn.image,
                drawn.label,
                subject=name,
                conditions=drawn.conditions,
                intensity=[IntensityMap("fixed", *EIGHT_BIT)] * len(CHANNELS),
            )

    return write_subjects(
        out,
        kind="retina",
        subjects=subjects,
        seed=seed,
        overwrite=overwrite,
        channel_names=CHANNELS,
        label_names=LABELS,
        file_ending=".png",
        rgb=True,
        conditions=CONDITIONS,
        add=add,
    )


class _Tint:
    """Colour of a person's fundus, alike in both eyes."""

    def __init__(self, colour: Array, tessellation: float, sheen: float) -> None:
        self.colour = colour
        """[3], light that comes back where nothing lies in front."""
        self.tessellation = tessellation
        """How much the large vessels of the choroid show through."""
        self.sheen = sheen
        """Strength of the reflexes of the nerve fibres, strong in the young."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> _Tint:
        red = rng.uniform(0.5, 1.0)
        green = red * rng.uniform(0.33, 0.5)
        colour = np.array([red, green, green * rng.uniform(0.2, 0.55)], dtype=np.float32)
        return cls(colour, float(rng.uniform(0.0, 0.13)), float(rng.uniform(0.0, 0.2)))


def _draw_eye(rng: np.random.Generator, tint: _Tint, *, size: int, right_eye: bool) -> Drawn:
    """One photograph."""
    fundus = Fundus.draw(rng, right_eye=right_eye)
    anatomy, surface, camera = rng.spawn(3)
    vessels = grow_vessels(anatomy, fundus)
    factor = 2 if size <= 160 else 1
    grid = Grid(size=size, slices=1, box=square_box(2.0, 0.0, 1.0), fine_voxels=(factor, factor, 1))
    lit, shift = camera.uniform(0.9, 0.97), camera.normal(0, 0.012, 2)
    front, right, _ = grid.fine_axes()
    # the picture's x runs to the right and so against the grid's second axis
    x, y = (-right - np.float32(shift[0])) / np.float32(lit), (front - np.float32(shift[1])) / np.float32(lit)
    artery, artery_depth = stamp_vessels(vessels, x=x, y=y, chosen=~vessels.vein)
    vein, vein_depth = stamp_vessels(vessels, x=x, y=y, chosen=vessels.vein)
    radius = np.sqrt(x[None, :] ** 2 + y[:, None] ** 2)
    disc = coverage((radius - 1) * np.float32(lit), grid.fine_spacing[0])

    light = _fundus_light(surface, grid, fundus, tint, x[None, :], y[:, None])
    light *= _absorption(artery_depth, vein_depth, camera)
    reflex = _reflex(artery, artery_depth, camera)
    light += reflex * light
    light *= _illumination(camera, grid, x[None, :], y[:, None]) * disc
    image = _photograph(camera, grid, light[..., None])

    share = grid.average((np.maximum(artery, vein) * disc)[..., None])[..., 0]
    foreground = grid.average(disc[..., None])[..., 0] >= 0.5
    label = (share >= 0.4) & foreground
    return Drawn(image, label.astype(np.uint8), {"foreground": foreground.astype(np.uint8)})


def _fundus_light(rng: np.random.Generator, grid: Grid, fundus: Fundus, tint: _Tint, x: Array, y: Array) -> Array:
    """Light [3, rows, columns] from the fundus behind the vessels: pigment, choroid, macula, sheen and optic disc."""
    fields = [random_field(rng, grid, scale)[..., 0] for scale in (0.5, 0.16, 0.05)]
    shade = 1 + np.float32(0.07) * fields[0] + np.float32(0.05) * fields[1] + np.float32(0.025) * fields[2]
    light = tint.colour[:, None, None] * shade
    ribbons = np.exp(-((random_field(rng, grid, 0.075)[..., 0] / np.float32(0.5)) ** 2))
    ribbons *= np.clip(np.float32(0.6) + fields[0], 0, 1)
    away = smooth_step(np.hypot(x - fundus.disc[0], y - fundus.disc[1]), 0.25, 0.7)
    choroid = np.float32(tint.tessellation) * (ribbons - np.float32(0.5)) * away
    light *= 1 + choroid * np.array([0.8, 1.5, 1.0], dtype=np.float32)[:, None, None]
    macula = np.exp(-((x - fundus.macula[0]) ** 2 + (y - fundus.macula[1]) ** 2) / np.float32(0.022))
    light *= 1 - macula * np.array([0.18, 0.35, 0.3], dtype=np.float32)[:, None, None]

    dx, dy = x - np.float32(fundus.disc[0]), y - np.float32(fundus.disc[1])
    distance = np.sqrt(dx * dx + dy * dy)
    angle = np.arctan2(dy, dx)
    fibres = np.zeros_like(distance)
    for order in (7, 13, 22, 31):
        fibres += np.sin(order * angle + np.float32(rng.uniform(0, 6.3)) + np.float32(1.5) * fields[1])
    bundle = np.exp(-(((distance - np.float32(2.4 * fundus.disc_radius)) / np.float32(0.2)) ** 2))
    poles = np.abs(np.sin(angle)) ** 2  # fibres are thickest above and below the disc
    patches = np.clip(random_field(rng, grid, 0.22)[..., 0], 0, 2)
    sheen = np.float32(tint.sheen) * bundle * poles * patches * np.clip(1 + np.float32(0.5) * fibres, 0, 2)
    light += sheen * np.array([0.5, 0.75, 0.45], dtype=np.float32)[:, None, None]

    stretch, tilt = rng.uniform(0.84, 0.98), rng.normal(0, 0.25)
    across = np.float32(np.cos(tilt)) * dx + np.float32(np.sin(tilt)) * dy
    along = np.float32(np.cos(tilt)) * dy - np.float32(np.sin(tilt)) * dx
    shape = np.sqrt((across / np.float32(stretch)) ** 2 + along**2) * (1 + np.float32(0.04) * fields[0])
    edge = rng.uniform(0.02, 0.06)
    head = coverage(shape - np.float32(fundus.disc_radius), edge)
    cup_at = np.float32(fundus.disc_radius * 0.15 * fundus.temporal)
    cup_size = fundus.disc_radius * rng.uniform(0.25, 0.6)
    cup = coverage(np.hypot(dx - cup_at, dy) - np.float32(cup_size), 0.06)
    halo = coverage(shape - np.float32(1.25 * fundus.disc_radius), 0.12) - head
    light *= 1 + np.float32(rng.uniform(-0.12, 0.15)) * halo
    warmth = rng.uniform((1.1, 1.5, 1.3), (1.35, 2.3, 2.6)).astype(np.float32)[:, None, None]
    pale = np.array([0.12, 0.25, 0.1], dtype=np.float32)[:, None, None] * np.float32(rng.uniform(0.5, 1.3))
    lit: Array = light * (1 + head * (warmth - 1)) + pale * cup
    return lit


def _absorption(artery: Array, vein: Array, rng: np.random.Generator) -> Array:
    """Share [3, rows, columns] of light that passes twice through the blood, whose depth is given."""
    strength = rng.uniform(0.75, 1.25)
    passed = np.ones((3, *artery.shape), dtype=np.float32)
    for depth, per_channel in ((artery, (7.0, 15.0, 7.0)), (vein, (11.0, 17.0, 9.0))):
        density = np.array(per_channel, dtype=np.float32)[:, None, None] * np.float32(strength)
        # light scattered sideways fills wide vessels up
        passed *= 1 - (1 - np.exp(-density * depth)) * np.float32(0.8)
    return passed


def _reflex(cover: Array, depth: Array, rng: np.random.Generator) -> Array:
    """Bright line along the middle of the wider arteries."""
    from scipy import ndimage

    strength = np.float32(rng.uniform(0.1, 0.4))
    ridge = np.clip(depth - ndimage.gaussian_filter(depth, 2.0), 0, None)
    line: Array = strength * cover * smooth_step(depth, 0.028, 0.05) * np.clip(ridge * 40, 0, 1)
    return line


def _illumination(rng: np.random.Generator, grid: Grid, x: Array, y: Array) -> Array:
    """Brightness of the flash: uneven, and fading to the rim."""
    tilt = rng.normal(0, 0.13, 2)
    fall = rng.uniform(0.08, 0.4)
    middle = rng.normal(0, 0.15, 2)
    square = (x - np.float32(middle[0])) ** 2 + (y - np.float32(middle[1])) ** 2
    uneven = 1 + np.float32(tilt[0]) * x + np.float32(tilt[1]) * y - np.float32(fall) * square
    cloud = 1 + np.float32(0.05) * random_field(rng, grid, 0.45)[..., 0]
    return np.asarray(np.clip(uneven, 0.15, None) * cloud, dtype=np.float32)


def _photograph(rng: np.random.Generator, grid: Grid, light: Array) -> NDArray[np.uint8]:
    """Eight-bit picture [3, rows, columns] of light [3, fine rows, fine columns, 1]: point spread, sensor noise, clipping."""
    from scipy import ndimage

    blur = rng.uniform(0.35, 0.75)
    gain = rng.uniform(0.75, 1.2)
    noise = rng.uniform(1.2, 3.2)
    picture = np.empty((3, grid.size, grid.size), dtype=np.uint8)
    for channel in range(3):
        pixels = ndimage.gaussian_filter(grid.average(light[channel])[..., 0], blur) * np.float32(gain * 235)
        grain = rng.standard_normal(pixels.shape, dtype=np.float32) * np.float32(noise)
        grain *= np.sqrt(np.clip(pixels, 4, None) / 120)
        picture[channel] = np.clip(np.rint(pixels + grain), 0, 255).astype(np.uint8)
    return picture
