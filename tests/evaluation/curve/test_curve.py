"""A curve from its plan to its table and picture; stopped and gone on with, it is the same."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmint import recipes
from segmint.errors import UserError
from segmint.evaluation.curve.curve import conduct, draw_curve
from segmint.evaluation.curve.plan import CurvePlan

Planned = Callable[..., CurvePlan]


def concluded(plan: CurvePlan, out: Path, generators: Any, train: Any, **options: Any) -> dict[str, Any]:
    chosen = {"overwrite": False, "device": "cpu", "progress": False}
    conduct(plan, out, generators=generators, train=train, **{**chosen, **options})
    content: dict[str, Any] = json.loads((out / "curve.json").read_text())
    return content


def point(content: dict[str, Any], labelled: int, arm: str) -> dict[str, Any]:
    (found,) = (one for one in content["points"] if (one["labelled"], one["arm"]) == (labelled, arm))
    return dict(found)


def test_points_tell_how_well_each_arm_does(
    planned: Planned, drawn_beforehand: Any, study: Any, tmp_path: Path
) -> None:
    train = study.stand_in(lambda share, seed: 0.15 + 0.01 * seed - 0.15 * share)
    content = concluded(planned(), tmp_path / "curve", drawn_beforehand, train)
    assert [(level["subjects"], level["slices"], level["all"]) for level in content["labelled"]] == [
        (2, 6, False),
        (5, 15, True),
    ]
    assert drawn_beforehand.asked == [("joint-stylegan2", 2), ("joint-stylegan2", 5)]
    assert [calls[0] for calls in train.calls] == [6, 6, 6, 6, 24, 24, 15, 15, 15, 15, 60, 60]
    assert [one.get("augment") for one in train.settings[:6]] == [None, None, "strong", "strong", None, None]
    helped = point(content, 2, "with-joint-stylegan2")
    assert (helped["slices"], helped["segmenters"]) == (24, 2)
    assert helped["difference_to_real"]["difference"] > 0
    assert helped["difference_to_real"]["difference"] == pytest.approx(
        helped["mean"] - point(content, 2, "real")["mean"]
    )
    low, high = helped["difference_to_real"]["interval"]
    assert low < helped["difference_to_real"]["difference"] < high
    assert point(content, 2, "real")["difference_to_real"]["difference"] == 0
    scores = [one["dice"] for one in content["scores"] if (one["labelled"], one["arm"]) == (5, "with-joint-stylegan2")]
    assert point(content, 5, "with-joint-stylegan2")["mean"] == pytest.approx(np.mean(scores))
    assert len(content["scores"]) == 2 * 3 * 2 * len(study.test) * 2

    rows = list(csv.DictReader((tmp_path / "curve" / "curve.csv").open()))
    assert [(row["labelled"], row["arm"]) for row in rows][:3] == [
        ("2", "real"),
        ("2", "real-strong"),
        ("2", "with-joint-stylegan2"),
    ]
    assert float(rows[2]["dice"]) == pytest.approx(helped["mean"], abs=1e-6)


def test_the_picture_shows_every_arm(planned: Planned, drawn_beforehand: Any, study: Any, tmp_path: Path) -> None:
    concluded(planned(), tmp_path / "curve", drawn_beforehand, study.stand_in())
    drawn = (tmp_path / "curve" / "curve.svg").read_text()
    for text in ("U-Net with pairs of joint-stylegan2", "U-Net, strong augmentation", "labelled subjects", "(all)"):
        assert text in drawn
    assert np.asarray(Image.open(tmp_path / "curve" / "curve.png")).std() > 10


def test_a_recipes_own_segmenter_is_scored_once_a_level(
    planned: Planned, drawn_beforehand: Any, study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = replace(recipes.find_recipe("joint-stylegan2"), name="both", gives=frozenset({"pairs", "segmenter"}))
    monkeypatch.setattr(recipes, "RECIPES", (*recipes.RECIPES, both))
    plan = planned(recipes=["both"])
    content = concluded(plan, tmp_path / "curve", drawn_beforehand, study.stand_in(lambda _share, _seed: 0.1))
    few, many = (point(content, count, "both-segmenter") for count in (2, 5))
    assert few["segmenters"] == many["segmenters"] == 1
    assert few["difference_to_real"]["difference"] < 0 < many["difference_to_real"]["difference"]
    assert any("The segmenter of both was trained with its generator" in note for note in content["notes"])
    # Kept, like every other cell.
    drawn_beforehand.segmenter = None
    again = concluded(plan, tmp_path / "curve", drawn_beforehand, study.stand_in())
    assert again == content


def test_stopped_it_goes_on_and_another_is_refused(
    planned: Planned, drawn_beforehand: Any, study: Any, tmp_path: Path
) -> None:
    out, plan = tmp_path / "curve", planned()
    stopped = study.stand_in()
    stopped.fail_at = 5
    with pytest.raises(KeyboardInterrupt):
        concluded(plan, out, drawn_beforehand, stopped)
    assert not (out / "curve.json").exists()
    rest = study.stand_in()
    content = concluded(plan, out, drawn_beforehand, rest)
    assert len(rest.calls) == 12 - 5
    undisturbed = concluded(plan, tmp_path / "undisturbed", drawn_beforehand, study.stand_in())
    assert content == undisturbed
    for name in ("curve.csv", "curve.svg", "curve.png"):
        assert (out / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()
    with pytest.raises(UserError, match="seeds: 2 there, 3 now"):
        concluded(planned(seeds=3), out, drawn_beforehand, study.stand_in())


def drawn(real: Path, out: Path, **options: Any) -> dict[str, Any]:
    """Settings of a curve of two segmenters without generators."""
    few = {
        "labelled": ["all"],
        "seeds": 1,
        "size": 16,
        "steps": 1,
        "trial_batch": 2,
        "device": "cpu",
        "progress": False,
    }
    draw_curve(real, out=out, **{**few, **options})
    content: dict[str, Any] = json.loads((out / "settings.json").read_text())
    return content


@pytest.mark.parametrize(
    ("asked", "generator", "segmenter"),
    [
        ({"capacity": "full"}, "full", "small"),
        ({"capacity": "small", "segmenter_capacity": "full"}, "small", "full"),
        ({}, None, "small"),
    ],
)
def test_generators_and_segmenters_have_each_the_width_asked_for(
    real: Path, tmp_path: Path, asked: dict[str, str], generator: str | None, segmenter: str
) -> None:
    settings = drawn(real, tmp_path / "curve", **asked)
    assert (settings["generator_capacity"], settings["segmenter_capacity"]) == (generator, segmenter)


def test_a_curve_of_an_earlier_version_is_gone_on_with(real: Path, tmp_path: Path) -> None:
    out = tmp_path / "curve"
    settings = drawn(real, out)
    earlier = {key: value for key, value in settings.items() if not key.startswith("segmenter_")}
    (out / "settings.json").write_text(json.dumps(earlier | {"generator_capacity": None}))
    (out / "curve.json").unlink()
    drawn(real, out)
    assert (out / "curve.json").is_file()


def test_pairs_of_a_generator_that_saw_more_labels_are_refused(
    planned: Planned, drawn_beforehand: Any, study: Any, tmp_path: Path
) -> None:
    drawn_beforehand.labels_seen = 5
    with pytest.raises(UserError, match="has learned from labels of"):
        concluded(planned(), tmp_path / "curve", drawn_beforehand, study.stand_in())


def test_what_the_numbers_do_not_tell_is_noted(
    planned: Planned, drawn_beforehand: Any, study: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = study.stand_in(curve=lambda share: 0.3 + 0.4 * share)
    content = concluded(planned(seeds=1), tmp_path / "curve", drawn_beforehand, train, progress=True)
    notes = " ".join(content["notes"])
    for said in (
        "one choice of labelled subjects",
        "With one seed an arm",
        "Not converged with 2 labelled subjects",
        "With 2 labelled subjects, joint-stylegan2: its generator has learned from images, without labels, of 3 more",
    ):
        assert said in notes, said
    shown = capsys.readouterr()
    assert "5 (all)" in shown.out
    assert "Points above the U-Net" in shown.out
    assert "cell 6/6" in shown.err
