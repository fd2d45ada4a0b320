from __future__ import annotations

import math

import pytest

from segmint.data.subjects import SubjectKind
from segmint.evaluation.convergence import Peak
from segmint.evaluation.statistics import Estimate
from segmint.evaluation.verdict import Primary, Verdict, decide, points


def judged(
    difference: Estimate | None,
    *,
    subjects: int = 30,
    gain: float = 0.0,
    pairs_gain: float = 0.0,
    sets: int = 1,
    generators: int = 1,
    demonstration: bool = False,
    subject_kind: SubjectKind = "subject",
    narrow: Estimate | None = None,
    folds: int = 0,
    seeds: int = 5,
    alarms: Estimate | None = None,
    augment: tuple[str, ...] | None = ("strong",),
    baselines: tuple[str, ...] = (),
    peaks: dict[str, Peak | None] | None = None,
) -> Verdict:
    primary = None if difference is None else Primary(difference, subjects, seeds, narrow=narrow, alarms=alarms)
    return decide(
        primary,
        gains={"100R": gain, "100R+300F": pairs_gain},
        steps=800,
        synthetic_sets=sets,
        generators=generators,
        demonstration=demonstration,
        augment=augment,
        baselines=baselines,
        subject_kind=subject_kind,
        folds=folds,
        peaks=peaks,
    )


BETTER, WORSE, UNCLEAR = Estimate(0.021, 0.012, 0.03), Estimate(-0.015, -0.03, -0.002), Estimate(0.003, -0.005, 0.011)


def test_helps_by_how_much_with_interval() -> None:
    verdict = judged(BETTER)
    assert verdict.kind == "helps"
    assert verdict.sentence == (
        "Synthetic pairs help: they raise mean Dice on 30 test subjects by 2.1 points (100R+300F minus 100R, 95% "
        "interval +1.2 to +3.0, 5 seeds, augmentation of all arms: strong), conditional on one synthetic set."
    )


def test_a_gain_without_augmentation_says_what_it_still_has_to_hold_against() -> None:
    alone = judged(BETTER, augment=()).sentence
    assert "5 seeds, augmentation of all arms: none), conditional on one synthetic set. No arm was augmented: " in alone
    assert alone.endswith(
        "No arm was augmented: the gain counts only once it holds against augmentation of real slices (--augment strong), as no"
        " baseline without a generator but 100R was in the trial."
    )
    flipped = judged(BETTER, augment=(), baselines=("100R+100A", "100R+300A")).sentence
    assert flipped.endswith("were flipped or repeated real slices (100R+100A, 100R+300A).")
    for other in (judged(WORSE, augment=()), judged(UNCLEAR, augment=()), judged(BETTER, augment=("flips", "cutmix"))):
        assert "counts only" not in other.sentence
    assert "all arms: flips and cutmix)" in judged(BETTER, augment=("flips", "cutmix")).sentence
    elsewhere = judged(BETTER, augment=None).sentence
    assert "augmentation of all arms: not known)" in elsewhere
    assert "counts only" not in elsewhere


def test_one_seed_is_described() -> None:
    for difference in (BETTER, WORSE, UNCLEAR):
        verdict = judged(difference, seeds=1)
        assert verdict.kind == "descriptive"
        assert "no verdict from one seed" in verdict.sentence
    assert judged(BETTER, seeds=2).kind == "helps"


def test_a_gain_with_more_false_alarms_does_not_help() -> None:
    verdict = judged(BETTER, alarms=Estimate(0.4, 0.2, 0.6))
    assert verdict.kind == "inconclusive"
    assert "found in +40.0 percent more of the subjects that do not have them" in verdict.sentence
    assert judged(BETTER, alarms=Estimate(0.1, -0.1, 0.3)).kind == "helps"
    assert judged(WORSE, alarms=Estimate(0.4, 0.2, 0.6)).kind == "harms"


