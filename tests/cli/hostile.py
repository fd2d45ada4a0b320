"""How folders are made hostile."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any


def change(path: Path, *keys: str | int, value: Any) -> None:
    """Replace one entry of a JSON file."""
    content = json.loads(path.read_text())
    at = content
    for key in keys[:-1]:
        at = at[key]
    at[keys[-1]] = value
    path.write_text(json.dumps(content))


def replace_weights(run: Path, content: bytes) -> None:
    """Other weights, with a hash that is right."""
    for last in run.glob("stages/*/checkpoints/*.json"):
        entry = json.loads(last.read_text())
        (last.parent / entry["weights"]).write_bytes(content)
        change(last, "sha256", value=hashlib.sha256(content).hexdigest())


def resumed(run: Path) -> list[object]:
    """The command that goes on with the run."""
    dataset = json.loads((run / "config.json").read_text())["dataset"]["path"]
    settings = ["--set", "latent_size=8", "--set", "width_base=128", "--set", "width_maximum=8"]
    size = [
        "--size",
        "32",
        "--kimg",
        "0.016",
        "--batch",
        "4",
        "--threads",
        "1",
        "--precision",
        "float32",
        "--device",
        "cpu",
    ]
    return ["train", "joint-stylegan2", dataset, "--out", run, *size, *settings, "--resume"]


def sampled(run: Path, out: Path) -> list[object]:
    """The command that draws from the run."""
    return ["sample", run, "--n", "1", "--out", out, "--device", "cpu"]


class Exploit:
    """What unpickling it would do."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"rm {self.victim}/thesis.txt",)
