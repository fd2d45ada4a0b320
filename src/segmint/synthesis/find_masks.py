"""Which masks a painter paints: the training's own, deformed ones, those of a generator, or a dataset's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segmint.data.conditioned_pool import ConditionedPool
from segmint.data.dataset import Dataset, open_dataset
from segmint.data.foreground import FOREGROUND, foreground_of_pool
from segmint.data.orientation import other_plane, plane_of
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import open_slices
from segmint.errors import UserError
from segmint.recipes.contract import MaskStage, PairStage
from segmint.synthesis.mask_source import DeformedMasks, GeneratedMasks, MaskSource, RealMasks
from segmint.synthesis.opened_run import OpenedRun
from segmint.training.seen_lists import marks_seen, seen, seen_before, seen_by, union


@dataclass(frozen=True)
class FoundMasks:
    """Masks to paint, what has been seen by what they stand on, and, where they are not the training's, their grid."""

    source: MaskSource
    seen: dict[str, list[list[str]]] = field(default_factory=dict)
    stands_on: tuple[str, ...] = ()
    grid: dict[str, Any] = field(default_factory=dict)


def find_masks(opened: OpenedRun, mask_source: str | None, masks: Path | None, truncation: float) -> FoundMasks:
    """The masks that a run paints.

    Args:
        mask_source: "real", "deformed", or a run that draws masks or pairs; None: as in training.
        masks: a dataset whose label maps are painted, in its own order and on its own grid, in place of a mask source.
        truncation: of a generator of masks.

    Raises:
        UserError: something does not exist or does not fit.
    """
    if masks is not None:
        if mask_source is not None:
            raise UserError("--masks and --mask-source exclude each other: give one.")
        return _masks_of(opened, masks)
    named = mask_source or opened.config["mask_source"]
    if named == "real":
        return FoundMasks(RealMasks(opened.training_masks()))
    if named == "deformed":
        return FoundMasks(DeformedMasks(RealMasks(opened.training_masks())))
    if mask_source is None:
        part = opened.part("masks")
        assert part is not None
        stage, _, _ = opened.stage(part)
        assert isinstance(stage, MaskStage)
        return FoundMasks(GeneratedMasks(stage, part.task.mask_counts, truncation=truncation))
    return _masks_of_run(opened, Path(mask_source), truncation)


def _masks_of_run(opened: OpenedRun, run: Path, truncation: float) -> FoundMasks:
    if not (run / "config.json").is_file():
        raise UserError(f"--mask-source {run}: give real, deformed, or the folder of a run that draws masks.")
    other = OpenedRun.at(run, checkpoint=opened.checkpoint, device=opened.hardware.device)
    part = other.part("masks") or other.parts[-1]
    try:
        stage, sha256, _ = other.stage(part, (MaskStage, PairStage))
    except LookupError:
        raise UserError(f"--mask-source {run}: a run of {part.recipe.name} draws no masks (segmint recipes).") from None
    assert isinstance(stage, MaskStage | PairStage)
    if part.task.size != opened.config["size"]:
        raise UserError(
            f"--mask-source {run}: it draws masks of {part.task.size} pixels, {opened.folder.root} paints "
            f"{opened.config['size']}: train both with one --size."
        )
    _check_labels(opened, other.config["dataset"]["label_names"], f"--mask-source {run}")
    counts = part.task.mask_counts if isinstance(stage, MaskStage) else (part.task.label_count,)
    stands_on = (f"{other.folder.root.resolve()} {sha256}",)
    return FoundMasks(GeneratedMasks(stage, counts, truncation=truncation), seen_by(other.config), stands_on)


def _masks_of(opened: OpenedRun, path: Path) -> FoundMasks:
    dataset = open_dataset(path)
    _check_labels(opened, dataset.label_names, f"--masks {path}")
    axis = opened.config["axis"] if dataset.dimensions == 3 else None
    slices = open_slices(dataset, size=opened.config["size"], axis=axis)
    _check_plane(opened, path, dataset, axis=axis)
    pool = PairPool([PoolPart(slices, slices.indices(dataset.subjects))])
    names = opened.config["conditions"]
    missing = [name for name in names if name not in dataset.conditions and name != FOREGROUND]
    if missing:
        raise UserError(
            f'--masks {path}: it has no condition map "{missing[0]}", which {opened.folder.root} paints with.'
        )
    present = [name for name in names if name in dataset.conditions]
    masks = ConditionedPool(pool, present)
    if FOREGROUND in names and FOREGROUND not in present:
        masks = masks.with_condition(FOREGROUND, 2, foreground_of_pool(pool))
    masks = masks.ordered(list(names))
    before = seen_before(dataset)
    found = {
        **before,
        "labels_seen": union(seen(dataset, dataset.subjects), before["labels_seen"]),
        "marks_seen": union(marks_seen(dataset, pool), before["marks_seen"]),
    }
    grid: dict[str, Any] = {"scale": slices.scale, "reference_shape": list(slices.reference_shape)}
    if len(slices.spacing) == len(opened.config["grid"]["spacing"]):
        grid["spacing"] = list(slices.spacing)
    stands_on = (f"{dataset.root.resolve()} {dataset.identity}",)
    return FoundMasks(RealMasks(masks, shuffled=False), found, stands_on, grid)


def _check_labels(opened: OpenedRun, names: Sequence[str], said: str) -> None:
    """The same ids must mean the same: a vessel is not painted as a lesion."""
    ours = opened.config["dataset"]["label_names"]
    if [name.casefold() for name in names[1:]] != [name.casefold() for name in ours[1:]]:
        raise UserError(
            f"{said}: its labels are {', '.join(names[1:])}, and {opened.folder.root} paints {', '.join(ours[1:])}: they must be"
            " the same, in the same order; where they mean the same, name them alike in its dataset.json."
        )


def _check_plane(opened: OpenedRun, path: Path, dataset: Dataset, *, axis: int | None) -> None:
    """Masks are painted as they are stored, so they must be stored as the run's were, where both tell."""
    orientation, cut = opened.config["grid"].get("orientation"), opened.config["axis"]
    plane = None if orientation is None or cut is None else plane_of(orientation, cut)
    found = other_plane(dataset, axis=axis, plane=plane)
    if found is not None:
        raise UserError(
            f"--masks {path}: rows and columns of its slices lead to {' and '.join(found)}, those that {opened.folder.root} learned"
            f" from to {' and '.join(plane or '')}, so the masks would be painted turned or mirrored: bring the volumes to the "
            f"orientation {orientation} first (nibabel.orientations)."
        )
