"""From a run folder to its sampler: stages restored, masks found, what has been seen put together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmint.data.conditioned_pool import ConditionedPool
from segmint.data.dataset import Dataset, open_dataset
from segmint.data.foreground import FOREGROUND, foreground_of_pool
from segmint.data.orientation import other_plane, plane_of
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import open_slices
from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.recipes.contract import (
    ImageStage,
    MaskStage,
    PairStage,
    SegmenterStage,
    Stage,
    TransferStage,
    TranslatorStage,
)
from segmint.synthesis.draw import PaintedSampler, PairSampler, Sampler
from segmint.synthesis.drawing_check import undrawn_masks
from segmint.synthesis.mask_source import BalancedMasks, DeformedMasks, GeneratedMasks, MaskSource, RealMasks
from segmint.synthesis.screened_masks import ScreenedMasks, yardstick_of
from segmint.training.auxiliary import predict_condition
from segmint.training.checkpoint import CheckpointFolder, freeze, restore
from segmint.training.material import conditioned, training_data
from segmint.training.parts import Part
from segmint.training.precision import Hardware, choose_hardware
from segmint.training.run_folder import WAITING, RunFolder
from segmint.training.seen_lists import marks_seen, seen, seen_before, seen_by, union
from segmint.training.segmenter import Segmenter
from segmint.training.stored_config import read_checked_parts, read_config

CHECKPOINTS = ("auto", "best", "last")


@dataclass(frozen=True)
class OpenedRun:
    """A run's folder, configuration and parts, each part's stage restored when asked for.

    Raises:
        UserError: the folder is no run, or its files are damaged.
    """

    folder: RunFolder
    config: dict[str, Any]
    parts: tuple[Part, ...]
    hardware: Hardware
    checkpoint: str

    @classmethod
    def at(cls, run: Path, *, checkpoint: str, device: str) -> OpenedRun:
        """Open `run`.

        Args:
            checkpoint: "best" (by the validation measure), "last", or "auto" (`CheckpointFolder.choice`).
        """
        if checkpoint not in CHECKPOINTS:
            raise UserError(
                f"--checkpoint {checkpoint} is unknown: use {', '.join(CHECKPOINTS[:-1])} or {CHECKPOINTS[-1]}."
            )
        folder = RunFolder(run)
        config = read_config(folder)
        hardware = choose_hardware(device=device, precision="float32")
        hardware.apply()
        parts = tuple(read_checked_parts(folder, config))
        return cls(folder, config, parts, hardware, checkpoint)

    def stage(self, part: Part, kinds: tuple[type[Stage], ...] = (Stage,)) -> tuple[Stage, str, int]:
        """The last stage of a part that is of one of the kinds, in evaluation mode.

        Returns:
            The stage, its checkpoint's hash, and the images it was shown.

        Raises:
            UserError: it has no checkpoint yet, or one that does not fit.
            LookupError: the part has no such stage.
        """
        first, stages = self.stages(part)
        place = next((i for i in reversed(range(len(stages))) if isinstance(stages[i], kinds)), None)
        if place is None:
            raise LookupError(f"{part.recipe.name} has no such stage")
        stage = stages[place]
        checkpoints = self.checkpoints(first + place, stage)
        loaded = checkpoints.load(checkpoints.choice(self.checkpoint))
        restore(stage, loaded.tensors)
        for number, earlier in enumerate(stages[:place], start=first):
            if earlier in stage.stands_on:
                freeze(earlier, self.checkpoints(number, earlier))
        stage.eval()
        return stage, loaded.sha256, int(loaded.state["images"])

    def image_stage(self) -> tuple[ImageStage, str]:
        """The stage that draws images without labels, at the checkpoint others stand on, and that checkpoint's hash.

        Raises:
            UserError: there is none, or it is not trained yet.
        """
        for part in self.parts:
            first, stages = self.stages(part)
            for number, stage in enumerate(stages, start=first):
                if not isinstance(stage, ImageStage):
                    continue
                begun = len(self.folder.stage_folders()) > number + 1
                # Labels are taken for images that are drawn by then, also where learning from them was interrupted.
                waited = self.folder.status == WAITING or self.folder.annotations.exists()
                if not begun and not waited:
                    raise UserError(
                        f"{self.folder.root} has not finished learning to draw images: train it (segmint train ... --resume)."
                    )
                checkpoints = self.checkpoints(number, stage)
                freeze(stage, checkpoints)
                return stage, str(checkpoints.entry(checkpoints.choice("auto"))["sha256"])
        raise UserError(
            f"{self.folder.root} is a run of {self.parts[-1].recipe.name}, which draws no images without labels: give one of a "
            "recipe that does (segmint recipes)."
        )

    def segmenter_stage(self) -> SegmenterStage:
        """The last stage that segments, of a run whose recipe gives a segmenter, at the checkpoint others stand on.

        Raises:
            UserError: there is none, or it is not trained yet.
        """
        part = self.parts[-1]
        first, stages = self.stages(part)
        for number, stage in reversed(list(enumerate(stages, start=first))):
            if not isinstance(stage, SegmenterStage):
                continue
            for earlier_number, earlier in enumerate(stages[: number - first], start=first):
                if earlier in stage.stands_on:
                    freeze(earlier, self.checkpoints(earlier_number, earlier))
            freeze(stage, self.checkpoints(number, stage))
            return stage
        raise UserError(
            f"{self.folder.root} is a run of {part.recipe.name}, which gives no segmenter (segmint recipes)."
        )

    def stages(self, part: Part) -> tuple[int, list[Stage]]:
        """Stages of a part as they are built, and the number of the first among all of the run."""
        first = 0
        for one in self.parts:
            stages = one.build(self.hardware, seed=0)
            if one is part:
                return first, stages
            first += len(stages)
        raise ValueError(f"{part.recipe.name} is no part of {self.folder.root}")

    def checkpoints(self, number: int, stage: Stage) -> CheckpointFolder:
        """Checkpoints of a stage.

        Raises:
            UserError: there are none yet.
        """
        found = self.folder.checkpoints(self.folder.stage_folder(number, stage.name))
        if not found.has("last"):
            waiting = " (it waits for labels: segmint annotate)" if self.folder.status == WAITING else ""
            raise UserError(
                f"{self.folder.root} has no checkpoint yet{waiting}: train it (segmint train ... --resume)."
            )
        return found

    def part(self, role: str) -> Part | None:
        """The part of that role, if the run has one."""
        return next((part for part in self.parts if part.role == role), None)

    def dataset(self) -> Dataset:
        """The dataset the run was trained on.

        Raises:
            UserError: it is gone, or has changed since.
        """
        stored = self.config["dataset"]
        dataset = open_dataset(Path(stored["path"]))
        if dataset.identity != stored["identity"]:
            raise UserError(f"{dataset.root} has changed since the run was trained: restore it.")
        return dataset

    def training_masks(self) -> ConditionedPool:
        """Whole slices of the training subjects with the run's condition maps."""
        config = self.config
        data = training_data(
            self.dataset(),
            size=config["size"],
            axis=config["axis"],
            seed=config["seed"],
            subset=config["subset"],
            labelled_subjects=config["labelled_subjects"],
            # That of the training, which need not be the one that is stored now.
            split=Split(**{part: tuple(subjects) for part, subjects in config["split"].items()}),
        )
        transfer = self.part("transfer")
        predicted = config["auxiliary"]["map"] if transfer is not None else None
        pool = conditioned(data, list(config["conditions"]), predicted).training
        if transfer is None or predicted is None:
            return pool
        stage, _, _ = self.stage(transfer)
        assert isinstance(stage, TransferStage)
        (count,) = transfer.task.condition_counts
        found = predict_condition(stage, pool, self.hardware.device)
        return pool.with_condition(predicted, count, found).ordered(list(config["conditions"]))


