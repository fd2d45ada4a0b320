"""Trials that train their generators, with stand-ins for the trainings."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from segmint.evaluation.arms import parse_arms
from segmint.evaluation.design import design_trial
from segmint.evaluation.gate import GateOrders
from segmint.evaluation.generator import GeneratorOrders
from segmint.evaluation.recipe_trial import RecipeTrial


def prepared(real: Path, draw: Any, train: Any, **options: Any) -> RecipeTrial:
    make = partial(
        design_trial, real, steps=20, batch=4, segmenter="unet", subset=None, real_slices=None, device="cpu",
        demonstration=False,
    )  # fmt: skip
    chosen: dict[str, Any] = {
        "dataset": real, "arms": parse_arms("100R,gate", gate=True), "seeds": 2, "generator": GeneratorOrders("joint-stylegan2"),
        "generator_seeds": 1, "gate": GateOrders((100, 300), filters=("all",)), "make": make, "device": "cpu", "progress": False,
        "train": train, "draw": draw, "size": 16,
    }  # fmt: skip
    return RecipeTrial(**{**chosen, **options})


def conducted(out: Path, one: RecipeTrial) -> dict[str, Any]:
    one.conduct(out, overwrite=False)
    content: dict[str, Any] = json.loads((out / "trial.json").read_text())
    return content