def test_harms_and_inconclusive() -> None:
    assert judged(WORSE).kind == "harms"
    assert "lower mean Dice on 30 test subjects by 1.5 points" in judged(WORSE).sentence
    assert judged(UNCLEAR).kind == "inconclusive"
    assert "changes by +0.3 points" in judged(UNCLEAR).sentence
    assert "−0.5 to +1.1" in judged(UNCLEAR).sentence


def test_equivalent_where_the_90_percent_interval_lies_within_a_point() -> None:
    wide, inside = Estimate(0.003, -0.005, 0.011), Estimate(0.003, -0.0035, 0.0095)
    verdict = judged(wide, narrow=inside)
    assert verdict.kind == "equivalent"
    assert verdict.sentence == (
        "Equivalent within 1 point: with synthetic pairs added, mean Dice on 30 test subjects changes by +0.3 points "
        "(100R+300F minus 100R, 95% interval −0.5 to +1.1, 5 seeds, augmentation of all arms: strong), which is less than 1 point "
        "either way (90% interval −0.4 to +0.9), conditional on one synthetic set."
    )
    for low, high in ((-0.0101, 0.005), (-0.005, 0.01), (math.nan, math.nan)):
        assert judged(wide, narrow=Estimate(0.003, low, high)).kind == "inconclusive"
    assert judged(wide, narrow=inside, subjects=14).kind == "descriptive"
    assert judged(wide, narrow=inside, gain=0.1).kind == "not converged"


def test_a_sure_gain_within_a_point_helps_and_is_called_small() -> None:
    small = Estimate(0.005, 0.001, 0.009)
    verdict = judged(small, narrow=Estimate(0.005, 0.002, 0.008))
    assert verdict.kind == "helps"
    assert ", sure but less than 1 point (90% interval +0.2 to +0.8), conditional" in verdict.sentence
    loss = judged(Estimate(-0.005, -0.009, -0.001), narrow=Estimate(-0.005, -0.008, -0.002))
    assert loss.kind == "harms"
    assert "sure but less than 1 point" in loss.sentence
    assert "sure but" not in judged(BETTER, narrow=Estimate(0.021, 0.014, 0.028)).sentence


def test_inconclusive_says_what_could_have_been_seen() -> None:
    # Standard error 0.4 points at 19 degrees of freedom: (2.093 + 0.861) * 0.4 = 1.2 points.
    unclear = Estimate(0.003, -0.0054, 0.0114, error=0.004, freedom=19)
    assert "; 80% of such trials would find a difference of 1.2 points, conditional" in judged(unclear).sentence
    assert "80%" not in judged(UNCLEAR).sentence


@pytest.mark.parametrize(("subjects", "kind"), [(14, "descriptive"), (15, "helps")])
def test_fewer_than_fifteen_subjects_give_no_verdict(subjects: int, kind: str) -> None:
    verdict = judged(BETTER, subjects=subjects)
    assert verdict.kind == kind
    assert ("no verdict" in verdict.sentence) == (kind == "descriptive")
    assert "2.1 points" in verdict.sentence


@pytest.mark.parametrize(
    ("kind", "said"),
    [("block", "blocks of one stack are not subjects"), ("image", "nobody knows which of the images come from one")],
)
def test_what_is_no_subject_is_only_described(kind: SubjectKind, said: str) -> None:
    verdict = judged(BETTER, subjects=40, subject_kind=kind)
    assert verdict.kind == "descriptive"
    assert said in verdict.sentence
    assert f"mean Dice on 40 test {kind}s changes by +2.1 points" in verdict.sentence
    assert verdict.sentence.endswith(".")
    assert ". " not in verdict.sentence
    assert judged(BETTER, subject_kind=kind, gain=0.1).kind == "not converged"


def test_not_converged_comes_first() -> None:
    for difference, subjects in ((BETTER, 30), (WORSE, 3), (None, 0)):
        verdict = judged(difference, subjects=subjects, gain=0.0051)
        assert verdict.kind == "not converged"
        assert "0.5 points" in verdict.sentence
        assert "--steps" in verdict.sentence
    assert judged(BETTER, gain=0.005).kind == "helps"