@dataclass(frozen=True)
class OpenedSampler:
    """A sampler with its run, and what has been seen by all that its pairs stand on."""

    run: OpenedRun
    sampler: Sampler
    seen: dict[str, list[list[str]]]
    stands_on: tuple[str, ...]


def open_sampler(run: Path, *, checkpoint: str = "auto", device: str = "auto") -> Sampler:
    """The sampler of a run, with the masks it was trained with where it paints masks.

    Raises:
        UserError: `run` is no run, gives no pairs, or its files are damaged.
    """
    return open_run(run, checkpoint=checkpoint, device=device).sampler


def open_run(
    run: Path,
    *,
    checkpoint: str = "auto",
    device: str = "auto",
    mask_source: str | None = None,
    masks: Path | None = None,
    balance: tuple[int, float] | None = None,
    screen_masks: bool = False,
    truncation: float = 1.0,
) -> OpenedSampler:
    """The sampler of a run.

    Args:
        mask_source: "real", "deformed", or a run that draws masks or pairs; default: as in training.
        masks: a dataset whose label maps are painted, in its own order, in place of a mask source.
        balance: (label, share): that share of the masks has the label.
        screen_masks: masks unlike the run's training masks are drawn again.
        truncation: of the mask source.

    Raises:
        UserError: something does not exist or does not fit.
    """
    opened = OpenedRun.at(run, checkpoint=checkpoint, device=device)
    try:
        stage, sha256, shown = opened.stage(opened.parts[-1], (PairStage, TranslatorStage))
    except LookupError:
        name = opened.parts[-1].recipe.name
        raise UserError(
            f"{run} is a run of {name}, which draws no pairs: give a run of a recipe that does (segmint recipes)."
        ) from None
    lists = seen_by(opened.config)
    if isinstance(stage, PairStage):
        if mask_source is not None or masks is not None or screen_masks:
            raise UserError(
                f"{run} draws images and masks together: leave --mask-source, --masks and --screen-masks out."
            )
        pairs = PairSampler(stage, checkpoint_sha256=sha256, images_shown=shown, balance=balance)
        return OpenedSampler(opened, pairs, lists, ())
    assert isinstance(stage, TranslatorStage)
    source, more, stands_on = _find_masks(opened, mask_source, masks, truncation)
    if source.counts != opened.parts[-1].task.mask_counts:
        raise UserError(
            f"The masks have {_counted(source.counts)} where {run} paints {_counted(opened.parts[-1].task.mask_counts)}: "
            "they must be the same labels and condition maps."
        )
    if truncation < 1 and not isinstance(source, GeneratedMasks):
        raise undrawn_masks(truncation, str(run))
    if screen_masks:
        if isinstance(source, RealMasks):
            raise UserError(
                "--screen-masks is for masks that are deformed or drawn by a generator; these are real: leave it out."
            )
        source = ScreenedMasks(source, yardstick_of(opened.training_masks()))
    if balance is not None:
        source = BalancedMasks(source, label=balance[0], share=balance[1])
    painted = PaintedSampler(
        stage,
        source,
        device=opened.hardware.device,
        checkpoint_sha256=sha256,
        images_shown=shown,
        condition_names=tuple(opened.config["conditions"]),
    )
    return OpenedSampler(opened, painted, {key: union(lists[key], more.get(key, [])) for key in lists}, stands_on)


