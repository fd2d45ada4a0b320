from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from rich.console import Console

from segmint.evaluation.table import trial_csv, trial_rows, trial_table


def arm(name: str, mean: float | None, difference: float | None) -> dict[str, Any]:
    interval = [None, None] if mean is None else [mean - 0.02, mean + 0.02]
    return {
        "name": name,
        "real_slices": 100,
        "synthetic_slices": 300 if "F" in name else 0,
        "augmented_slices": 0,
        "mean": mean,
        "interval": interval,
        "labels": {
            "oedema [core]": {"mean": mean, "interval": interval},
            "tumour": {"mean": None, "interval": [None, None]},
        },
        "ratio_to_real": None if mean is None else mean / 0.8,
        "difference_to_real": None
        if difference is None
        else {"difference": difference, "interval": [difference - 0.01, difference + 0.01]},
    }


def metric(name: str, value: float, *, values: int = 90) -> dict[str, Any]:
    """Of two labels, one of which always has a value; 30 subjects, 3 seeds."""

    def one(mean: float | None, values: int) -> dict[str, Any]:
        interval = [None, None] if mean is None else [mean - 0.1, mean + 0.1]
        labels = {"oedema [core]": {"values": 90 if values else 0}, "tumour": {"values": values}}
        return {"mean": mean, "interval": interval, "subjects": 27 if values else 0, "labels": labels}

    arms = {"100R": one(value, values), "100R+300F": one(value, 90), "100F": one(None, 0)}
    unit = "mm" if name in ("hd95", "nsd") else ""
    return {"unit": unit, "arms": arms} | ({"tolerance": 0.9375} if name == "nsd" else {})


@pytest.fixture
def content() -> dict[str, Any]:
    return {
        "metrics": {
            "dice": metric("dice", 0.8),
            "precision": metric("precision", 0.812),
            "sensitivity": metric("sensitivity", 0.745),
            "hd95": metric("hd95", 12.3456, values=81),
            "nsd": metric("nsd", 0.912),
        },
        "label_names": ["background", "oedema [core]", "tumour"],
        "seeds": 3,
        "steps": 800,
        "batch": 16,
        "test_subjects": [f"s{i}" for i in range(30)],
        "arms": [arm("100R", 0.8, 0.0), arm("100R+300F", 0.823, 0.023), arm("100F", None, None)],
        "verdict": {"kind": "helps", "sentence": "Synthetic pairs help: they raise it [much]."},
        "notes": ["fakes [1]: selected on 4 validation subjects."],
    }


def printed(content: dict[str, Any], width: int) -> str:
    console = Console(width=width, file=io.StringIO(), legacy_windows=False)
    console.print(trial_table(content))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_table_shows_every_number_the_verdict_and_the_notes(content: dict[str, Any]) -> None:
    text = printed(content, 120)
    for piece in (
        "100R+300F",
        "0.823",
        "0.803–0.843",
        "1.03",
        "+2.3",
        "+1.3 to +3.3",
        "oedema [core]",
        "30 test subjects",
    ):
        assert piece in text, piece
    assert "they raise it [much]." in text
    assert "- fakes [1]: selected on" in text
    assert "nan" not in text.lower()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_fits_the_screen_without_losing_an_arm(content: dict[str, Any], width: int) -> None:
    text = printed(content, width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert all(name in text for name in ("100R ", "100R+300F", "100F"))
    assert "0.803–0.843" in text
    assert "+1.3 to +3.3" in text


def test_single_label_is_not_shown_twice(content: dict[str, Any]) -> None:
    content["label_names"] = ["background", "tumour"]
    for one in content["arms"]:
        del one["labels"]["oedema [core]"]
    assert "tumour" not in printed(content, 120)


def test_missing_interval_leaves_the_value(content: dict[str, Any]) -> None:
    content["arms"][1]["interval"] = content["arms"][1]["difference_to_real"]["interval"] = [None, None]
    text = printed(content, 80)
    assert "0.823" in text
    assert "+2.3" in text
    assert "None" not in text


def test_csv_reads_back(content: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(trial_csv(content))))
    assert [row["arm"] for row in rows] == ["100R", "100R+300F", "100F"]
    assert float(rows[1]["dice"]) == pytest.approx(0.823)
    assert float(rows[1]["dice oedema [core] low"]) == pytest.approx(0.803)
    assert float(rows[1]["difference_to_real high"]) == pytest.approx(0.033)
    assert rows[2]["dice"] == rows[2]["ratio_to_real"] == rows[0]["dice tumour"] == ""
    assert list(rows[0]) == list(trial_rows(content)[0])
    assert [key for key in rows[0] if key.startswith("hd95")] == ["hd95", "hd95 low", "hd95 high", "hd95 subjects"]
    assert (rows[0]["hd95"], rows[0]["hd95 subjects"]) == ("12.3456", "27")
    assert (rows[2]["hd95"], rows[2]["hd95 subjects"]) == ("", "0")
    assert len(rows[0]) == len(set(rows[0]))


