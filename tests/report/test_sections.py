"""What a trial's section says of its design and its gate."""

from __future__ import annotations

from itertools import count
from typing import Any

from segmint.report.arms import read_arms
from segmint.report.sections import trial_section


def design(trial: dict[str, Any]) -> str:
    return str(trial_section(trial, read_arms(trial), count(1), cost=None)["design"])


def test_generators_are_mentioned_where_there_are_any(trial: dict[str, Any]) -> None:
    assert "which neither it nor the generator had seen." in design(trial)
    assert "which it had not seen." in design({**trial, "synthetic": []})
    folds = [{"training_subjects": []}, {"training_subjects": []}]
    assert "2 folds, with generators of its own, so that" in design({**trial, "folds": folds})
    assert "2 folds, so that" in design({**trial, "folds": folds, "synthetic": []})


def test_of_networks_trained_elsewhere_no_steps_are_told(trial: dict[str, Any]) -> None:
    said = design({**trial, "segmenter": "trained elsewhere", "steps": None, "batch": None, "augment": None})
    assert said.startswith("Segmentation networks trained outside segmint on 5 training sets")
    assert "None" not in said
    assert "is not known here" in said


def test_candidates_of_folds_have_each_their_own_confidence(trial: dict[str, Any]) -> None:
    candidate = {"arm": "fold 1, 100R+100F", "gain": 0.01, "interval": [-0.01, 0.03], "false_alarms": None}
    gate = {
        "sentence": "Chosen.",
        "confidence": 0.9,
        "candidates": [candidate | {"confidence": 0.9}, candidate | {"confidence": 0.95}, candidate],
    }
    section = trial_section({**trial, "gate": gate}, read_arms(trial), count(1), cost=None)["gate"]
    assert [line.partition("% interval")[0].rpartition("(")[2] for line in section["lines"]] == ["90.0", "95.0", "90.0"]
