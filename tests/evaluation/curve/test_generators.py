"""Generators that a curve trains itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conftest import DATASETGAN

from segmint.errors import UserError
from segmint.evaluation.curve.generators import CurveGenerator
from segmint.evaluation.curve.plan import GeneratorOrders


def test_a_stage_that_waits_for_a_person_ends_the_curve_with_a_sentence(tmp_path: Path, discs: Path) -> None:
    settings = {"datasetgan": {**DATASETGAN, "labels": "annotation"}}
    generator = CurveGenerator(
        recipe="datasetgan",
        dataset=discs,
        size=32,
        axis=None,
        orders=GeneratorOrders(kimg=0.008, batch=4, settings=settings, precision="float32", threads=1),
        labelled=2,
        words="2 labelled subjects",
        seed=0,
        pairs=4,
        folder=tmp_path / "generator",
        reuse=None,
        device="cpu",
        progress=False,
    )
    with pytest.raises(
        UserError, match=r"datasetgan waits for labels .* which a curve cannot: .*--set datasetgan\.KEY=VALUE"
    ):
        generator.run()
