from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from segmint.evaluation.arms import Arm, parse_arm
from segmint.evaluation.convergence import Curve
from segmint.evaluation.gate import SHARES, candidate_arms
from segmint.evaluation.gate_choice import Choice, Looked, choose
from segmint.evaluation.statistics import bootstrap_difference

SMALL, MIDDLE, LARGE = candidate_arms(SHARES)
REAL = parse_arm("100R")


def chosen(candidates: list[tuple[Arm, np.ndarray]], real: np.ndarray) -> Choice:
    """Of Dice [seeds, subjects] of a single label that every subject has."""
    looked = [Looked(arm, scores[:, :, None]) for arm, scores in candidates]
    return choose(looked, Looked(REAL, real[:, :, None]), absent=np.zeros((real.shape[1], 1), dtype=bool))


def test_takes_the_largest_certain_gain() -> None:
    rng = np.random.default_rng(0)
    real = rng.normal(0.7, 0.1, (2, 12))
    small = real + 0.03 + rng.normal(0, 0.01, real.shape)
    middle = real + 0.02 + rng.normal(0, 0.005, real.shape)
    # Gains most, but on some subjects only.
    large = real + np.where(np.arange(12) < 3, 0.3, -0.03)
    choice = chosen([(SMALL, small), (MIDDLE, middle), (LARGE, large)], real)
    assert choice.arm == SMALL
    assert choice.opened
    assert choice.best.arm == LARGE
    assert choice.subjects == 12
    assert choice.sentence.startswith("The gate chose 100R+25F of 3 shares, cross-validated on 12 training subjects (")
    assert "100R+25F +3" in choice.sentence, "the numbers are those of what was chosen"


def test_adds_nothing_where_no_gain_is_certain() -> None:
    rng = np.random.default_rng(1)
    real = rng.normal(0.7, 0.1, (2, 10))
    worse, unclear = real - 0.1, real + 0.01 + rng.normal(0, 0.08, real.shape)
    choice = chosen([(SMALL, unclear), (LARGE, worse)], real)
    assert choice.arm == Arm(real=100)
    assert not choice.opened
    assert choice.sentence.startswith("The gate added no synthetic pairs: of 2 shares, cross-validated on 10")
    assert choice.confidence == pytest.approx(0.95)
    content = choice.as_json()
    assert content["chosen"] == "100R"
    assert [one["arm"] for one in content["candidates"]] == ["100R+25F", "100R+300F"]


def test_intervals_are_those_of_the_difference_at_the_level_of_the_gate() -> None:
    rng = np.random.default_rng(2)
    real = rng.normal(0.7, 0.1, (1, 5))
    better = real + rng.normal(0.02, 0.02, real.shape)
    assert chosen([(SMALL, better)], real).best.gain == bootstrap_difference(better, real, confidence=0.9)


def test_a_set_that_does_nothing_is_rarely_added() -> None:
    """Three candidates that are as good as 100R: added in at most 5 percent of trials, and what 150 of them leave to chance."""
    rng, opened, trials = np.random.default_rng(3), 0, 150
    for _ in range(trials):
        real = rng.normal(0.7, 0.1, (2, 10))
        subject = rng.normal(0, 0.03, (3, 1, 10))
        scores = real + subject + rng.normal(0, 0.02, (3, 2, 10))
        opened += chosen([(arm, one) for arm, one in zip((SMALL, MIDDLE, LARGE), scores, strict=True)], real).opened
    assert 0 < opened <= 0.08 * trials


