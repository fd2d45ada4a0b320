"""Result folders as the other floors write them, small, with random but plausible content."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.training.previews import write_grid

ARMS = {
    "100R": (400, 0, 0),
    "100F": (0, 400, 0),
    "100R+100F": (400, 400, 0),
    "100R+300F": (400, 1200, 0),
    "100R+100A": (400, 0, 400),
}
INSPECTION = {
    "path": "data/phantom",
    "name": "phantom",
    "licence": None,
    "pairs": 400,
    "subjects": 30,
    "dimensions": 2,
    "empty_masks": 12,
    "sizes": {"smallest": [64, 64], "largest": [64, 64]},
    "spacing": None,
    "split": {"train": 20, "validation": 3, "test": 7},
    "subsets": {},
    "channels": [{"name": "T1", "stored_as": "int16", "lowest": 0.0, "highest": 900.0}],
    "labels": [{"id": 1, "name": "oedema", "share": 0.031, "pairs": 380}],
    "problems": [],
    "remarks": ["3 images hold one value only."],
}
LABELS = ("oedema", "necrosis", "enhancing tumour")


def write_run(folder: Path, *, ticks: int = 12, health: bool = True, state: str = "done") -> Path:
    """A run folder of one stage with two networks."""
    random = np.random.default_rng(0)
    (folder / "previews").mkdir(parents=True)
    for name in ("reals", "fakes_000001", "fakes_000004", "fakes_000012"):
        images = random.uniform(-1, 1, (6, 2, 32, 32)).astype(np.float32)
        labels = random.integers(0, 4, (6, 32, 32))
        write_grid(folder / "previews" / f"{name}.png", images, labels, columns=3, scale=1)
    subjects = [f"brain{number:03d}" for number in range(30)]
    seen = [["phantom-0123456789ab", subject] for subject in subjects[:20]]
    config = {
        "segmint": "0.1.0",
        "recipe": "joint-stylegan2",
        "preset": "repaired",
        "capacity": "small",
        "size": 32,
        "batch": 16,
        "kimg": 12,
        "seed": 0,
        "precision": "bfloat16",
        "threads": 2,
        "torch": "2.13.0",
        "dataset": {
            "path": "data/phantom",
            "name": "phantom",
            "identity": "phantom-0123456789ab",
            "channel_names": ["T1", "T2"],
            "label_names": ["background", *LABELS],
            "licence": "CC0-1.0",
        },
        "split": {"train": subjects[:20], "validation": subjects[20:23], "test": subjects[23:]},
        "settings": {"r1_gamma": 10.0, "mixing": 0.9},
        "labels_seen": seen,
        "images_seen": seen,
        "selected_on": [["phantom-0123456789ab", subject] for subject in subjects[20:23]],
    }
    (folder / "config.json").write_text(json.dumps(config))
    environment = {"cpu": "a processor", "cores": 2, "memory_gb": 23.4, "packages": {"numpy": "2.4.6"}}
    (folder / "environment.json").write_text(json.dumps(environment))
    (folder / "state.json").write_text(json.dumps({"status": state}))
    with (folder / "log.jsonl").open("w") as log:
        for number in range(1, ticks + 1):
            log.write(json.dumps(_tick(number, random, health=health and number > ticks // 2)) + "\n")
    return folder


def _tick(number: int, random: np.random.Generator, *, health: bool) -> dict[str, Any]:
    warning = {"code": "mode_collapse", "message": "Fakes resemble one another.", "advice": "Stop earlier."}
    return {
        "stage": "00-joint",
        "images": number * 1000,
        "kimg": float(number),
        "seconds": 40.0 * number,
        "images_per_second": 25.0,
        "memory_mb": 900 + number,
        "losses": {
            "generator": {"adversarial": 1.2 + random.normal() * 0.2, "path_length": 0.5 * float(np.exp(-number / 3))},
            "discriminator": {"adversarial": 0.9 + random.normal() * 0.1, "r1": 0.05},
        },
        "augmentation": 0.02 * number,
        "validation": {"name": "sliced_wasserstein", "value": 60 / number + random.normal(), "direction": "lower"},
        "health": [warning] if health else [],
    }


def trial_result(*, subjects: int = 16, seeds: int = 2, demonstration: bool = False) -> dict[str, Any]:
    """The content of a trial.json whose numbers agree with one another."""
    random = np.random.default_rng(1)
    names = [f"brain{number:03d}" for number in range(subjects)]
    level = {"100R": 0.80, "100F": 0.74, "100R+100F": 0.81, "100R+300F": 0.83, "100R+100A": 0.805}
    ease = random.normal(0, 0.06, subjects)
    scores = [
        {
            "arm": arm,
            "seed": seed,
            "subject": name,
            "label": label,
            "dice": None
            if label == LABELS[1] and place == 0
            else float(np.clip(level[arm] + ease[place] - 0.05 * number + random.normal(0, 0.02), 0, 1)),
        }
        for arm in ARMS
        for seed in range(seeds)
        for place, name in enumerate(names)
        for number, label in enumerate(LABELS)
    ]

    def mean(arm: str, label: str | None = None) -> dict[str, Any]:
        values = [
            s["dice"] for s in scores if s["arm"] == arm and label in (None, s["label"]) and s["dice"] is not None
        ]
        centre, half = float(np.mean(values)), float(1.96 * np.std(values) / np.sqrt(subjects))
        return {"mean": centre, "interval": [centre - half, centre + half]}

    arms = [
        {
            "name": arm,
            "real_slices": real,
            "synthetic_slices": synthetic,
            "augmented_slices": flipped,
            **mean(arm),
            "labels": {label: mean(arm, label) for label in LABELS},
            "ratio_to_real": mean(arm)["mean"] / mean("100R")["mean"],
            "difference_to_real": {"difference": mean(arm)["mean"] - mean("100R")["mean"], "interval": [-0.02, 0.03]},
        }
        for arm, (real, synthetic, flipped) in ARMS.items()
    ]
    steps = np.linspace(500, 16000, 20)
    curves = {
        arm: [[[float(x), float(level[arm] * (1 - np.exp(-x / 2500)) + random.normal(0, 0.004))] for x in steps]]
        * seeds
        for arm in ARMS
    }
    return {
        "format": 1,
        "dataset": {"name": "phantom", "identity": "phantom-0123456789ab"},
        "synthetic": [{"path": "out/synthetic", "run": "out/run", "seed": 0, "labels_seen": 20}],
        "size": 64,
        "steps": 1000,
        "batch": 16,
        "seeds": seeds,
        "segmenter": "unet",
        "label_names": ["background", *LABELS],
        "test_subjects": names,
        "demonstration": demonstration,
        "arms": arms,
        "scores": scores,
        "curves": curves,
        "converged": True,
        "convergence_gain_points": 0.21,
        "primary": {
            "comparison": "100R+300F minus 100R",
            "difference": 0.031,
            "interval": [0.012, 0.049],
            "subjects": subjects,
            "seeds": seeds,
        },
        "verdict": {
            "kind": "helps",
            "sentence": "Adding three times as many synthetic slices helps: mean Dice rises by 3.1 points (95%"
            " interval 1.2"
            " to 4.9), conditional on one synthetic set.",
        },
        "notes": ["The synthetic set was drawn from one generator seed."],
    }


def write_trial(folder: Path, content: dict[str, Any] | None = None) -> Path:
    """A trial folder."""
    folder.mkdir(parents=True)
    (folder / "trial.json").write_text(json.dumps(content or trial_result()))
    return folder


def write_workflow(folder: Path, *, demonstration: bool = False) -> Path:
    """The folder of `segmint run` or `segmint demo`."""
    folder.mkdir(parents=True)
    write_run(folder / "run")
    write_trial(folder / "trial", trial_result(demonstration=demonstration))
    steps = {
        "verb": "demo" if demonstration else "run",
        "demonstration": demonstration,
        "recipe": "joint-stylegan2",
        "why": "joint-stylegan2 was chosen because every slice has a label map.",
        "steps": [
            {"name": "train", "folder": "run", "command": "segmint train joint-stylegan2 data/phantom --out out/run"},
            {"name": "report", "folder": ".", "command": "segmint report out"},
        ],
    }
    (folder / "steps.json").write_text(json.dumps(steps))
    (folder / "inspection.json").write_text(json.dumps(INSPECTION))
    return folder


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run")


@pytest.fixture
def trial_folder(tmp_path: Path) -> Path:
    return write_trial(tmp_path / "trial")


@pytest.fixture
def workflow_folder(tmp_path: Path) -> Path:
    return write_workflow(tmp_path / "out")


@pytest.fixture(scope="session")
def make_trial() -> Callable[..., Path]:
    return write_trial


@pytest.fixture(scope="session")
def make_workflow() -> Callable[..., Path]:
    return write_workflow


@pytest.fixture
def trial() -> dict[str, Any]:
    return trial_result()
