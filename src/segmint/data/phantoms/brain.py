"""The brain phantom: MR of heads with a tumour, four contrasts and three nested labels, drawn from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmint.data.phantoms.artefacts import Scanner, acquire
from segmint.data.phantoms.confounders import hyperintensities, vessels
from segmint.data.phantoms.contrasts import CHANNELS, draw_signals, render
from segmint.data.phantoms.cortex import brain_outline, fold_cortex
from segmint.data.phantoms.deep import deep_structures
from segmint.data.phantoms.grid import Array, Grid
from segmint.data.phantoms.head import Head, wander
from segmint.data.phantoms.lesion import Lesion, LesionMaps, grow_lesion
from segmint.data.phantoms.shapes import smooth_step
from segmint.data.phantoms.tissues import brain_mask, fill_voxels, label_voxels
from segmint.data.phantoms.writing import check_range, check_subject, subject_streams, write_subjects
from segmint.data.writer import DatasetWriter

LABELS = ("background", "necrosis", "edema", "enhancing")
SLICES = 12
_SMALLEST, _LARGEST = 32, 256


def draw_brain_subject(
    *, seed: int, subject: int = 1, size: int = 64, slices: int = SLICES
) -> tuple[Array, NDArray[np.uint8]]:
    """Draw one subject: the same arguments give the same arrays, bit for bit.

    Head and tumour depend on (seed, subject) alone, so another size or number of slices shows the same person.

    Args:
        seed: of the dataset, not negative.
        subject: number of the subject in it, not negative.
        size: pixels a side, 32 to 256, of slices 180 mm wide.
        slices: number of slices, 1 to 48, through 72 mm.

    Returns:
        Skull-stripped images, float32 [4, size, size, slices], whole numbers in the scanner's units and 0 outside the
        brain, contrasts in the order of `CHANNELS`; and the label map, uint8 [size, size, slices], ids in the order of
        `LABELS`. Rows run to the back of the head, columns to the subject's left, slices upwards.

    Raises:
        UserError: an argument is out of its range.
    """
    check_subject("brain", seed=seed, subject=subject)
    check_range("brain", "size", size, _SMALLEST, _LARGEST)
    check_range("brain", "slices", slices, 1, 48)
    grid = Grid(size=size, slices=slices)
    anatomy, disease, tissue, scanner = subject_streams(seed, subject, 4)
    head = Head.draw(anatomy)
    tumours = [Lesion.draw(disease)]
    if disease.random() < 0.15:
        tumours.append(Lesion.draw(disease, satellite=True))

    in_head = head.coordinates(anatomy, grid)
    outline = brain_outline(in_head)
    yielding = smooth_step(outline, -2.0, 20.0)  # the skull does not give way
    points = in_head
    for x, y, z in (wander(anatomy, grid), *(tumour.mass_effect(in_head) for tumour in tumours)):
        points = (points[0] - yielding * x, points[1] - yielding * y, points[2] - yielding * z)
    deep = deep_structures(points, head.ventricles)
    cortex = fold_cortex(
        anatomy, grid, head, points=points, outline=outline, core=np.minimum(deep.nuclei, deep.ventricles)
    )
    lesions = LesionMaps.nothing(grid.fine_shape)
    for tumour in tumours:
        lesions = lesions.joined(grow_lesion(disease, grid, tumour, points=in_head, cortex=cortex, deep=deep))

    shares, truth = fill_voxels(
        grid,
        head,
        cortex=cortex,
        deep=deep,
        lesions=lesions,
        hyperintensity=hyperintensities(anatomy, grid, head, cortex=cortex, deep=deep),
        vessel=vessels(anatomy, grid, points=points, cortex=cortex),
    )
    mask = brain_mask(grid, cortex)
    images = acquire(scanner, grid, Scanner.draw(scanner, len(CHANNELS)), render(shares, draw_signals(tissue)))
    labels = np.where(mask, label_voxels(truth), 0).astype(np.uint8)
    return np.where(mask, np.round(images), 0).astype(np.float32), labels


def write_brain_phantom(out: Path, *, subjects: int, seed: int, size: int = 64, overwrite: bool = False) -> Path:
    """Write a dataset of drawn subjects: one volume each, a split into 70 / 10 / 20 percent, licence CC0-1.0.

    A subject is the same whatever their number. The split is not: it deals all of them out.

    Args:
        out: folder of the new dataset.
        subjects: how many, at least 3 (one for each part of the split).
        seed: of subjects and split, not negative.
        size: pixels a side, 32 to 256.
        overwrite: replace what is at `out`.

    Returns:
        `out`.

    Raises:
        UserError: an argument is out of its range, or `out` exists or cannot be written.
    """
    check_range("brain", "size", size, _SMALLEST, _LARGEST)
    grid = Grid(size=size, slices=SLICES)

    def add(writer: DatasetWriter, number: int, name: str) -> None:
        images, labels = draw_brain_subject(seed=seed, subject=number, size=size)
        writer.add(name, images, labels, subject=name, spacing=grid.spacing, affine=grid.affine())

    return write_subjects(
        out,
        kind="brain",
        subjects=subjects,
        seed=seed,
        overwrite=overwrite,
        channel_names=CHANNELS,
        label_names=LABELS,
        file_ending=".nii.gz",
        add=add,
    )