def test_either_arm_that_has_not_converged_forbids_a_verdict() -> None:
    pairs = judged(BETTER, pairs_gain=0.009)
    assert pairs.kind == "not converged"
    assert "validation Dice of 100R+300F still gained 0.9 points over the last fifth of 800 steps" in pairs.sentence
    both = judged(BETTER, gain=0.012, pairs_gain=0.009).sentence
    assert "of 100R still gained 1.2 points and that of 100R+300F still gained 0.9 points over the last fifth" in both
    # What was not measured forbids nothing.
    assert judged(BETTER, pairs_gain=math.nan).kind == "helps"


def test_without_the_primary_comparison_it_describes() -> None:
    verdict = judged(None, gain=math.nan)
    assert verdict.kind == "descriptive"
    assert "100R+300F minus 100R" in verdict.sentence
    nothing = judged(Estimate(math.nan, math.nan, math.nan), subjects=0)
    assert nothing.kind == "descriptive"
    assert "nan" not in nothing.sentence


def test_one_subject_has_no_interval() -> None:
    verdict = judged(Estimate(0.02, math.nan, math.nan), subjects=1)
    assert verdict.kind == "descriptive"
    assert (
        "1 test subject changes by +2.0 points (100R+300F minus 100R, no interval from one subject" in verdict.sentence
    )
    assert "nan" not in verdict.sentence


def test_names_what_it_is_conditional_on() -> None:
    assert "conditional on one synthetic set" in judged(UNCLEAR).sentence
    assert "conditional on one generator" in judged(UNCLEAR, sets=3, generators=1).sentence
    assert (
        ", over 3 generators, so few that the interval is wide where they differ."
        in judged(UNCLEAR, sets=3, generators=3).sentence
    )
    assert "conditional" not in judged(UNCLEAR, sets=4, generators=4).sentence
    assert "conditional" not in judged(UNCLEAR, sets=0, generators=0).sentence
    assert ", conditional on one generator in each of 4 folds." in judged(UNCLEAR, folds=4).sentence
    two = judged(UNCLEAR, sets=2, generators=2, folds=4).sentence
    assert ", over 2 generators in each of 4 folds, so few that the interval is wide where they differ." in two
    assert "conditional" not in two
    assert "generators" not in judged(UNCLEAR, sets=4, generators=4, folds=4).sentence


@pytest.mark.parametrize("difference", [BETTER, WORSE, UNCLEAR, None])
@pytest.mark.parametrize("gain", [0.0, 0.1])
def test_demonstration_says_so_first_and_every_verdict_is_one_sentence(
    difference: Estimate | None, gain: float
) -> None:
    plain = judged(difference, gain=gain).sentence
    shown = judged(difference, gain=gain, demonstration=True).sentence
    assert shown == "A demonstration, not evidence: " + plain[0].lower() + plain[1:]
    assert plain.endswith(".")
    assert ". " not in plain


def test_points_never_hide_a_difference() -> None:
    assert points(0.021) == "2.1"
    assert points(0.0004, signed=True) == "+0.04"
    assert points(-0.012, signed=True) == "−1.2"
    assert points(0.0) == "0.0"


def test_arms_that_were_better_before_the_end_are_named() -> None:
    peaks = {"100R": Peak(0.45, 0.106), "100R+300F": Peak(0.7, 0.01)}
    for difference in (BETTER, WORSE, UNCLEAR):
        verdict = judged(difference, peaks=peaks)
        assert verdict.kind == judged(difference).kind
        assert verdict.sentence.endswith(
            ". Over-trained: validation Dice was higher before the end of 800 steps, that of 100R by 10.6 points after 360, so that"
            " fewer steps or stronger augmentation may give another difference."
        )
    both = judged(BETTER, peaks={**peaks, "100R+300F": Peak(0.5, 0.03)}).sentence
    assert "by 10.6 points after 360, that of 100R+300F by 3.0 points after 400, so" in both
    assert "Over-trained" not in judged(BETTER, peaks={"100R": Peak(0.5, 0.02), "100R+300F": None}).sentence
    assert "Over-trained" not in judged(BETTER, gain=0.02, peaks=peaks).sentence, "it has not converged, which is worse"
