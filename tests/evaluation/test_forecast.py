from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from segmint.data.dataset import open_dataset
from segmint.evaluation import forecast as forecasting
from segmint.evaluation.evidence import Evidence, open_evidence
from segmint.evaluation.forecast import SLICES, aligned_share, chance_of_gain, forecast, forecast_shown
from segmint.evaluation.nearness import chance_of_nearer


def alignment(*labels: tuple[float | None, float | None], steps: int = 100) -> dict[str, Any]:
    """That section of evaluation.json: by label the ratio, and the Dice on held-out images."""
    named = {
        f"label {number}": {"ratio": {"value": ratio}, "holdout": {"dice": held}}
        for number, (ratio, held) in enumerate(labels)
    }
    known = [ratio for ratio, held in labels if ratio is not None and held is not None]
    mean = {"ratio": {"value": float(np.mean(known)) if known else None}}
    return {"labels": named, "mean": mean, "segmenter": {"steps": steps}}


def test_labels_that_no_mask_holds_count_as_not_aligned() -> None:
    assert aligned_share(alignment((0.9, 0.8), (0.7, 0.8))) == pytest.approx(0.8)
    assert aligned_share(alignment((0.9, 0.8), (None, 0.8))) == pytest.approx(0.45)
    assert aligned_share(alignment((0.9, 0.8), (None, None))) == pytest.approx(0.9), "new images do not hold it either"
    assert math.isnan(aligned_share(alignment((None, None))))
    assert math.isnan(aligned_share({"labels": {}, "mean": {"ratio": None}}))


def test_better_aligned_and_newer_pairs_have_the_better_chance() -> None:
    chances = [chance_of_gain(aligned, 0.5) for aligned in (0.0, 0.3, 0.6, 0.9, 1.0)]
    assert chances == sorted(chances)
    assert 0 < chances[0] < 0.05
    assert 0.7 < chances[-1] < 1
    assert chance_of_gain(1.3, 0.5) == chances[-1], "more than real pairs have is no better"
    assert chance_of_gain(1.0, 1.0) < chance_of_gain(1.0, 0.7) < chance_of_gain(1.0, 0.5)
    assert chance_of_gain(1.0, 0.1) == chance_of_gain(1.0, 0.5), "nobody is newer than new images"
    assert math.isnan(chance_of_gain(float("nan"), 0.5))
    usual = chance_of_gain(1.0, 0.5 - forecasting.NEW.centre)
    assert chance_of_gain(1.0, float("nan")) == pytest.approx(usual)


@pytest.mark.usefixtures("_benchmarks")
def test_it_is_the_function_that_the_benchmark_fits() -> None:
    """The numbers kept here, put into the benchmark's own forecast."""
    analysis = importlib.import_module("forecast_analysis")
    parts = (forecasting.ALIGNED, forecasting.NEW)
    fitted = analysis.Forecast(
        *(np.array([getattr(part, name) for part in parts]) for name in ("centre", "spread", "weight")),
        forecasting.INTERCEPT,
    )
    quantities = [(0.2, 0.4), (0.8, 0.7), (1.4, 0.99)]
    records = [
        analysis.Record("d", "s", "r", True, 0.0, {"alignment": aligned, "copies": nearer})
        for aligned, nearer in quantities
    ]
    assert fitted(analysis.inputs_of(records)).tolist() == pytest.approx([chance_of_gain(*one) for one in quantities])


@pytest.fixture
def _benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")


def opened(real: Path, synthetic: Path) -> Evidence:
    return open_evidence(real, synthetic, holdout=None, size=16, axis=None, device="cpu")


def test_new_images_are_no_nearer_and_copies_are(real: Path, synthetic: Path, study: Any, tmp_path: Path) -> None:
    evidence = opened(real, synthetic)
    assert chance_of_nearer(evidence) == pytest.approx(0.5, abs=0.15)
    dataset = open_dataset(real)
    everyone = study.provenance(dataset, images_seen=dataset.subjects)
    shown = study.write_synthetic(tmp_path / "shown", everyone, pairs=6)
    assert math.isnan(chance_of_nearer(opened(real, shown))), "nobody is left whose images are new"


def test_what_it_says(real: Path, synthetic: Path) -> None:
    evidence = opened(real, synthetic)
    section = forecast(alignment((1.0, 0.8)), evidence)
    assert section["chance"] == pytest.approx(chance_of_gain(1.0, section["nearer_than_new"]))
    assert section["sentences"] == [
        f"Forecast: {section['chance']:.2f} that adding three times as many of these pairs as there are real ones raises Dice (from"
        " 0, surely not, to 1)."
    ]
    assert section["findings"] == []
    none = forecast(alignment((None, None)), evidence)
    assert none["chance"] is None
    assert none["notes"] == []
    assert none["sentences"][0].startswith("No forecast")
    console = Console(width=400)
    with console.capture() as captured:
        console.print(forecast_shown(section))
    assert "Forecast: 0." in captured.get()


@pytest.mark.parametrize(("slices", "nearer", "said"), [(4 * SLICES + 1, 0.5, "Here are 289"), (10, 0.8, "0.80")])
def test_its_limits_are_said(slices: int, nearer: float, said: str) -> None:
    words = [*forecasting._sentences(0.8, slices), *forecasting._notes(nearer, pixels=32, steps=100)]
    assert any(said in one for one in words)
    assert not any("copied" in one for one in forecasting._notes(0.5, pixels=32, steps=100))


@pytest.mark.usefixtures("_benchmarks")
def test_other_conditions_than_those_it_was_fitted_under_are_said(real: Path, synthetic: Path) -> None:
    data, looked = (importlib.import_module(name) for name in ("forecast_data", "forecast_seen"))
    assert (forecasting.PIXELS, forecasting.STEPS) == (data.SIZE, looked.STEPS)
    assert len(forecasting._notes(0.5, pixels=32, steps=100)) == 1
    for pixels, steps in ((64, 100), (32, 1200)):
        assert f"here are {pixels} pixels and {steps} steps" in forecasting._notes(0.5, pixels=pixels, steps=steps)[1]
    section = forecast(alignment((1.0, 0.8), steps=1200), opened(real, synthetic))
    assert "here are 16 pixels and 1200 steps" in section["notes"][1]