def open_run_segmenter(run: Path, *, checkpoint: str = "auto", device: str = "auto") -> Segmenter:
    """The segmenter of a run.

    Raises:
        UserError: `run` is no run, gives no segmenter, or its files are damaged.
    """
    opened = OpenedRun.at(run, checkpoint=checkpoint, device=device)
    try:
        stage, _, _ = opened.stage(opened.parts[-1], (SegmenterStage,))
    except LookupError:
        name = opened.parts[-1].recipe.name
        raise UserError(
            f"{run} is a run of {name}, which gives no segmenter: give a run of a recipe that does (segmint recipes)."
        ) from None
    assert isinstance(stage, SegmenterStage)
    return Segmenter(stage, opened.hardware.device)


Seen = dict[str, list[list[str]]]


def _find_masks(
    opened: OpenedRun, mask_source: str | None, masks: Path | None, truncation: float
) -> tuple[MaskSource, Seen, tuple[str, ...]]:
    if masks is not None:
        if mask_source is not None:
            raise UserError("--masks and --mask-source exclude each other: give one.")
        return _masks_of(opened, masks)
    named = mask_source or opened.config["mask_source"]
    if named == "real":
        return RealMasks(opened.training_masks()), {}, ()
    if named == "deformed":
        return DeformedMasks(RealMasks(opened.training_masks())), {}, ()
    if mask_source is None:
        part = opened.part("masks")
        assert part is not None
        stage, _, _ = opened.stage(part)
        assert isinstance(stage, MaskStage)
        return GeneratedMasks(stage, part.task.mask_counts, truncation=truncation), {}, ()
    return _masks_of_run(opened, Path(mask_source), truncation)


def _masks_of_run(opened: OpenedRun, run: Path, truncation: float) -> tuple[MaskSource, Seen, tuple[str, ...]]:
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
    counts = part.task.mask_counts if isinstance(stage, MaskStage) else (part.task.label_count,)
    found = seen_by(other.config)
    stands_on = (f"{other.folder.root.resolve()} {sha256}",)
    return GeneratedMasks(stage, counts, truncation=truncation), found, stands_on


def _masks_of(opened: OpenedRun, path: Path) -> tuple[MaskSource, Seen, tuple[str, ...]]:
    dataset = open_dataset(path)
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
    return RealMasks(masks, shuffled=False), found, (f"{dataset.root.resolve()} {dataset.identity}",)


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


def _counted(counts: tuple[int, ...]) -> str:
    labels = f"{counts[0]} labels"
    return labels if len(counts) == 1 else f"{labels} and {len(counts) - 1} condition maps"
