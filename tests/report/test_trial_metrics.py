from __future__ import annotations

from typing import Any

from segmint.report.trial_metrics import metric_table

NAMES = ("precision", "sensitivity", "hd95", "nsd", "lesion_f1", "volume_error", "false_positive_volume")


def trial() -> dict[str, Any]:
    def one(mean: float | None, low: float | None, high: float | None, *, values: int) -> dict[str, Any]:
        return {
            "mean": mean,
            "interval": [low, high],
            "labels": {"organ": {"values": 18}, "tumour": {"values": values}},
        }

    metrics: dict[str, Any] = {name: {"unit": "", "arms": {"100R": one(0.5, 0.4, 0.6, values=18)}} for name in NAMES}
    metrics["hd95"] = {"unit": "mm", "arms": {"100R": one(12.345, 1.0, 120.4, values=15)}}
    metrics["nsd"] |= {"unit": "mm", "tolerance": 0.9375}
    metrics["false_positive_volume"]["arms"]["100R"] = one(None, None, None, values=0)
    return {"arms": [{"name": "100R"}], "test_subjects": list("abcdefghi"), "seeds": 2, "metrics": metrics}


def test_cells_say_value_interval_and_share() -> None:
    table = metric_table(trial())
    assert table is not None
    assert table.headings[2:4] == (("HD95", "mm"), ("Surface Dice", "within 0.938 mm"))
    precision, _, hd95, *_, empty = table.rows["100R"]
    assert (precision.mean, precision.interval, precision.share) == ("0.500", "0.400 to 0.600", "")
    assert (hd95.mean, hd95.interval, hd95.share) == ("12", "1 to 120", "91.7% of values")
    assert (empty.mean, empty.interval, empty.share) == ("–", "", "")
    assert "left out of a mean: Dice, above, where a label is absent from truth and prediction" in table.caption


def test_a_trial_of_an_earlier_version_has_no_such_table() -> None:
    assert metric_table({**trial(), "metrics": None}) is None
