"""Stages taken over from a run that differs in nothing they depend on, as labels they do not see: they would be the same,
bit for bit."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segmint.errors import UserError
from segmint.outputs import staged_folder
from segmint.recipes.contract import Stage
from segmint.training.run_config import as_json, recorded
from segmint.training.run_folder import WAITING, RunFolder, RunLog
from segmint.training.stored_config import read_config

# What a run's configuration may differ in: whose labels are seen, and where things lie. Settings are compared by stage.
_OF_LABELS = ("labelled_subjects", "labels_seen", "images_seen", "marks_seen", "dataset", "taken_over")
_OF_SETTINGS = ("settings", "parts")


def find_stages(other: RunFolder, config: Mapping[str, Any], stages: Sequence[Stage]) -> dict[str, dict[str, str]]:
    """The stages of a new run that can be taken over: by folder name the run they come from and their checkpoint's hash.

    Args:
        other: a run of the same recipe, data and seed, and of the same settings as far as they shape those stages.
        config: of the new run; stages: all of its, in order.

    Raises:
        UserError: `other` is no run, differs in more, or has not finished those stages.
    """
    before = read_config(other)
    found: dict[str, dict[str, str]] = {}
    for index, stage in enumerate(stages[:-1]):
        if stage.sees_labels:
            continue
        differing = _differing(before, config, stage)
        folder = other.stage_folder(index, stage.name)
        # Later ones may be of another kind there, or not be there at all; they are trained.
        if found and (differing is not None or folder not in other.stage_folders()):
            break
        if differing is not None:
            raise UserError(
                f"--reuse {other.root}: that run has another {differing}; only runs that differ in labels, or in what its "
                f"stage {stage.name} does not depend on, can be reused."
            )
        # A run that waits for labels has trained what it has.
        if other.status not in ("done", WAITING) and folder not in other.stage_folders()[:-1]:
            raise UserError(f"--reuse {other.root}: its stage {stage.name} is not finished; let that run finish first.")
        found[folder.name] = {
            "run": str(other.root.resolve()),
            "sha256": str(other.checkpoints(folder).entry("last")["sha256"]),
        }
    if found and (before["dataset"]["identity"] != config["dataset"]["identity"] or _pairs(before) != _pairs(config)):
        raise UserError(f"--reuse {other.root}: that run has learned from other images; train anew.")
    return found


def _differing(before: Mapping[str, Any], config: Mapping[str, Any], stage: Stage) -> str | None:
    """What a stored configuration differs in from the new one, as far as `stage` depends on it."""
    for key in config:
        if key not in (*_OF_LABELS, *_OF_SETTINGS) and recorded(before, config, key) != as_json(config[key]):
            return str(key)
    *helpers_before, main_before = before["parts"]
    *helpers, main = as_json(config["parts"])
    if helpers_before != helpers or {**main_before, "settings": None} != {**main, "settings": None}:
        return "parts"
    for name, value in main["settings"].items():
        shapes = stage.shaped_by is None or name in stage.shaped_by
        if shapes and (name not in main_before["settings"] or main_before["settings"][name] != value):
            return str(name)
    return None


def _pairs(config: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(str(dataset), str(subject)) for dataset, subject in config["images_seen"]}


def take_over(run: RunFolder, found: Mapping[str, Mapping[str, str]]) -> None:
    """Copy the stages that `find_stages` found into a run: log, pictures, checkpoints; what is there already is left."""
    for name, origin in found.items():
        other = RunFolder(Path(origin["run"]))
        target = run.root / "stages" / name
        if target.is_dir():
            continue
        log = RunLog(run.root / "log.jsonl")
        log.cut_back(name, -1)
        for line in other.log():
            if line["stage"] == name:
                log.append(line)
        shutil.copytree(other.previews / name, run.previews / name, dirs_exist_ok=True)
        plot = other.root / f"losses_{name}.png"
        if plot.is_file():
            shutil.copyfile(plot, run.root / plot.name)
        # Last: from now on the stage counts as trained.
        with staged_folder(target) as staging:
            shutil.copytree(other.root / "stages" / name, staging, dirs_exist_ok=True)
