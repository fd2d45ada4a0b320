"""The mixture curve of a report."""

from __future__ import annotations

from pathlib import Path

from segmint.outputs import read_json, write_json
from segmint.report.arms import Arm, read_arms
from segmint.report.build import build_report
from segmint.report.mixture_figure import mixture_curves, mixture_figure


def arms(*names: str) -> tuple[Arm, ...]:
    found = [
        {"name": name, "difference_to_real": {"difference": 0.01 * place, "interval": [0.01 * place - 0.02, None]}}
        for place, name in enumerate(names)
    ]
    return read_arms({"arms": found})


def test_three_shares_of_one_kind_make_a_curve() -> None:
    curves = mixture_curves(
        arms("100R", "100R+400F", "100R+25F", "100R+50F", "100R+25C", "100R+50C", "50R+25F", "100F")
    )
    assert {kind: [share for share, _ in curve] for kind, curve in curves.items()} == {"100R + F": [25, 50, 400]}
    assert list(mixture_curves(arms("10F", "20F", "30F", "100R+1C", "100R+2C", "100R+3C"))) == ["F", "100R + C"]


def test_the_figure_speaks_and_is_absent_without_a_curve() -> None:
    figure = mixture_figure(arms("100R", "100R+25F", "100R+50F", "100R+400F"))
    assert figure is not None
    assert figure.label.endswith("100R+25F +1.0; 100R+50F +2.0; 100R+400F +3.0")
    assert "percent of the real slices" in figure.wide
    assert mixture_figure(arms("100R", "100R+25F", "100R+50F")) is None


def test_a_report_shows_it(trial_folder: Path) -> None:
    assert "Mixtures:" not in build_report(trial_folder).read_text()
    content = read_json(trial_folder / "trial.json")
    content["arms"].append({**content["arms"][-2], "name": "100R+25F"})
    content["metrics"] = None
    write_json(trial_folder / "trial.json", content)
    page = build_report(trial_folder).read_text()
    assert "Mixtures: difference in mean Dice" in page
