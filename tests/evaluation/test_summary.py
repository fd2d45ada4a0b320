from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from segmint.evaluation.arms import parse_arm, parse_arms
from segmint.evaluation.cells import CellResult, plan_cells
from segmint.evaluation.summary import (
    collect_scores,
    compare,
    describe_arms,
    describe_primary,
    last_gains,
    list_scores,
)

NAMES = ("background", "organ", "tumour")
SUBJECTS = [f"s{i:02d}" for i in range(20)]


def result_of(cell: object, hits: np.ndarray) -> CellResult:
    """Counts with `hits` [subjects, labels] of 100 pixels found and no false alarms: Dice = 2 h / (h + 100)."""
    counts = {
        subject: np.array([[0, 0, 0], *([h, 0, 100 - h] if h >= 0 else [0, 0, 0] for h in row)])
        for subject, row in zip(SUBJECTS, hits, strict=True)
    }
    return CellResult(cell, counts, [(50, 0.4), (100, 0.5)])  # type: ignore[arg-type]


def results(arms: str, *, gain: int = 0, sets: int = 1, seeds: int = 3) -> list[CellResult]:
    rng = np.random.default_rng(0)
    base = rng.integers(40, 80, (len(SUBJECTS), 2))
    return [
        result_of(cell, base + (gain if cell.arm.synthetic else 0) + rng.integers(0, 3, base.shape))
        for cell in plan_cells(parse_arms(arms), seeds=seeds, synthetic_sets=sets)
    ]


def dice_of(hits: np.ndarray) -> np.ndarray:
    return 2 * hits / (hits + 100)


def test_means_are_over_labels_then_subjects_and_seeds() -> None:
    found = results("100R")
    scores = collect_scores(found, label_names=NAMES)
    (arm,) = describe_arms(scores, real_slices=50)
    by_hand = np.mean([[np.mean(one.dice(subject)) for subject in SUBJECTS] for one in found])
    assert arm["mean"] == pytest.approx(by_hand)
    assert arm["interval"][0] < by_hand < arm["interval"][1]
    tumour = np.mean([[one.dice(subject)[1] for subject in SUBJECTS] for one in found])
    assert arm["labels"]["tumour"]["mean"] == pytest.approx(tumour)
    assert (arm["real_slices"], arm["synthetic_slices"], arm["augmented_slices"]) == (50, 0, 0)
    assert arm["ratio_to_real"] == pytest.approx(1)
    assert arm["difference_to_real"] == {"difference": 0.0, "interval": [0.0, 0.0]}


def test_primary_comparison_is_paired() -> None:
    scores = collect_scores(results("100R,100R+300F", gain=10), label_names=NAMES)
    primary, notes = compare(scores)
    assert primary is not None
    means = [scores.by_subject(arm.name).mean() for arm in scores.arms]
    assert primary.difference.value == pytest.approx(means[1] - means[0])
    assert 0 < primary.difference.low < primary.difference.high
    assert (primary.subjects, primary.seeds, notes) == (20, 3, [])
    arms = describe_arms(scores, real_slices=50)
    assert arms[1]["difference_to_real"]["difference"] == pytest.approx(primary.difference.value)
    assert arms[1]["ratio_to_real"] == pytest.approx(means[1] / means[0])
    assert arms[1]["synthetic_slices"] == 150


def test_second_test_and_equivalence_stand_beside_the_comparison() -> None:
    scores = collect_scores(results("100R,100R+300F,100F", gain=1), label_names=NAMES)
    real, mixed, fake = describe_arms(scores, real_slices=50)
    assert real["wilcoxon"] is None
    means = {arm.name: scores.by_subject(arm.name).mean(axis=0) for arm in scores.arms}
    p = [stats.wilcoxon(means[name] - means["100R"]).pvalue for name in ("100R+300F", "100F")]
    assert [mixed["wilcoxon"]["p"], fake["wilcoxon"]["p"]] == pytest.approx(p)
    assert min(mixed["wilcoxon"]["p_holm"], fake["wilcoxon"]["p_holm"]) == pytest.approx(2 * min(p))
    primary, _ = compare(scores)
    described = describe_primary(primary)
    assert primary is not None
    assert described is not None
    assert primary.narrow is not None
    low, high = described["equivalence"]["interval"]
    assert primary.difference.low < low < primary.difference.value < high < primary.difference.high
    assert described["equivalence"]["holds"] == (low > -0.01 and high < 0.01)
    assert described["equivalence"]["margin"] == 0.01
    # Two one-sided t tests by hand, at the error and freedom of the crossed design: near enough to the bootstrap's ends.
    error, freedom = primary.difference.error, primary.difference.freedom
    assert high - low == pytest.approx(2 * stats.t.ppf(0.95, freedom) * error, rel=0.1)
    assert described["smallest_effect_seen"] == pytest.approx(
        (stats.t.ppf(0.975, freedom) + stats.t.ppf(0.8, freedom)) * error
    )


def test_absent_labels_leave_their_subject_and_empty_subjects_the_comparison() -> None:
    hits = np.full((len(SUBJECTS), 2), 60)
    hits[0] = -1
    hits[1, 0] = -1
    cells = plan_cells(parse_arms("100R,100R+300F"), seeds=1, synthetic_sets=1)
    scores = collect_scores([result_of(cell, hits) for cell in cells], label_names=NAMES)
    assert np.isnan(scores.by_subject("100R")[0, 0])
    assert scores.by_subject("100R")[0, 1] == pytest.approx(dice_of(np.array(60)))
    primary, notes = compare(scores)
    assert primary is not None
    assert primary.subjects == 19
    assert "1 of 20 test subjects" in notes[0]
    (entry, *_) = list_scores(scores)
    assert entry["subject"] == "s00"
    assert math.isnan(entry["dice"])
    absent = {(one["subject"], one["label"]) for one in list_scores(scores) if not one["present"]}
    assert absent == {("s00", "organ"), ("s00", "tumour"), ("s01", "organ")}


