"""The brain phantom: MR of heads with a tumour, four contrasts and three nested labels, drawn from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmint.data.phantoms.artefacts import Scanner, acquire
from segmint.data.phantoms.confounders import hyperintensities, vessels
from segmint.data.phantoms.contrasts import CHANNELS, TISSUES, draw_signals, render
from segmint.data.phantoms.cortex import Cortex, brain_outline, fold_cortex
from segmint.data.phantoms.deep import Deep, deep_structures
from segmint.data.phantoms.grid import Array, Grid
from segmint.data.phantoms.head import Head, wander
from segmint.data.phantoms.lesion import Lesion, LesionMaps, grow_lesion
from segmint.data.phantoms.shapes import coverage, smooth_step

LABELS = ("background", "necrosis", "edema", "enhancing")


def draw_brain_subject(
    *, seed: int, subject: int = 0, size: int = 64, slices: int = 12
) -> tuple[Array, NDArray[np.uint8]]:
    """Draw one subject: the same (seed, subject, size, slices) gives the same arrays bit for bit.

    The head and its tumour depend on (seed, subject) alone, so another size shows the same person.

    Returns:
        Skull-stripped images float32 [4, size, size, slices] in scanner units (whole numbers, 0 outside the brain), contrasts
        in the order of `CHANNELS`, and the label map uint8 [size, size, slices] with ids in the order of `LABELS`.
    """
    grid = Grid(size=size, slices=slices)
    anatomy_rng, lesion_rng, tissue_rng, scanner_rng = (
        np.random.default_rng(s) for s in np.random.SeedSequence((seed, subject)).spawn(4)
    )
    head = Head.draw(anatomy_rng)
    lesions = [Lesion.draw(lesion_rng)]
    if lesion_rng.random() < 0.15:
        lesions.append(Lesion.draw(lesion_rng, satellite=True))

    in_head = head.coordinates(anatomy_rng, grid)
    outline = brain_outline(in_head)
    yielding = smooth_step(outline, -2.0, 20.0)  # the skull does not give way
    inside = in_head
    for shift in (wander(anatomy_rng, grid), *(lesion.mass_effect(in_head) for lesion in lesions)):
        inside = tuple(p - yielding * s for p, s in zip(inside, shift, strict=True))
    deep = deep_structures(inside, head.ventricles)
    core = np.minimum(np.minimum(deep.grey, deep.pallidum), deep.ventricles)
    cortex = fold_cortex(anatomy_rng, grid, head, points=inside, outline=outline, core=core)
    basins = np.minimum(deep.ventricles, deep.cisterns)
    maps = LesionMaps.nothing(grid.fine_shape)
    for lesion in lesions:
        maps = maps.joined(
            grow_lesion(
                lesion_rng,
                grid,
                lesion,
                points=in_head,
                pial=np.minimum(cortex.pial, basins),
                boundary=cortex.boundary,
                basins=basins,
                deep_grey=np.minimum(deep.grey, deep.pallidum),
            )
        )
    white_matter_lesions = hyperintensities(anatomy_rng, grid, head, cortex=cortex, deep=deep)
    vessel = vessels(anatomy_rng, grid, points=inside, cortex=cortex)

    shares, truth = _compose(grid, head, cortex, deep, maps, white_matter_lesions, vessel)
    mask = grid.average(coverage(-cortex.hull - 2.0, 1.0)) > 0.5
    labels = np.where(mask, _label(truth), 0).astype(np.uint8)
    images = acquire(scanner_rng, grid, Scanner.draw(scanner_rng, len(CHANNELS)), render(shares, draw_signals(tissue_rng)))
    return np.where(mask, np.round(images), 0).astype(np.float32), labels


def _compose(
    grid: Grid, head: Head, cortex: Cortex, deep: Deep, maps: LesionMaps, white_matter_lesions: Array, vessel: Array
) -> tuple[dict[str, Array], Array]:
    """Stack the tissues, nearest the eye first; return their shares in each voxel, and the truth [3, ...] for labels 1..3."""
    width = 1.2
    left = np.ones(grid.fine_shape, dtype=np.float32)
    shares: dict[str, Array] = {}

    def lay(tissue: str, cover: Array) -> Array:
        nonlocal left
        share = left * cover
        left = left - share
        shares[tissue] = grid.average(share)
        return share

    lay("dura", coverage(cortex.hull + np.float32(1.6), 1.0) * np.float32(0.5))
    lay("vessel", vessel * (1 - maps.core))
    lay("choroid", coverage(np.maximum(deep.choroid, deep.lateral), 2.0) * np.float32(0.8) * (1 - maps.solid))
    truth = np.stack([grid.average(left * t) for t in (maps.necrosis, maps.whole - maps.core, maps.core - maps.necrosis)])
    lay("necrosis", maps.necrosis)
    lay("enhancing", (maps.core - maps.necrosis) / np.maximum(1 - maps.necrosis, np.float32(1e-3)))
    fluid = np.minimum(np.minimum(cortex.pial, deep.ventricles), deep.cisterns)
    lay("fluid", coverage(fluid, width) * (1 - maps.solid))
    lay("edema", maps.edema)
    lay("hyperintensity", white_matter_lesions * (1 - maps.edema))
    lay("pallidum", coverage(deep.pallidum, 2.0))
    lay("deep grey", coverage(deep.grey, 2.0))
    lay("grey", coverage(cortex.pial - np.float32(head.cortex), 1.5))
    shares["white"] = grid.average(left)
    assert set(shares) == set(TISSUES)
    return shares, truth


def _label(truth: Array) -> NDArray[np.uint8]:
    """The label that fills most of a voxel, where lesions fill about half of it: an expert's outline holds such voxels too."""
    largest = truth.argmax(0).astype(np.uint8) + 1
    return np.where(truth.sum(0) > 0.4, largest, 0).astype(np.uint8)


def write_brain_phantom(out: Path, *, subjects: int, seed: int, size: int = 64, overwrite: bool = False) -> Path:
    raise NotImplementedError
