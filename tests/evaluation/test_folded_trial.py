from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.arms import parse_arms
from segmint.evaluation.cells import RESULT, plan_cells
from segmint.evaluation.design import design_trial
from segmint.evaluation.folded_trial import FoldedTrial, RealTrial
from segmint.evaluation.gate import GateOrders
from segmint.evaluation.generator import GeneratorOrders
from segmint.evaluation.recipe_trial import RecipeTrial
from segmint.evaluation.trial import trial

FOLDS = 2
RECIPE = GeneratorOrders("joint-stylegan2")


def trainer(study: Any, shift: Callable[[float, int], float]) -> Any:
    train = study.stand_in(shift)
    train.validation = None
    return train


def folded(real: Path, train: Any, draw: Any, arms: str, **options: Any) -> FoldedTrial:
    make = partial(
        design_trial, real, steps=20, batch=4, segmenter="unet", subset=None, real_slices=None, device="cpu",
        demonstration=False,
    )  # fmt: skip
    common: dict[str, Any] = {
        "arms": parse_arms(arms, gate=True), "seeds": 2, "make": make, "device": "cpu", "progress": False, "train": train,
        "size": 16, "axis": None, "repeat": None,
    }  # fmt: skip

    def at(split: Split) -> RecipeTrial | RealTrial:
        if draw is None:
            return RealTrial(**common, split=split)
        chosen = {"generator_seeds": 1, "gate": GateOrders((100,), filters=("all",)), **options}
        return RecipeTrial(**common, split=split, dataset=real, generator=RECIPE, draw=draw, **chosen)

    return FoldedTrial(real, FOLDS, at, "cpu", progress=False)


def conducted(out: Path, one: FoldedTrial) -> dict[str, Any]:
    one.conduct(out, overwrite=False)
    content: dict[str, Any] = json.loads((out / "trial.json").read_text())
    return content


def test_every_subject_is_tested_once_with_generators_of_its_fold(tmp_path: Path, real: Path, study: Any) -> None:
    draw, train = study.draws(), trainer(study, lambda share, seed: 0.2 + 0.01 * seed - 0.2 * share)
    content = conducted(tmp_path / "trial", folded(real, train, draw, "100R,100R+300F"))
    everyone = sorted(study.split.subjects)
    assert content["test_subjects"] == everyone
    assert sorted(subject for fold in content["folds"] for subject in fold["test_subjects"]) == everyone
    assert [call[3] for call in draw.calls] == [
        tmp_path / "trial" / f"fold{k}" / "generators" / "seed0" for k in range(FOLDS)
    ]
    for (split, *_), fold in zip(draw.calls, content["folds"], strict=True):
        assert sorted(split.test) == fold["test_subjects"]
        assert sorted(split.train) == fold["training_subjects"]
        assert sorted(split.validation) == fold["validation_subjects"]
    assert len(content["synthetic"]) == FOLDS
    assert (content["primary"]["subjects"], content["primary"]["seeds"]) == (len(everyone), 2)
    assert content["verdict"]["kind"] == "helps"
    assert "on 23 test subjects" in content["verdict"]["sentence"]
    assert ", conditional on one generator in each of 2 folds. No arm was augmented" in content["verdict"]["sentence"]
    slices = [len(fold["training_subjects"]) * study.depth for fold in content["folds"]]
    assert content["arms"][1]["synthetic_slices"] == round(float(np.mean([3 * count for count in slices])))
    assert any("Every subject is tested once, in one of 2 folds" in note for note in content["notes"])


def test_a_score_is_that_of_the_fold_that_tested_the_subject(tmp_path: Path, real: Path, study: Any) -> None:
    train = trainer(study, lambda _share, seed: 0.05 * seed)
    content = conducted(tmp_path / "trial", folded(real, train, None, "100R,50R,100R+100A"))
    scores = {(s["arm"], s["seed"], s["subject"], s["label"]): s["dice"] for s in content["scores"]}
    assert len(scores) == 3 * 2 * len(study.split.subjects) * 2
    cells = plan_cells(parse_arms("100R,50R,100R+100A"), seeds=2, synthetic_sets=0)
    for number, fold in enumerate(content["folds"]):
        for cell in cells:
            kept = json.loads((tmp_path / "trial" / f"fold{number}" / "cells" / cell.name / RESULT).read_text())
            for subject in fold["test_subjects"]:
                stored = [scores[cell.arm.name, cell.seed, subject, label] for label in study.labels[1:]]
                assert stored == pytest.approx(kept["metrics"][subject]["dice"])
    assert content["primary"] is None
    assert content["verdict"]["kind"] == "descriptive"
    assert content["arms"][1]["wilcoxon"]["subjects"] == len(study.split.subjects)