def test_false_alarms_that_the_paired_difference_cannot_see_are_told() -> None:
    """As where 100R is right to find nothing in a third of the subjects, and the mixture finds a lesion in all of them."""
    rng, results = np.random.default_rng(0), []
    hits = rng.integers(40, 80, (len(SUBJECTS), 1))
    for cell in plan_cells(parse_arms("100R,100R+300F"), seeds=3, synthetic_sets=1):
        found = hits + (3 if cell.arm.synthetic else 0) + rng.integers(0, 2, hits.shape)
        result = result_of(cell, found)
        for subject in SUBJECTS[:7]:
            result.counts[subject][1] = [0, 50 if cell.arm.synthetic else 0, 0]
        results.append(result)
    scores = collect_scores(results, label_names=NAMES[:2])
    primary, notes = compare(scores)
    assert primary is not None
    assert primary.difference.low > 0
    assert primary.alarms is not None
    assert primary.alarms.value == 1
    assert primary.more_alarms
    assert "100R finds a label in 0% of the subjects without it, 100R+300F in 100%." in notes[-1]
    clean, _ = compare(collect_scores([result_of(one.cell, hits) for one in results], label_names=NAMES[:2]))
    assert clean is not None
    assert clean.alarms is None


def test_a_false_alarm_beside_another_label_is_no_loss_of_dice() -> None:
    """100R finds a tumour in 8 subjects that have an organ alone; where both are, the arms do equally well."""
    rng, found = np.random.default_rng(0), []
    hits = rng.integers(40, 80, (len(SUBJECTS), 2))
    for cell in plan_cells(parse_arms("100R,100R+300F"), seeds=3, synthetic_sets=1):
        result = result_of(cell, hits)
        for subject in SUBJECTS[:8]:
            result.counts[subject][2] = [0, 0 if cell.arm.synthetic else 50, 0]
        found.append(result)
    scores = collect_scores(found, label_names=NAMES)
    primary, notes = compare(scores)
    assert primary is not None
    assert primary.difference.value == 0
    assert primary.difference.interval == [0, 0]
    assert primary.subjects == 20
    assert primary.alarms is not None
    assert primary.alarms.value == -1
    assert "Comparisons of arms leave these labels out, found or not." in notes[-1]
    real, mixed = describe_arms(scores, real_slices=50)
    assert mixed["difference_to_real"]["difference"] == 0
    assert mixed["wilcoxon"]["p"] == 1
    assert mixed["mean"] > real["mean"], "the means count false alarms"
    assert mixed["ratio_to_real"] == pytest.approx(mixed["mean"] / real["mean"])


def test_perfect_scores_stay_within_the_range_of_dice() -> None:
    hits = np.full((len(SUBJECTS), 2), 100)
    hits[::5] = 90
    cells = plan_cells(parse_arms("100R"), seeds=2, synthetic_sets=1)
    (arm,) = describe_arms(
        collect_scores([result_of(c, hits + c.seed * 0) for c in cells], label_names=NAMES), real_slices=9
    )
    assert arm["interval"][1] <= 1


def test_sets_are_the_units_where_there_are_several() -> None:
    scores = collect_scores(results("100R,100R+300F", sets=2, seeds=4), label_names=NAMES)
    assert scores.units == {"100R": None, "100R+300F": [0, 1, 0, 1]}
    assert collect_scores(results("100F"), label_names=NAMES).units == {"100F": None}


def test_generators_are_the_units_where_several_sets_are_of_one() -> None:
    found = results("100R,100R+300F", sets=4, seeds=5)
    scores = collect_scores(found, label_names=NAMES, generators=[0, 0, 1, 1])
    assert scores.units == {"100R": None, "100R+300F": [0, 0, 1, 1, 0]}
    of_sets = collect_scores(found, label_names=NAMES)
    primary, naive = compare(scores)[0], compare(of_sets)[0]
    assert primary is not None
    assert naive is not None
    assert primary.difference.value == naive.difference.value
    assert primary.difference.freedom <= naive.difference.freedom
    alike = collect_scores(found, label_names=NAMES, generators=[0, 0, 0, 0])
    assert alike.units["100R+300F"] == [0, 1, 2, 3, 0], "conditional on the one generator, over its sets"


def test_without_100r_there_is_nothing_to_compare_with() -> None:
    scores = collect_scores(results("100F"), label_names=NAMES)
    assert compare(scores) == (None, [])
    assert last_gains(scores) == {"100F": pytest.approx(0.04)}
    (arm,) = describe_arms(scores, real_slices=10)
    assert arm["ratio_to_real"] is None
    assert arm["difference_to_real"] is None


def test_another_arm_may_be_compared() -> None:
    scores = collect_scores(results("100R,100R+100F,100R+300F", gain=10), label_names=NAMES)
    for asked, compared in ((None, "100R+300F"), ("100R+100F", "100R+100F")):
        primary, _ = compare(scores, asked)
        assert primary is not None
        assert primary.comparison == f"{compared} minus 100R"


def test_scores_are_listed_one_by_one() -> None:
    listed = list_scores(collect_scores(results("100R,100F"), label_names=NAMES))
    assert len(listed) == 2 * 3 * 20 * 2
    assert {entry["label"] for entry in listed} == {"organ", "tumour"}
    assert parse_arm(listed[0]["arm"]).real == 100
