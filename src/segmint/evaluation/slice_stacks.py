"""Synthetic slices of volumes stacked into volumes, for segmenters that draw whole cases alike, as nnU-Net does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmint.data.formats.format import AnyArray
from segmint.data.slices import widest_axis
from segmint.errors import UserError
from segmint.evaluation.regime import Regime
from segmint.evaluation.synthetic_sets import SyntheticSet


@dataclass(frozen=True)
class Stack:
    """A volume of slices that have nothing to do with one another.

    Attributes:
        case: its name; slices: numbers of the slices in the synthetic set, in the order they were drawn.
    """

    case: str
    slices: tuple[int, ...]


def plan_stacks(one: SyntheticSet, count: int, regime: Regime) -> list[Stack]:
    """The first `count` pairs in as many volumes that the volumes stand to the real ones as the slices do to the real slices.

    Where every case is drawn alike, slices are then drawn in the share that they have in the arm. A stack so has as many
    slices as the real training volumes on average, or one fewer or more; no pair is left out.

    Args:
        one: the synthetic set; regime: its volumes are what the stacks are to be like.

    Raises:
        UserError: nnU-Net's 2-D configuration would cut across the stacks.
    """
    axis = regime.slices.axis
    cut = widest_axis(regime.dataset)
    if axis != cut:
        raise UserError(
            f"{one.dataset.root} holds slices along axis {axis}, but nnU-Net's 2-D configuration cuts volumes of this spacing along"
            f" axis {cut}: train the generator on slices along axis {cut}."
        )
    cases, total = len(regime.dataset.cases_of(regime.labelled)), len(regime.training)
    volumes = min(count, max(1, round(count * cases / total)))
    digits = max(4, len(str(volumes)))
    parts = np.array_split(one.pairs[:count], volumes)
    return [Stack(f"synthetic_volume_{number:0{digits}d}", tuple(part.tolist())) for number, part in enumerate(parts)]


def write_stack(stack: Stack, one: SyntheticSet, regime: Regime, *, images: Path, labels: Path, ending: str) -> None:
    """Write the volume, one file a channel, and its label map: in-plane as the slices are, as far apart as the real ones.

    Args:
        images: folder of the channels, `CASE_0000` and so on; labels: of the label map.

    Raises:
        UserError: the slices differ in shape, or a file is damaged.
    """
    axis, dataset = regime.slices.axis, one.dataset
    assert axis is not None
    cases = {case.id: case for case in dataset.cases}
    records = [one.slices.records[number] for number in stack.slices]
    drawn = [_plane(dataset.read_image(cases[record.case]), record.slice, axis) for record in records]
    masks = [_plane(dataset.read_label(cases[record.case])[None], record.slice, axis)[0] for record in records]
    if len({image.shape for image in drawn}) > 1:
        raise UserError(
            f"{dataset.root} holds slices of different shapes, which cannot be stacked into volumes: sample them from one run."
        )
    affine = _placed(dataset.affine(cases[records[0].case]), axis, step=regime.slices.spacing[axis])
    volume, label = np.stack(drawn, axis=axis + 1), np.stack(masks, axis=axis)
    write = dataset.format
    for channel in range(len(volume)):
        path = images / f"{stack.case}_{channel:04d}{ending}"
        write.write_image(path, volume[channel : channel + 1], spacing=None, affine=affine)
    write.write_label(labels / f"{stack.case}{ending}", label, spacing=None, affine=affine)


def _plane(array: AnyArray, number: int, axis: int) -> AnyArray:
    """[C, h, w] of a single slice, or of one in a volume [C, X, Y, Z]."""
    return array if array.ndim == 3 else np.take(array, number, axis=axis + 1)


def _placed(affine: NDArray[np.float64] | None, axis: int, *, step: float) -> NDArray[np.float64]:
    """[4, 4] of the first slice, whose next ones lie `step` millimetres apart."""
    assert affine is not None, "volumes are NIfTI, which knows its affine"
    placed = np.array(affine, dtype=np.float64)
    placed[:3, axis] *= step / np.linalg.norm(placed[:3, axis])
    return placed