def without_the_label(scores: np.ndarray, found: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Dice [seeds, subjects, 1] where the first half of the subjects lacks the label: 0 where it is `found` there, else NaN."""
    scores = scores.copy()
    half = scores.shape[1] // 2
    scores[:, :half] = np.where(found(np.arange(half)), 0.0, np.nan)
    return scores[:, :, None]


def test_a_gain_with_surely_more_false_alarms_is_left_out() -> None:
    rng = np.random.default_rng(4)
    real = rng.normal(0.7, 0.1, (2, 24))
    absent = np.arange(24)[:, None] < 12
    never, often, once = (lambda _: False), (lambda subject: subject < 9), (lambda subject: subject < 1)
    small, large = (real + gain + rng.normal(0, 0.01, real.shape) for gain in (0.03, 0.06))
    without = Looked(REAL, without_the_label(real, never))
    candidates = [Looked(SMALL, without_the_label(small, once)), Looked(LARGE, without_the_label(large, often))]
    choice = choose(candidates, without, absent=absent)
    assert choice.best.arm == LARGE
    assert choice.best.gained
    assert choice.arm == SMALL, "one false alarm more may be chance"
    said = "; left out, as they surely find labels in more of the subjects that do not have them: 100R+300F (+75.0 percent)"
    assert said in choice.sentence
    alarms = choice.as_json()["candidates"][1]["false_alarms"]
    assert alarms["difference"] == 0.75
    assert alarms["interval"][0] > 0

    nothing = choose(candidates[1:], without, absent=absent)
    assert nothing.arm == REAL
    assert "none gained for sure without more false alarms (at best 100R+300F +6" in nothing.sentence
    assert said in nothing.sentence
    # Where 100R finds as many, they are no reason.
    real_too = Looked(REAL, without_the_label(real, often))
    assert choose(candidates, real_too, absent=absent).arm == LARGE


def test_a_gain_is_over_the_labels_that_subjects_have() -> None:
    """100R finds a second label in all subjects, half of whom lack it; what is there, it finds as well as with pairs."""
    rng = np.random.default_rng(6)
    both = rng.normal(0.7, 0.1, (2, 24, 2))
    absent = np.zeros((24, 2), dtype=bool)
    absent[:12, 1] = True
    alarmed, silent = (np.where(absent, value, both) for value in (0.0, np.nan))
    choice = choose([Looked(SMALL, silent)], Looked(REAL, alarmed), absent=absent)
    assert choice.best.gain.value == 0
    assert choice.arm == REAL
    assert choice.subjects == 24


def rising(by: float) -> Curve:
    """Validation Dice that gains so much over the last fifth."""
    return [(images, 0.5 + 5 * by * images / 1000) for images in range(10, 1001, 10)]


@pytest.mark.parametrize(
    ("real_rise", "pairs_rise", "said"),
    [
        (0.0, 0.004, None),
        (0.0, 0.02, "(validation Dice of 100R+25F still gained 2.0 points over the last fifth of the steps)"),
        (0.02, math.nan, "(validation Dice of 100R still gained 2.0 points over the last fifth of the steps)"),
        (0.0, math.nan, "; whether the segmenters it chose by had converged was not measured"),
    ],
)
@pytest.mark.parametrize("gain", [0.03, 0.0])
def test_whether_the_inner_segmenters_had_converged_is_said(
    real_rise: float, pairs_rise: float, said: str | None, gain: float
) -> None:
    rng = np.random.default_rng(5)
    real = rng.normal(0.7, 0.1, (2, 12, 1))
    looked = [
        Looked(SMALL, real + gain + rng.normal(0, 0.01, real.shape), [rising(pairs_rise)] * 4),
        # Neither chosen nor the best, so that it decides nothing.
        Looked(LARGE, real - 0.2, [rising(0.1)] * 4),
    ]
    choice = choose(looked, Looked(REAL, real, [rising(real_rise)] * 4), absent=np.zeros((12, 1), dtype=bool))
    assert choice.opened == (gain > 0)
    assert choice.converged is (True if said is None else None if "not measured" in said else False)
    assert ("converged" in choice.sentence) == (said is not None)
    assert said is None or said in choice.sentence
    told = choice.as_json()["convergence"]
    assert told["100R+300F"] == {"gain_points": pytest.approx(10), "converged": False, "judged": False}
    assert [name for name, one in told.items() if one["judged"]] == ["100R", "100R+25F"]
    assert told["100R"]["gain_points"] == pytest.approx(100 * real_rise)
