"""Figures of a trial: what they count, and that they take the page's colours."""

from __future__ import annotations

from typing import Any

import pytest

from segmint.report.arms import read_arms
from segmint.report.trial_figures import forest, forest_by_label, learning_curves, subject_differences, subject_figure


def test_differences_are_paired_by_subject_and_leave_absent_labels_out() -> None:
    trial: dict[str, Any] = {
        "primary": {"comparison": "b minus a"},
        "scores": [
            {"arm": "a", "seed": 0, "subject": "x", "label": "1", "dice": 0.5},
            {"arm": "a", "seed": 1, "subject": "x", "label": "1", "dice": 0.7},
            {"arm": "b", "seed": 0, "subject": "x", "label": "1", "dice": 0.9},
            {"arm": "b", "seed": 0, "subject": "x", "label": "2", "dice": None},
            {"arm": "b", "seed": 0, "subject": "x", "label": "3", "dice": 0.0, "present": False},
            {"arm": "a", "seed": 0, "subject": "alarm", "label": "1", "dice": 0.0, "present": False},
            {"arm": "b", "seed": 0, "subject": "alarm", "label": "1", "dice": 0.0, "present": False},
            {"arm": "b", "seed": 0, "subject": "only in b", "label": "1", "dice": 0.9},
        ],
    }
    assert subject_differences(trial) == {"x": pytest.approx(0.3)}
    assert subject_figure(trial) is None


def test_figures_take_their_colours_from_the_page(trial: dict[str, Any]) -> None:
    arms = read_arms(trial)
    for figure in (forest(arms), forest_by_label(arms), subject_figure(trial), learning_curves(trial, arms)):
        assert figure is not None
        for svg in (figure.wide, figure.narrow):
            assert "var(--ink)" in svg
            assert "DejaVu" not in svg
            assert "xmlns" not in svg
            assert svg.startswith("<svg viewBox=")
            assert 'width="' not in svg[: svg.index(">")]
        assert figure.wide != figure.narrow


def test_the_forest_speaks(trial: dict[str, Any]) -> None:
    figure = forest(read_arms(trial))
    assert figure is not None
    assert "100R+300F 0." in figure.label


def test_one_label_needs_no_panel_of_its_own(trial: dict[str, Any]) -> None:
    for arm in trial["arms"]:
        arm["labels"] = {"oedema": arm["labels"]["oedema"]}
    assert forest_by_label(read_arms(trial)) is None


def test_nothing_measured_draws_nothing() -> None:
    assert forest(()) is None
    assert learning_curves({"curves": {"100R": [[[10, 0.5]]]}}, ()) is None
