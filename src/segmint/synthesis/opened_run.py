"""A run folder with its stages restored at chosen checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmint.data.conditioned_pool import ConditionedPool
from segmint.data.dataset import Dataset, open_dataset
from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.recipes.contract import ImageStage, SegmenterStage, Stage, TransferStage
from segmint.training.auxiliary import predict_condition
from segmint.training.checkpoint import CheckpointFolder, freeze, restore
from segmint.training.material import conditioned, training_data
from segmint.training.parts import Part
from segmint.training.precision import Hardware, choose_hardware
from segmint.training.run_folder import WAITING, RunFolder
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
