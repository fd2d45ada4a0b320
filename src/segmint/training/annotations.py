"""Label maps that a person gave to images the run drew, kept in the run folder.

Which image it was is kept as the seed and the number of the drawing: the image can be drawn again at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, Field, FiniteFloat, StrictInt
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from segmint.data.formats.memory import check_memory
from segmint.errors import UserError
from segmint.outputs import read_json, staged_folder, write_json
from segmint.recipes.contract import Annotations
from segmint.training.pair_generator import pair_generator
from segmint.training.run_folder import RunFolder

_LABELS, _DRAWING = "labels.safetensors", "drawing.json"
# Of a stored id: the file, its tensor, and the 64-bit integer.
_COPIES = 10


class _Drawing(BaseModel):
    """What is read of drawing.json."""

    seed: Annotated[StrictInt, Field(ge=0)]
    numbers: Annotated[list[Annotated[StrictInt, Field(ge=0)]], Field(min_length=1)]
    truncation: Annotated[FiniteFloat, Field(gt=0, le=1)]


def has_annotations(run: RunFolder) -> bool:
    """Whether label maps were imported."""
    return (run.annotations / _DRAWING).exists()


def write_annotations(
    run: RunFolder,
    labels: NDArray[np.uint8],
    *,
    seed: int,
    numbers: Sequence[int],
    truncation: float,
    checkpoint_sha256: str,
    overwrite: bool = False,
) -> Path:
    """Keep label maps [M, S, S] of images `numbers` of the drawing with `seed` by that checkpoint.

    Raises:
        UserError: there are some already and `overwrite` is false.
    """
    with staged_folder(run.annotations, overwrite=overwrite) as staging:
        save_file({"labels": torch.from_numpy(np.array(labels, dtype=np.uint8))}, staging / _LABELS)
        write_json(
            staging / _DRAWING,
            {
                "seed": seed,
                "numbers": list(numbers),
                "truncation": truncation,
                "checkpoint_sha256": checkpoint_sha256,
            },
        )
    return run.annotations


def read_annotations(run: RunFolder, *, size: int, label_count: int) -> Annotations:
    """What was imported, for a stage that draws images of `size` pixels with so many labels.

    Raises:
        UserError: the files are damaged, or for another stage.
    """
    path = run.annotations / _LABELS
    try:
        drawing = _Drawing.model_validate(read_json(run.annotations / _DRAWING))
        check_memory(path, (path.stat().st_size,), bytes_a_value=_COPIES)
        labels = load_file(path)["labels"].long()
        if (
            labels.shape != (len(drawing.numbers), size, size)
            or not 0 <= int(labels.min()) <= int(labels.max()) < label_count
        ):
            raise ValueError(
                f"label maps of shape {tuple(labels.shape)} with ids up to {int(labels.max())} for {len(drawing.numbers)} images of"
                f" {size} pixels and {label_count} labels"
            )
    except (OSError, KeyError, RuntimeError, ValueError, SafetensorError) as error:
        raise UserError(f"{run.annotations} is damaged ({error}): import the label maps again.") from error
    generators = tuple(pair_generator(drawing.seed, number) for number in drawing.numbers)
    return Annotations(labels, generators, drawing.truncation)
