"""Label maps that a person gave to images the run drew, kept in the run folder.

Which image it was is kept as the seed and the number of the drawing: the image can be drawn again at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from segmint.errors import UserError
from segmint.outputs import read_json, staged_folder, write_json
from segmint.recipes.contract import Annotations
from segmint.training.pair_generator import pair_generator
from segmint.training.run_folder import RunFolder

_LABELS, _DRAWING = "labels.safetensors", "drawing.json"


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


def read_annotations(run: RunFolder) -> Annotations:
    """What was imported.

    Raises:
        UserError: the files are damaged.
    """
    try:
        drawing = read_json(run.annotations / _DRAWING)
        labels = load_file(run.annotations / _LABELS)["labels"].long()
        generators = tuple(pair_generator(int(drawing["seed"]), int(number)) for number in drawing["numbers"])
        return Annotations(labels, generators, float(drawing["truncation"]))
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise UserError(f"{run.annotations} is damaged ({error}): import the label maps again.") from error
