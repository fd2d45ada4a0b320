"""Levels, arms and settings of a curve, and what is refused before anything is trained."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from segmint import recipes
from segmint.data.split import nested_subsets
from segmint.errors import UserError
from segmint.evaluation.curve.plan import CurvePlan, CurveSegmenter, GeneratorOrders, plan_curve
from segmint.evaluation.trial_folder import check_trial_folder, opened_trial_folder

Planned = Callable[..., CurvePlan]


def test_levels_are_nested_choices_of_training_subjects(planned: Planned, study: Any) -> None:
    plan = planned(labelled=["all", 1, "3", 5])
    assert [level.count for level in plan.levels] == [1, 3, 5]
    chosen = [set(level.regime.labelled) for level in plan.levels]
    assert chosen[0] < chosen[1] < chosen[2] == set(study.train)
    assert [len(level.regime.training) for level in plan.levels] == [3, 9, 15]
    # The very subjects that `train --labelled-subjects` sees.
    assert chosen[1] == set(nested_subsets(study.split, [3], seed=0)["3"].subjects)
    assert chosen[1] != set(planned(labelled=[3], seed=4).levels[0].regime.labelled)


def test_arms_are_the_segmenter_alone_with_augmentation_and_with_pairs(planned: Planned) -> None:
    plan = planned(recipes=["joint-stylegan2", "datasetgan"], augment=["flips"], arm="100R+500F")
    assert [(arm.name, arm.arm.name, arm.augment) for arm in plan.arms] == [
        ("real", "100R", ("flips",)),
        ("real-strong", "100R", ("flips", "strong")),
        ("with-joint-stylegan2", "100R+500F", ("flips",)),
        ("with-datasetgan", "100R+500F", ("flips",)),
    ]
    assert [arm.name for arm in planned(recipes=[], augment=["strong"]).arms] == ["real"]


def test_a_recipe_that_gives_a_segmenter_too_has_an_arm_for_it(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = replace(recipes.find_recipe("joint-stylegan2"), name="both", gives=frozenset({"pairs", "segmenter"}))
    monkeypatch.setattr(recipes, "RECIPES", (*recipes.RECIPES, both))
    arms = planned(recipes=["both"]).arms
    assert [(arm.name, arm.own) for arm in arms[2:]] == [("with-both", False), ("both-segmenter", True)]


def test_another_segmenter_takes_the_u_nets_place(planned: Planned) -> None:
    plan = planned(segmenter=CurveSegmenter("segan", "faithful", "full", {"attention": "true"}), size=32)
    assert [arm.title for arm in plan.arms] == [
        "segan",
        "segan, strong augmentation",
        "segan with pairs of joint-stylegan2",
    ]
    told = plan.settings()
    assert [told[f"segmenter{key}"] for key in ("", "_preset", "_capacity")] == ["segan", "faithful", "full"]
    assert plan.segmenter.changes(plan.arms[1].augment) == {"attention": "true", "augment": "strong"}
    assert told != planned(size=32).settings()


def test_a_segmenter_that_cannot_augment_has_no_arm_for_it(planned: Planned) -> None:
    plan = planned(segmenter=CurveSegmenter("semanticgan"), size=32)
    assert plan.settings()["segmenter_settings"] == {"encoder_kimg": "0.08"}
    assert any("encoder 20 steps" in note for note in plan.notes)
    assert [arm.name for arm in plan.arms] == ["real", "with-joint-stylegan2"]


@pytest.mark.parametrize(
    ("segmenter", "said"),
    [
        (CurveSegmenter("joint-stylegan2"), "gives no segmenter"),
        (CurveSegmenter(preset="mended"), "--segmenter-preset mended"),
        (CurveSegmenter(settings={"depth": "3"}), "--segmenter-set depth: unet has no such setting"),
        (CurveSegmenter("semanticgan"), "16"),
    ],
)
def test_a_segmenter_that_does_not_fit_is_refused(planned: Planned, segmenter: CurveSegmenter, said: str) -> None:
    with pytest.raises(UserError, match=said):
        planned(segmenter=segmenter)


def test_settings_belong_to_recipes(planned: Planned) -> None:
    named = {"datasetgan.labelled_images": "4", "joint-stylegan2.latent_size": "8"}
    plan = planned(recipes=["joint-stylegan2", "datasetgan"], settings=named)
    assert plan.orders.settings == {"joint-stylegan2": {"latent_size": "8"}, "datasetgan": {"labelled_images": "4"}}
    assert plan.settings()["generator_settings"] == plan.orders.settings
    assert (plan.size, plan.axis) == (16, 2)


@pytest.mark.parametrize("changed", [{"arm": "100R+25F"}, {"orders": GeneratorOrders(precision="float32")}])
def test_another_arm_or_precision_is_another_curve(planned: Planned, changed: dict[str, Any], tmp_path: Path) -> None:
    with opened_trial_folder(tmp_path / "curve", planned(arm="100R+300F").settings(), overwrite=False, what="curve"):
        pass
    check_trial_folder(tmp_path / "curve", planned(arm="100R+300F").settings(), overwrite=False, what="curve")
    with pytest.raises(UserError, match="holds another curve"):
        check_trial_folder(tmp_path / "curve", planned(**changed).settings(), overwrite=False, what="curve")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seeds": 0}, "--seeds 0"),
        ({"labelled": []}, "--labelled: name at least one number"),
        ({"labelled": [4, 9]}, r"--labelled 4,9: .*from 1 to 5, the training subjects"),
        ({"labelled": ["few"]}, "--labelled few"),
        ({"recipes": ["unet"]}, "--recipes unet: this recipe draws no pairs"),
        ({"recipes": ["pix3pix"]}, "no recipe 'pix3pix'"),
        ({"recipes": ["datasetgan", "datasetgan"]}, "named twice"),
        ({"arm": "100R"}, "--arm 100R: .*both R and F"),
        ({"arm": "100R+100F+50B"}, r"--arm 100R\+100F\+50B: a curve repeats no slices of one label"),
        ({"augment": ["wild"]}, "augment"),
        ({"steps": 0}, "--steps 0"),
        ({"settings": {"latent_size": "8"}}, r"--set latent_size=8: write it as RECIPE\.KEY=VALUE"),
        ({"settings": {"datasetgan.latent_size": "8"}}, r"one of --recipes \(joint-stylegan2\)"),
    ],
)
def test_what_makes_no_sense_is_refused(planned: Planned, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        planned(**options)


def test_subjects_of_two_parts_who_are_one_patient_are_found(planned: Planned, real: Path, tmp_path: Path) -> None:
    def copied(one: str, other: str) -> Path:
        folder = shutil.copytree(real, tmp_path / other)
        images = folder / "imagesTr"
        shutil.copyfile(images / f"case_{one}_0000.nii.gz", images / f"case_{other}_0000.nii.gz")
        return folder

    assert not any("pixel by pixel" in note for note in planned().notes)
    with pytest.raises(UserError, match=r'test subjects have images of .*"a04" .* and "c03"'):
        planned(copied("a04", "c03"), labelled=[2])
    notes = planned(copied("a04", "b01"), labelled=[2]).notes
    assert [note for note in notes if '"b01" (case_b01, slice 0) and "a04" (case_a04, slice 0)' in note]


def test_a_synthetic_dataset_is_refused(synthetic: Path) -> None:
    from segmint.evaluation.curve.plan import GeneratorOrders

    with pytest.raises(UserError, match="is a synthetic dataset"):
        plan_curve(
            synthetic, recipes=[], labelled=[1], seeds=1, seed=0, arm="100R+300F", size=16, axis=None, steps=1, batch=1,
            augment=(), settings={}, orders=GeneratorOrders(), device="cpu",
        )  # fmt: skip