def test_each_fold_has_a_gate_inside_its_training_subjects(tmp_path: Path, real: Path, study: Any) -> None:
    draw, train = study.draws(), trainer(study, lambda share, seed: 0.2 + 0.01 * seed - 0.2 * share)
    content = conducted(tmp_path / "trial", folded(real, train, draw, "100R,gate"))
    assert content["gate"]["chosen"] == "100R+100F, 100R+100F"
    assert "The gate chose in each of 2 folds by itself: 100R+100F" in content["verdict"]["sentence"]
    assert content["primary"]["comparison"] == "gate minus 100R"
    assert [one["arm"] for one in content["gate"]["candidates"]] == [f"fold {k}, 100R+100F" for k in (1, 2)]
    for number, fold in enumerate(content["folds"]):
        inner = [call for call in draw.calls if (tmp_path / "trial" / f"fold{number}" / "gate") in call[3].parents]
        assert len(inner) == 2
        for split, *_ in inner:
            assert not {*split.train, *split.validation} & set(fold["test_subjects"])
            assert set(fold["test_subjects"]) <= set(split.test), "nor are their images seen"


def test_a_gate_that_adds_nothing_in_any_fold_says_so(tmp_path: Path, real: Path, study: Any) -> None:
    draw, train = study.draws(), trainer(study, lambda share, seed: 0.02 * seed + 0.3 * share)
    content = conducted(tmp_path / "trial", folded(real, train, draw, "100R,gate"))
    assert content["verdict"]["kind"] == "none added"
    assert content["verdict"]["sentence"].startswith("The gate added no synthetic pairs in any of 2 folds")
    assert content["synthetic"] == []
    assert content["arms"][1]["synthetic_slices"] == 0


def test_a_generator_that_saw_a_tested_subject_is_refused(tmp_path: Path, real: Path, study: Any) -> None:
    train = trainer(study, lambda _share, _seed: 0.0)
    with pytest.raises(UserError, match="has learned from labels of the test subject"):
        folded(real, train, study.draws(leak=True), "100R,100F").conduct(tmp_path / "trial", overwrite=False)
    assert not (tmp_path / "trial" / "trial.json").exists()


def test_goes_on_where_it_stopped_and_ends_as_if_undisturbed(tmp_path: Path, real: Path, study: Any) -> None:
    def shift(share: float, seed: int) -> float:
        return 0.1 * seed + 0.05 * share

    whole = conducted(tmp_path / "whole", folded(real, trainer(study, shift), study.draws(), "100R,100F"))
    train = trainer(study, shift)
    train.fail_at = 6
    with pytest.raises(KeyboardInterrupt):
        folded(real, train, study.draws(), "100R,100F").conduct(tmp_path / "killed", overwrite=False)
    train.fail_at = None
    again = conducted(tmp_path / "killed", folded(real, train, study.draws(), "100R,100F"))
    assert len(train.calls) == 2 * 2 * FOLDS, "no cell is trained twice"
    for content in (whole, again):
        for pairs in content["synthetic"]:
            del pairs["path"], pairs["run"]
    assert again == whole


def test_another_number_of_folds_is_another_trial(tmp_path: Path, real: Path, study: Any) -> None:
    train = trainer(study, lambda _share, _seed: 0.0)
    folded(real, train, None, "100R,50R").conduct(tmp_path / "trial", overwrite=False)
    other = folded(real, train, None, "100R,50R")
    with pytest.raises(UserError, match=r"holds another trial \(folds"):
        FoldedTrial(real, 3, other.at, "cpu", progress=False).conduct(tmp_path / "trial", overwrite=False)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({}, "name their recipe with --recipe, or arms without F"),
        ({"arms": ("100R", "gate")}, "name their recipe with --recipe"),
        ({"arms": ("100R", "50R"), "folds": 1}, "--folds 1: at least 2"),
        ({"arms": ("100R", "50R"), "folds": 24}, "has 23 subjects"),
        ({"arms": ("100R", "50R"), "subset": "2"}, "--subset picks from one training part"),
        ({"generator": RECIPE, "real_slices": 4}, "--real-slices picks from"),
        ({"generator": RECIPE, "arms": ("100R", "100F"), "generator_seeds": 9}, "Fold 1 of --folds 2 cannot be used"),
    ],
)
def test_what_cannot_be_cross_validated_is_refused_before_anything_is_written(
    tmp_path: Path, real: Path, options: dict[str, Any], word: str
) -> None:
    with pytest.raises(UserError, match=word):
        trial(real, out=tmp_path / "t", size=16, **{"folds": FOLDS, **options})
    assert not (tmp_path / "t").exists()


def test_a_given_set_is_refused(tmp_path: Path, real: Path, synthetic: Path) -> None:
    with pytest.raises(UserError, match="takes no synthetic dataset"):
        trial(real, synthetic, out=tmp_path / "t", folds=FOLDS, generator=RECIPE)
