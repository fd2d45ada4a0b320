"""Curves over the study: five training subjects of three slices each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segmint.data.dataset import open_dataset
from segmint.evaluation.curve.plan import CurveArm, CurvePlan, GeneratorOrders, Level, plan_curve
from segmint.evaluation.scoring import Predicts


@pytest.fixture
def planned(real: Path) -> Callable[..., CurvePlan]:
    """A curve of the study at 16 pixels, or of another dataset, with what a test changes of it."""

    def plan(dataset: Path = real, **options: Any) -> CurvePlan:
        chosen: dict[str, Any] = {
            "recipes": ["joint-stylegan2"], "labelled": [2, "all"], "seeds": 2, "seed": 0, "arm": "100R+300F", "size": 16,
            "axis": None, "steps": 20, "batch": 4, "augment": (), "settings": {}, "orders": GeneratorOrders(), "device": "cpu",
        }  # fmt: skip
        return plan_curve(dataset, **{**chosen, **options})

    return plan


class DrawnBeforehand:
    """Stands in for generators where only what is made of their pairs is tested."""

    def __init__(self, study: Any, real: Path, folder: Path, *, labels_seen: int | None = None) -> None:
        self.study, self.real, self.folder, self.labels_seen = study, real, folder, labels_seen
        self.asked: list[tuple[str | None, int]] = []

    def batches(self, level: Level) -> list[Any]:
        del level
        return []

    def run(self, recipe: str, level: Level) -> Path:
        return self.folder / recipe / level.folder

    def drawn(self, arm: CurveArm, level: Level) -> Path:
        self.asked.append((arm.recipe, level.count))
        out = self.folder / f"{arm.recipe}-{level.count}"
        if not out.is_dir():
            names = self.study.train[: self.labels_seen] if self.labels_seen else level.regime.labelled
            seen = self.study.provenance(open_dataset(self.real), labels_seen=names)
            self.study.write_synthetic(out, seen, pairs=3 * len(level.regime.training))
        return out

    def segmenter(self, recipe: str, level: Level) -> Predicts:
        assert recipe
        threshold: Predicts = self.study.threshold(0.4 / level.count)
        return threshold


@pytest.fixture
def drawn_beforehand(study: Any, real: Path, tmp_path: Path) -> DrawnBeforehand:
    return DrawnBeforehand(study, real, tmp_path / "pairs")
