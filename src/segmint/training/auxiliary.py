"""A condition map taught by another dataset that has it: "auxiliary mask predicted by transfer" [Rawnaq 2023]."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from segmint.data.conditioned_pool import ConditionedPool
from segmint.data.dataset import Dataset, open_dataset
from segmint.data.orientation import common_orientation, other_plane, plane_of
from segmint.errors import UserError
from segmint.recipes.contract import Stage, TransferStage
from segmint.training.checkpoint import CheckpointFolder, freeze
from segmint.training.material import Material, TrainingData, training_data

CHUNK = 32


@dataclass(frozen=True)
class Auxiliary:
    """name: of the condition map; data: of the dataset that has it."""

    name: str
    data: TrainingData

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the map's ids."""
        return self.data.dataset.conditions[self.name]

    @property
    def count(self) -> int:
        """Number of ids of the map."""
        return len(self.label_names)

    @property
    def material(self) -> Material:
        """What the transfer stage learns from."""
        names = [self.name]
        return Material(
            ConditionedPool(self.data.training, names),
            ConditionedPool(self.data.validation, names),
            ConditionedPool(self.data.unlabelled),
        )

    def as_json(self) -> dict[str, Any]:
        """For config.json."""
        dataset = self.data.dataset
        return {"path": str(dataset.root.resolve()), "identity": dataset.identity, "map": self.name}

    def predict(self, stage: Stage, material: Material, folder: Path, device: str) -> Material:
        """`material` with the map that `stage` predicts at its best checkpoint, which lies in `folder`."""
        assert isinstance(stage, TransferStage)
        freeze(stage, CheckpointFolder(folder / "checkpoints"))
        training = predict_condition(stage, material.training, device)
        return material.with_condition(
            self.name, self.count, training, predict_condition(stage, material.validation, device)
        )


def open_auxiliary(text: str, data: TrainingData, *, seed: int, tile: int | None) -> Auxiliary:
    """Read "DATASET:MAP" and cut that dataset to the size of `data`.

    Raises:
        UserError: no such dataset or map, `data` has the map itself, or the channels or labels differ from those of `data`.
    """
    path, colon, name = text.rpartition(":")
    if not colon or not path or not name:
        raise UserError(f"--auxiliary {text}: write it as DATASET:MAP.")
    dataset = open_dataset(Path(path))
    if name not in dataset.conditions:
        raise UserError(
            f'--auxiliary {text}: {dataset.root} has no condition map "{name}" '
            f"(it has {', '.join(dataset.conditions) or 'none'})."
        )
    if name in data.dataset.conditions:
        raise UserError(
            f'--auxiliary {text}: {data.dataset.root} has the condition map "{name}" itself, so there is none to predict: '
            "leave --auxiliary out."
        )
    for what, ours, theirs in (
        ("channels", data.dataset.channel_names, dataset.channel_names),
        ("labels", data.dataset.label_names, dataset.label_names),
    ):
        if len(ours) != len(theirs):
            raise UserError(
                f"--auxiliary {text}: it has {len(theirs)} {what} ({', '.join(theirs)}) where {data.dataset.root} has "
                f"{len(ours)} ({', '.join(ours)}): they must correspond."
            )
    axis = _axis_alike(text, data, dataset)
    return Auxiliary(name, training_data(dataset, size=data.slices.size, axis=axis, seed=seed, tile=tile))


def _axis_alike(text: str, data: TrainingData, helper: Dataset) -> int | None:
    """Along which axis slices of the auxiliary dataset lie as those of `data`: a map is learnt of slices as they are stored.

    It is that of `data`, or else the one whose plane is the same, where both datasets tell of theirs.
    """
    asked = data.slices.axis
    orientation = common_orientation(data.dataset, data.dataset.cases_of(data.split.train))
    plane = None if orientation is None or asked is None else plane_of(orientation, asked)
    # The default of volumes beside single slices, of which nothing is known.
    axes = (asked,) if helper.dimensions == 2 or asked is None else (asked, *(one for one in range(3) if one != asked))
    others = [other_plane(helper, axis=axis, plane=plane) for axis in axes]
    if None in others:
        return None if helper.dimensions == 2 else axes[others.index(None)]
    raise UserError(
        f"--auxiliary {text}: rows and columns of its slices lead to {' and '.join(others[0] or '')}, those of"
        f" {data.dataset.root} to {' and '.join(plane or '')}, so the map would be learnt from slices that are turned,"
        " mirrored or of another plane: "
        f"bring its volumes to the orientation {orientation} first (nibabel.orientations)."
    )


def predict_condition(stage: TransferStage, pool: ConditionedPool, device: str) -> NDArray[np.uint8]:
    """The condition map of every slice of a pool, ids [len, S, S]."""
    found = np.empty((len(pool), pool.size, pool.size), dtype=np.uint8)
    for start in range(0, len(pool), CHUNK):
        positions = np.arange(start, min(start + CHUNK, len(pool)))
        images, labels = pool.read(positions)
        predicted = stage.predict_condition(
            torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device).long()
        )
        found[positions] = predicted.cpu().numpy().astype(np.uint8)
    return found
