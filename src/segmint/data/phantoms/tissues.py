"""What every voxel consists of: shares of tissue, and the truth about the lesion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmint.data.phantoms.contrasts import TISSUES
from segmint.data.phantoms.cortex import Cortex
from segmint.data.phantoms.deep import Deep
from segmint.data.phantoms.grid import Array, Grid
from segmint.data.phantoms.head import Head
from segmint.data.phantoms.lesion import LesionMaps
from segmint.data.phantoms.shapes import coverage

_EDGE = 1.2
"""Width of a tissue border, mm: about a fine voxel."""


def fill_voxels(
    grid: Grid, head: Head, *, cortex: Cortex, deep: Deep, lesions: LesionMaps, hyperintensity: Array, vessel: Array
) -> tuple[Array, Array]:
    """Lay the tissues over each other on the fine grid, the one that covers the others first, and average into voxels.

    Args:
        hyperintensity: strength of white-matter hyperintensities, in [0, 1].
        vessel: share of vessels, in [0, 1].

    Returns:
        Shares [tissue, rows, columns, slices] that add up to 1, in the order of `TISSUES`, and the shares [3, ...] of
        necrosis, edema and enhancing tumour, free of the scanner's ambiguity.
    """
    left = np.ones(grid.fine_shape, dtype=np.float32)
    shares: dict[str, Array] = {}

    def lay(tissue: str, cover: Array) -> None:
        nonlocal left
        share = left * cover
        left = left - share
        shares[tissue] = grid.average(share)

    lay("dura", coverage(cortex.hull + np.float32(1.6), 1.0) * np.float32(0.5))
    lay("vessel", vessel * (1 - lesions.core))
    lay("choroid", coverage(np.maximum(deep.choroid, deep.lateral), 2.0) * np.float32(0.8) * (1 - lesions.solid))
    nested = (lesions.necrosis, lesions.whole - lesions.core, lesions.core - lesions.necrosis)
    truth = np.stack([grid.average(left * share) for share in nested])
    lay("necrosis", lesions.necrosis)
    not_dead = np.maximum(1 - lesions.necrosis, np.float32(1e-3)).astype(np.float32)
    lay("enhancing", (lesions.core - lesions.necrosis) / not_dead)
    fluid = np.minimum(np.minimum(cortex.pial, deep.ventricles), deep.cisterns)
    lay("fluid", coverage(fluid, _EDGE) * (1 - lesions.solid))
    lay("edema", lesions.edema)
    lay("hyperintensity", hyperintensity)
    lay("pallidum", coverage(deep.pallidum, 2.0))
    # the brainstem's nuclei lie too close among its tracts to be told apart
    lay("deep grey", np.maximum(coverage(deep.grey, 2.0), coverage(deep.brainstem, 2.0) * np.float32(0.35)))
    lay("grey", coverage(cortex.pial - np.float32(head.cortex), 1.5))
    shares["white"] = grid.average(left)
    return np.stack([shares[tissue] for tissue in TISSUES]), truth


def label_voxels(truth: Array) -> NDArray[np.uint8]:
    """The label (1..3) that fills most of a voxel, 0 where lesions fill less than 0.4 of it.

    Args:
        truth: shares [3, ...].
    """
    largest = truth.argmax(0).astype(np.uint8) + np.uint8(1)
    return np.where(truth.sum(0) >= 0.4, largest, 0).astype(np.uint8)


def brain_mask(grid: Grid, cortex: Cortex) -> NDArray[np.bool_]:
    """Voxels that a skull stripping would keep: the brain and a thin rim of fluid and meninges."""
    return grid.average(coverage(-cortex.hull - np.float32(2.0), 1.0)) > 0.5