def test_second_table_says_how_many_values_exist(content: dict[str, Any]) -> None:
    text = printed(content, 80)
    for piece in ("0.812", "0.745", "12.35 (95.0%)", "0.912", "HD95", "(mm)", "within 0.938 mm", "In brackets"):
        assert piece in text, piece
    assert "exist (of Dice: 100R 100.0%, 100R+300F 100.0%, 100F 0.0%)." in " ".join(text.split())
    assert "left out of the mean: Dice where a label is absent from truth and prediction, so" in " ".join(text.split())
    for one in content["metrics"].values():
        for arm_of in one["arms"].values():
            arm_of["labels"] = {"tumour": {"values": 90}}
    assert "In brackets" not in printed(content, 80)
    # Results of an earlier version have none.
    del content["metrics"]
    assert "HD95" not in printed(content, 80)


@pytest.mark.parametrize(
    "kind", ["helps", "harms", "equivalent", "inconclusive", "none added", "descriptive", "not converged"]
)
def test_every_kind_of_verdict_is_shown(content: dict[str, Any], kind: str) -> None:
    content["verdict"]["kind"] = kind
    assert "they raise it [much]." in printed(content, 80)


def test_what_was_tested_beside_the_verdict_is_said(content: dict[str, Any]) -> None:
    assert "Wilcoxon" not in printed(content, 80), "results of an earlier version"
    content["arms"][1]["wilcoxon"] = {"p": 0.0001, "p_holm": 0.0002, "subjects": 30}
    content["arms"][2]["wilcoxon"] = {"p": None, "p_holm": None, "subjects": 0}
    content["primary"] = {
        "comparison": "100R+300F minus 100R",
        "equivalence": {"margin": 0.01, "interval": [-0.004, 0.009], "holds": True},
        "smallest_effect_seen": 0.0134,
    }
    text = " ".join(printed(content, 80).split())
    assert "Wilcoxon signed-rank test of subject means against 100R, p: 100R+300F <0.001." in text
    assert "two one-sided tests: 90% interval −0.4 to +0.9 points, inside ±1 point, so equivalent." in text
    assert "80% of trials like this one would find a true difference of 1.3 points." in text
    (_, row, empty) = csv.DictReader(io.StringIO(trial_csv(content)))
    assert (row["wilcoxon p"], row["wilcoxon p holm"]) == ("0.0001", "0.0002")
    assert empty["wilcoxon p"] == ""


def test_augmentation_of_the_arms_is_in_the_heading(content: dict[str, Any]) -> None:
    assert "800 steps of 16, augmentation none; 95%" in " ".join(printed(content, 120).split()), "an earlier version"
    content["augment"] = ["strong", "copypaste"]
    assert "800 steps of 16, augmentation strong and copypaste; 95%" in " ".join(printed(content, 120).split())


def test_how_much_each_arm_still_learned_is_said(content: dict[str, Any]) -> None:
    assert "last fifth" not in printed(content, 80)
    content["convergence_gain_points"] = 0.31
    assert "in points: 100R +0.3; above +0.5" in " ".join(printed(content, 80).split()), "an earlier version"
    content["convergence"] = {
        "100R": {"gain_points": 0.31, "converged": True, "judged": True},
        "100R+300F": {"gain_points": 1.2, "converged": False, "judged": True},
        "100F": {"gain_points": None, "converged": None, "judged": False},
    }
    text = " ".join(printed(content, 80).split())
    assert "in points: 100R +0.3, 100R+300F +1.2 (not converged); above +0.5 an arm has not converged." in text


def test_many_labels_keep_their_names_and_numbers_on_a_narrow_screen(content: dict[str, Any]) -> None:
    content["label_names"] = ["background", "necrosis", "edema", "enhancing", "oesophagus"]
    for arm_number, one in enumerate(content["arms"]):
        one["labels"] = {
            name: {"mean": 0.5 + number / 100 + arm_number / 1000, "interval": [0.4, 0.6]}
            for number, name in enumerate(content["label_names"][1:])
        }
    text = printed(content, 80)
    for piece in ("necrosis", "enhancing", "oesophagus", "0.500", "0.511", "0.532"):
        assert piece in text, piece
    assert "…" not in text
