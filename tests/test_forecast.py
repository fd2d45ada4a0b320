"""The forecast benchmark: what correlates is found on new datasets, what does not is not; planted damage is what it says."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def analysis(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    module = importlib.import_module("forecast_analysis")
    monkeypatch.setattr(module, "RESAMPLES", 100)
    return module


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("forecast_planted")


def records(analysis: ModuleType, *, worth: float, seed: int = 0) -> list[object]:
    """Three datasets of 13 sets whose gain rises with alignment by `worth`, three of them of one run; some noise."""
    generator, found = np.random.default_rng(seed), []
    for dataset in ("a", "b", "c"):
        for number in range(13):
            alignment, gain = generator.uniform(0.2, 1), generator.normal(0, 0.01)
            quantities = {
                "alignment": alignment,
                "frechet_distance in radiomics": generator.uniform(0, 5),
                "coverage in segmenter": -generator.uniform(0, 1),
                "copies": generator.uniform(0.3, 0.7),
            }
            run = "run" if number < 3 else str(number)
            gain += worth * (alignment - 0.6)
            found.append(analysis.Record(dataset, str(number), run, number > 3, gain, quantities))
    return found


def test_a_forecast_holds_on_new_datasets_where_there_is_something_to_forecast(analysis: ModuleType) -> None:
    sets = records(analysis, worth=0.1)
    told = analysis.left_out_forecasts(sets, error=0.01)
    assert ((told > 0) & (told < 1)).all()
    for within in (False, True):
        found = analysis.correlate(sets, told, within=within)
        assert found.sets == 39
        assert 0.4 < found.low < found.value < found.high <= 1


def test_intervals_in_noise_seldom_leave_out_zero(analysis: ModuleType) -> None:
    found = []
    for seed in range(40):
        sets = records(analysis, worth=0.0, seed=seed)
        values = np.array([one.quantities["copies"] for one in sets])
        found.append(analysis.correlate(sets, values, within=False))
    # Five percent is promised.
    assert sum(one.low > 0 or one.high < 0 for one in found) <= 6


def test_ranks_within_datasets_leave_out_what_differs_between_them(analysis: ModuleType) -> None:
    sets = records(analysis, worth=0.1)
    moved = [
        analysis.Record(
            one.dataset, one.name, one.run, one.planted, one.gain + "abc".index(one.dataset), one.quantities
        )
        for one in sets
    ]
    values = np.array([one.quantities["alignment"] for one in sets])
    assert analysis.correlate(moved, values, within=True).value == analysis.correlate(sets, values, within=True).value
    assert analysis.correlate(moved, values, within=False).value < 0.5


def test_inputs_never_count_against_their_own_direction(analysis: ModuleType) -> None:
    sets = records(analysis, worth=-0.1)
    gains = np.array([one.gain for one in sets])
    found = analysis.fit(analysis.inputs_of(sets), gains, error=0.01)
    assert found.weights[0] == 0
    assert (found.weights >= 0).all()


def test_planted_damage_is_what_it_says(planted: ModuleType) -> None:
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (40, 1, 32, 32)).astype(np.float32)
    labels = np.zeros((40, 32, 32), dtype=np.uint8)
    labels[:, 12:20, 10:18], labels[:, 14:16, 12:14] = 1, 2
    damaged = {name: damage(images, labels, rng) for name, damage in planted.DAMAGES.items()}
    for name, (changed, masks) in damaged.items():
        assert changed.shape == images.shape
        assert (changed is images or np.array_equal(changed, images)) == (name not in ("blur", "noise"))
        # All masks are alike here, so that swapped ones are as well.
        assert np.array_equal(masks, labels) == (name in ("truth", "blur", "noise", "half swapped"))
    for pixels in (1, 2, 4):
        masks = damaged[f"shift {pixels} px"][1]
        assert {tuple(np.abs(np.argwhere(one == 2)[0] - (14, 12))) for one in masks} == {(pixels, 0), (0, pixels)}
    dropped = damaged["labels dropped"][1]
    for label in (1, 2):
        assert 0.25 < (dropped == label).any(axis=(1, 2)).mean() < 0.75


def test_what_steps_change_is_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    table = importlib.import_module("forecast_steps").table
    lines = table("brain", [100, 300], {"truth": [(0.8, 0.97), (0.815, 0.98)]}).splitlines()
    assert lines == ["| brain | 100 steps | 300 steps |", "|---|---|---|", "| truth | 0.80 (0.97) | 0.81 (0.98) |"]
