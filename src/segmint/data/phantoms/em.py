"""The electron microscopy phantoms: serial sections of nerve tissue in two appearances, A and B, drawn from a seed.

Both hold mitochondria to be labelled and membranes as a condition. B comes from another microscope and stain: darker, flatter,
noisier, less sharp, with thicker membranes and larger cells. What is learnt on one does not simply hold on the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segmint.data.intensity import EIGHT_BIT, IntensityMap
from segmint.data.phantoms.em_cells import Cells, Sections, cut_sections
from segmint.data.phantoms.em_organelles import Organelles, place_organelles
from segmint.data.phantoms.fields import random_field
from segmint.data.phantoms.grid import Array, Grid, square_box
from segmint.data.phantoms.shapes import coverage, smooth_step
from segmint.data.phantoms.writing import Drawn, check_range, check_subject, subject_streams, write_subjects
from segmint.data.writer import DatasetWriter

Kind = Literal["em-a", "em-b"]
CHANNELS = ("EM",)
LABELS = ("background", "mitochondrion")
CONDITIONS = {"membranes": ("background", "membrane")}
SIZE, SECTIONS = 128, 8
FIELD_OF_VIEW, THICKNESS = 2400.0, 45.0
"""Side of a section and distance between sections, nm."""
_SMALLEST, _LARGEST = 48, 1024


@dataclass(frozen=True)
class _Appearance:
    """How a microscope shows tissue. Brightness from 0 to 1, lengths in nm."""

    cell_scale: float
    membrane: float
    """Half the width of the membranes between cells."""
    cytoplasm: float
    ink: float
    """Brightness of what is stained darkest."""
    matrix: float
    """Brightness of mitochondria between their folds."""
    folds: float
    """Contrast of the folds."""
    granules: float
    noise: float
    blur: float
    shading: float


_APPEARANCES: dict[Kind, _Appearance] = {
    "em-a": _Appearance(
        cell_scale=1.0,
        membrane=13.0,
        cytoplasm=0.68,
        ink=0.1,
        matrix=0.42,
        folds=0.13,
        granules=0.1,
        noise=0.045,
        blur=9.0,
        shading=0.025,
    ),
    "em-b": _Appearance(
        cell_scale=1.25,
        membrane=21.0,
        cytoplasm=0.52,
        ink=0.14,
        matrix=0.32,
        folds=0.08,
        granules=0.06,
        noise=0.055,
        blur=12.0,
        shading=0.035,
    ),
}


def draw_em(kind: Kind, *, seed: int, subject: int = 1, size: int = SIZE, sections: int = SECTIONS) -> list[Drawn]:
    """Draw the stack of one specimen: the same arguments give the same arrays, bit for bit.

    Args:
        kind: "em-a" or "em-b".
        seed: of the dataset, not negative.
        subject: number of the specimen in it, not negative.
        size: pixels a side, 48 to 1024, of sections 2400 nm wide.
        sections: how many, 1 to 64, 45 nm apart.

    Returns:
        For every section, from the lowest, uint8 [1, size, size], the label map in the order of `LABELS`, and the condition
        `membranes`. The two never overlap.

    Raises:
        UserError: an argument is out of its range.
    """
    check_subject(kind, seed=seed, subject=subject)
    check_range(kind, "size", size, _SMALLEST, _LARGEST)
    check_range(kind, "sections", sections, 1, 64)
    tissue, contents, stain, microscope = subject_streams(seed, subject, 4)
    factor = 2 if size <= 160 else 1
    box = square_box(FIELD_OF_VIEW, 0.0, THICKNESS * sections)
    grid = Grid(size=size, slices=sections, box=box, fine_voxels=(factor, factor, 1))
    look = _APPEARANCES[kind]
    cells = Cells.pack(tissue, grid, scale=look.cell_scale * float(np.exp(tissue.normal(0, 0.12))))
    cut = cut_sections(tissue, grid, cells)
    organelles = place_organelles(contents, grid, cells, cut)
    tilt = np.clip(random_field(tissue, grid, (260.0, 260.0, 200.0)) - np.float32(0.5), 0, 1.5)
    width = np.float32(look.membrane * np.exp(stain.normal(0, 0.1))) * (1 + np.float32(0.6) * tilt)
    wall = coverage(cut.depth - width, grid.fine_spacing[0])

    light = _stained(stain, grid, look, cells, cut, organelles, wall / (1 + np.float32(0.55) * tilt))
    images = _micrographs(microscope, grid, look, light)
    mitochondria = grid.average(organelles.mitochondrion * (1 - wall)) >= 0.5
    membranes = (grid.average(wall) >= 0.42) & ~mitochondria
    return [
        Drawn(
            images[None, ..., section],
            mitochondria[..., section].astype(np.uint8),
            {"membranes": membranes[..., section].astype(np.uint8)},
        )
        for section in range(sections)
    ]


def write_em_phantom(
    kind: Kind, out: Path, *, subjects: int, seed: int, size: int = SIZE, overwrite: bool = False
) -> Path:
    """Write a dataset of drawn specimens, eight sections each, as 8-bit PNG (see `write_subjects`).

    Args:
        kind: "em-a" or "em-b"; one seed gives them different tissue.
        size: pixels a side, 48 to 1024.

    Raises:
        UserError: an argument is out of its range, or `out` exists or cannot be written.
    """
    check_range(kind, "size", size, _SMALLEST, _LARGEST)
    side, thickness = FIELD_OF_VIEW / size * 1e-6, THICKNESS * 1e-6

    def add(writer: DatasetWriter, number: int, name: str) -> None:
        for section, drawn in enumerate(draw_em(kind, seed=seed, subject=number, size=size)):
            writer.add(
                f"{name}_{section:02d}",
                drawn.image,
                drawn.label,
                subject=name,
                volume=name,
                slice=section,
                axis=2,
                spacing=(side, side, thickness),
                conditions=drawn.conditions,
                intensity=[IntensityMap("fixed", *EIGHT_BIT)],
            )

    return write_subjects(
        out,
        kind=kind,
        subjects=subjects,
        seed=seed,
        overwrite=overwrite,
        noun="specimen",
        channel_names=CHANNELS,
        label_names=LABELS,
        file_ending=".png",
        conditions=CONDITIONS,
        add=add,
    )


def _stained(
    rng: np.random.Generator,
    grid: Grid,
    look: _Appearance,
    cells: Cells,
    cut: Sections,
    organelles: Organelles,
    wall: Array,
) -> Array:
    """Brightness free of noise, on the fine grid, 0 to about 1."""
    fine, coarse = (random_field(rng, grid, scale) for scale in ((17.0, 17.0, 30.0), (40.0, 40.0, 45.0)))
    granules = np.float32(look.granules) * cells.grain[cut.cell] * (np.minimum(fine, 0.6) + np.float32(0.5) * coarse)
    light = np.float32(look.cytoplasm) * cells.shade[cut.cell] + granules
    ink = np.float32(look.ink)

    # cisterns of the endoplasmic reticulum: thin double lines here and there in wide cells
    course = random_field(rng, grid, (95.0, 95.0, 180.0))
    there = smooth_step(random_field(rng, grid, (200.0, 200.0, 200.0)), 0.7, 1.1) * (cut.depth > 30)
    line = np.exp(-(((np.abs(course) - np.float32(0.16)) / np.float32(0.07)) ** 2))
    light += (ink - light) * np.float32(0.6) * line * there
    light += (ink - light) * np.float32(0.75) * organelles.vesicles

    matrix = np.float32(look.matrix * np.exp(rng.normal(0, 0.06)))
    inner = matrix + np.float32(look.folds) * organelles.cristae + np.float32(0.6) * granules
    light += (inner - light) * organelles.mitochondrion
    light += (ink + np.float32(0.06) - light) * np.float32(0.85) * organelles.envelope
    mottled = np.float32(0.5 * look.matrix + 0.5 * look.ink) + np.float32(1.2) * granules
    light += (mottled - light) * organelles.body * np.float32(0.9)

    # synapses: dense stuff along one side of a wall
    active = smooth_step(random_field(rng, grid, (110.0, 110.0, 90.0)), 1.5, 2.0)
    light += (ink - light) * active * coverage(cut.depth - np.float32(45), 50.0) * np.float32(0.8)
    stained: Array = light + (ink - light) * wall
    return stained


def _micrographs(rng: np.random.Generator, grid: Grid, look: _Appearance, light: Array) -> NDArray[np.uint8]:
    """Eight-bit sections [rows, columns, sections]: point spread, uneven beam, noise, exposure of each section."""
    from scipy import ndimage

    width = look.blur * float(rng.uniform(0.8, 1.25)) / grid.spacing[0]
    signal = ndimage.gaussian_filter(grid.average(light), (width, width, 0))
    gain, offset = float(np.exp(rng.normal(0, 0.07))), float(rng.normal(0, 0.025))
    exposure = (1 + rng.normal(0, 0.02, grid.slices)).astype(np.float32)
    shading = np.float32(look.shading) * random_field(rng, grid, (900.0, 900.0, 500.0), fine=False)
    noise = np.float32(look.noise) * rng.standard_normal(signal.shape, dtype=np.float32)
    middle = np.float32(look.cytoplasm)
    shown = (signal - middle) * np.float32(gain) + (middle + np.float32(offset)) * exposure + shading + noise
    pixels: NDArray[np.uint8] = np.clip(np.rint(shown * 255), 0, 255).astype(np.uint8)
    return pixels
