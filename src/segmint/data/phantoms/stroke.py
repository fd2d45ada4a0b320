"""The stroke phantom: FLAIR slices of heads, a lesion on 18 percent of all slices, drawn from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from segmint.data.formats.nifti import slice_affine
from segmint.data.phantoms.confounders import hyperintensities
from segmint.data.phantoms.cortex import Cortex, brain_outline, fold_cortex
from segmint.data.phantoms.deep import Deep, deep_structures
from segmint.data.phantoms.fields import random_field
from segmint.data.phantoms.grid import Array, Grid, square_box
from segmint.data.phantoms.head import Head, wander
from segmint.data.phantoms.infarct import Infarct, InfarctMaps, grow_infarct, label_infarct, lesion_slices
from segmint.data.phantoms.shapes import coverage, smooth_step
from segmint.data.phantoms.skull import Skull, enclose_brain
from segmint.data.phantoms.writing import Drawn, check_range, check_subject, subject_streams, write_subjects
from segmint.data.writer import DatasetWriter

CHANNELS = ("FLAIR",)
LABELS = ("background", "lesion")
CONDITIONS = {"foreground": ("background", "foreground")}
SIZE, SLICES = 128, 20
FIELD_OF_VIEW, LOWEST, HIGHEST = 240.0, -16.0, 64.0
"""Side of a slice; bottom and top of the stack above the midpoint of the commissures, mm."""
_SMALLEST, _LARGEST = 32, 256
_LEAST_AREA = 25.0
"""A lesion that shows less than this (mm^2) on one of its slices is drawn anew."""
_ATTEMPTS = 8

_SIGNAL = {
    "white": 0.62,
    "grey": 0.82,
    "deep grey": 0.76,
    "pallidum": 0.6,
    "fluid": 0.16,
    "hyperintensity": 1.2,
    "lesion": 1.32,
    "cavity": 0.2,
    "bone": 0.06,
    "marrow": 0.5,
    "muscle": 0.42,
    "fat": 1.05,
    "skin": 0.55,
    "choroid": 0.7,
}
"""FLAIR signal; 1 is a little more than grey matter."""


def draw_stroke_subject(*, seed: int, subject: int = 1, size: int = SIZE, slices: int = SLICES) -> Drawn:
    """Draw one subject: the same arguments give the same arrays, bit for bit.

    Args:
        seed: of the dataset, not negative.
        subject: number of the subject in it, not negative.
        size: pixels a side, 32 to 256, of slices 240 mm wide.
        slices: number of slices, 5 to 40, through 80 mm.

    Returns:
        FLAIR image, float32 [1, size, size, slices], whole numbers in the scanner's units, noise outside the head; the
        label map in the order of `LABELS`; and the condition `foreground`, the head. Rows run to the back of the head,
        columns to the subject's left, slices upwards. The lesion's slices are next to each other; many subjects have none.

    Raises:
        UserError: an argument is out of its range.
    """
    check_subject("stroke", seed=seed, subject=subject)
    check_range("stroke", "size", size, _SMALLEST, _LARGEST)
    check_range("stroke", "slices", slices, 5, 40)
    factor = max(1, round(128 / size))
    box = square_box(FIELD_OF_VIEW, LOWEST, HIGHEST)
    grid = Grid(size=size, slices=slices, box=box, fine_voxels=(factor, factor, 1))
    anatomy, disease, tissue, scanner = subject_streams(seed, subject, 4)
    head = Head.draw(anatomy)
    in_head = head.coordinates(anatomy, grid)
    outline = brain_outline(in_head)
    skull = enclose_brain(anatomy, grid, points=in_head, outline=outline)
    yielding = smooth_step(outline, -2.0, 20.0)
    points = [p - yielding * w for p, w in zip(in_head, wander(anatomy, grid), strict=True)]
    deep = deep_structures(points, head.ventricles)
    core = np.minimum(deep.nuclei, deep.ventricles)
    cortex = fold_cortex(anatomy, grid, head, points=points, outline=outline, core=core)
    spots = hyperintensities(anatomy, grid, head, cortex=cortex, deep=deep)

    count = lesion_slices(seed, subject, slices)
    nothing = np.zeros(grid.fine_shape, dtype=np.float32)
    shown = np.zeros(slices, dtype=np.bool_)
    fresh = InfarctMaps(nothing, nothing)
    if count:
        for _ in range(_ATTEMPTS):
            infarct = Infarct.draw(disease, grid, count)
            fresh = grow_infarct(disease, grid, infarct, points=in_head, cortex=cortex, deep=deep)
            area = fresh.truth.sum((0, 1)) * grid.fine_spacing[0] ** 2
            if area[infarct.first : infarct.first + count].min() >= _LEAST_AREA:
                break
        shown[infarct.first : infarct.first + count] = True
    old = nothing
    if disease.random() < 0.2 + 0.3 * head.age:
        scar = Infarct.draw(disease, grid, int(disease.integers(1, max(2, slices // 5))))
        old = grow_infarct(disease, grid, scar, points=in_head, cortex=cortex, deep=deep).truth * (1 - fresh.truth)

    light = _render(tissue, grid, head, cortex=cortex, deep=deep, skull=skull, spots=spots, fresh=fresh.signal, old=old)
    foreground = grid.average(skull.head) >= 0.5
    label = label_infarct(grid.average(fresh.truth), shown)
    return Drawn(_acquire(scanner, grid, light)[None], label, {"foreground": foreground.astype(np.uint8)})


def write_stroke_phantom(out: Path, *, subjects: int, seed: int, size: int = SIZE, overwrite: bool = False) -> Path:
    """Write a dataset of drawn subjects, each slice a case of its own, as NIfTI (see `write_subjects`).

    From ten subjects on, 17 to 19 percent of the slices hold a lesion.

    Args:
        size: pixels a side, 32 to 256.

    Raises:
        UserError: an argument is out of its range, or `out` exists or cannot be written.
    """
    check_range("stroke", "size", size, _SMALLEST, _LARGEST)

    def add(writer: DatasetWriter, number: int, name: str) -> None:
        drawn = draw_stroke_subject(seed=seed, subject=number, size=size)
        grid = Grid(size=size, slices=SLICES, box=square_box(FIELD_OF_VIEW, LOWEST, HIGHEST))
        for index in range(SLICES):
            writer.add(
                f"{name}_{index:02d}",
                drawn.image[..., index],
                drawn.label[..., index],
                subject=name,
                volume=name,
                slice=index,
                axis=2,
                spacing=grid.spacing,
                affine=slice_affine(grid.affine(), axis=2, index=index),
                conditions={key: ids[..., index] for key, ids in drawn.conditions.items()},
            )

    return write_subjects(
        out,
        kind="stroke",
        subjects=subjects,
        seed=seed,
        overwrite=overwrite,
        channel_names=CHANNELS,
        label_names=LABELS,
        file_ending=".nii.gz",
        conditions=CONDITIONS,
        add=add,
    )


def _render(
    rng: np.random.Generator,
    grid: Grid,
    head: Head,
    *,
    cortex: Cortex,
    deep: Deep,
    skull: Skull,
    spots: Array,
    fresh: Array,
    old: Array,
) -> Array:
    """Signal free of noise [rows, columns, slices]: tissues laid over each other, the one that covers the others last."""
    signal = {name: np.float32(value * np.exp(rng.normal(0, 0.05))) for name, value in _SIGNAL.items()}
    light = np.full(grid.fine_shape, signal["white"], dtype=np.float32)

    def lay(tissue: str, cover: Array) -> None:
        nonlocal light
        light = light + (signal[tissue] - light) * cover

    lay("grey", coverage(cortex.pial - np.float32(head.cortex), 1.5))
    lay("deep grey", np.maximum(coverage(deep.grey, 2.0), np.float32(0.35) * coverage(deep.brainstem, 2.0)))
    lay("pallidum", coverage(deep.pallidum, 2.0))
    lay("hyperintensity", spots)
    # an old stroke: a cavity of fluid within a bright seam
    lay("hyperintensity", np.clip(old * np.float32(1.1), 0, 1) * np.float32(0.85))
    lay("cavity", smooth_step(old, 0.75, 1.0))
    lay("lesion", fresh)
    fluid = np.minimum(np.minimum(cortex.pial, deep.ventricles), deep.cisterns)
    lay("fluid", coverage(fluid, 1.2) * (1 - np.float32(0.3) * fresh))
    lay("choroid", coverage(np.maximum(deep.choroid, deep.lateral), 2.0) * np.float32(0.8))
    air = 1 - skull.head
    for name in ("bone", "marrow", "muscle", "fat", "skin"):
        lay(name, getattr(skull, name))
    return grid.average(light * (1 - air))


def _acquire(rng: np.random.Generator, grid: Grid, light: Array) -> Array:
    """Magnitude image: coil shading, texture, pulsation ghosts, point spread, Rician noise, gain."""
    from scipy import ndimage

    shading = np.exp(np.float32(rng.uniform(0.05, 0.13)) * random_field(rng, grid, (80.0, 80.0, 60.0), fine=False))
    texture = 1 + np.float32(rng.uniform(0.015, 0.035)) * random_field(rng, grid, (4.0, 4.0, 5.0), fine=False)
    width = rng.uniform(0.6, 1.5) / grid.spacing[0]
    signal = ndimage.gaussian_filter(light * texture, (width, width, 0)) * shading
    ghost = np.float32(rng.uniform(0, 0.025)) * np.roll(signal, int(grid.size * rng.uniform(0.15, 0.4)), axis=0)
    level = np.float32(rng.uniform(0.02, 0.045))
    real, imaginary = rng.standard_normal((2, *signal.shape), dtype=np.float32) * level
    gain = np.float32(500 * np.exp(rng.normal(0, 0.35)))
    # the gaps between slices are excited a little unevenly
    step = np.float32(1) + np.float32(0.02) * rng.standard_normal(grid.slices, dtype=np.float32)
    magnitude: Array = np.round(np.sqrt((signal * step + ghost + real) ** 2 + imaginary**2) * gain)
    return magnitude
