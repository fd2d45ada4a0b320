from __future__ import annotations

import numpy as np
import pytest

from segmint.evaluation.subject_metrics import METRICS, OF_COUNTS, SubjectTally


def cube(at: int, side: int = 4, label: int = 1) -> np.ndarray:
    volume = np.zeros((12, 12, 12), dtype=np.uint8)
    volume[at : at + side, 4:8, 4:8] = label
    return volume


def tallied(*pairs: tuple[np.ndarray, np.ndarray], tolerance: float = 1.0) -> dict[str, np.ndarray]:
    tally = SubjectTally(3, tolerance=tolerance)
    for prediction, truth in pairs:
        tally.add(prediction, truth, spacing=(2.0, 1.0, 0.5))
    return tally.metrics()


def test_every_metric_is_declared_and_measured() -> None:
    found = tallied((cube(4), cube(4)))
    assert list(found) == [metric.name for metric in METRICS]
    assert set(OF_COUNTS) < set(found)
    best = {"hd95": 0, "volume_error": 0, "relative_volume_error": 0, "false_positive_volume": np.nan}
    best["false_positive_area"] = np.nan
    for metric in METRICS:
        assert metric.direction in ("higher", "lower", "zero")
        assert np.array_equal(found[metric.name][0], best.get(metric.name, 1.0), equal_nan=True), metric.name
    absent = {name for name, values in found.items() if np.isnan(values[1])}
    assert absent == {metric.name for metric in METRICS} - {
        "specificity",
        "false_positive_volume",
        "false_positive_area",
    }


def test_values_are_physical() -> None:
    found = tallied((cube(5), cube(4)))
    assert found["hd95"][0] == pytest.approx(2)
    assert found["volume_error"][0] == 0
    assert found["dice"][0] == pytest.approx(0.75)
    larger = tallied((cube(4, side=5), cube(4)))
    assert larger["volume_error"][0] == pytest.approx(4 * 4)
    assert larger["relative_volume_error"][0] == pytest.approx(0.25)
    assert tallied((cube(4, label=2), cube(4)))["false_positive_volume"][1] == pytest.approx(64)
    assert tallied((cube(5), cube(4)), tolerance=2.0)["nsd"][0] == 1
    assert found["nsd"][0] < 1


def test_maps_of_one_subject_are_summed_before_dividing() -> None:
    nothing = np.zeros((12, 12, 12), dtype=np.uint8)
    found = tallied((cube(4), cube(4)), (cube(4), nothing), (nothing, nothing))
    assert found["precision"][0] == found["lesion_f1"][0] * 0.75 == pytest.approx(0.5)
    assert found["nsd"][0] == pytest.approx(2 / 3)
    assert found["hd95"][0] == 0
    assert found["volume_error"][0] == pytest.approx(64)


def test_false_alarms_are_measured_on_slices_without_the_label() -> None:
    """Slices 4 to 7 along the first axis hold the label; the prediction reaches over two that do not."""
    tally = SubjectTally(2, tolerance=1.0)
    tally.add(cube(4, side=6), cube(4), spacing=(3.0, 1.0, 0.5), axis=0)
    assert tally.metrics()["false_positive_area"][0] == pytest.approx(2 * 16 * 0.5 / 8)
    tally.add(cube(0)[0], np.zeros((12, 12), dtype=np.uint8), spacing=(1.0, 0.5))
    assert tally.metrics()["false_positive_area"][0] == pytest.approx((2 * 16 * 0.5 + 16 * 0.5) / 9)
    full = SubjectTally(2, tolerance=1.0)
    full.add(cube(4)[5], cube(4)[5], spacing=(1.0, 1.0))
    assert np.isnan(full.metrics()["false_positive_area"][0])
