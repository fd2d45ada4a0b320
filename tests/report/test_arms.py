"""Arms in words and their numbers."""

from __future__ import annotations

from typing import Any

import pytest

from segmint.report.arms import describe_arm, read_arms, signed_points


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("100R", "all real slices"),
        ("50R", "50% of the real slices"),
        ("100F", "as many synthetic as there are real"),
        ("100R+300F", "all real slices + 3 times as many synthetic"),
        ("100R+150A", "all real slices + 1.5 times as many flipped real"),
        ("something else", "something else"),
    ],
)
def test_an_arm_in_words(name: str, words: str) -> None:
    assert describe_arm(name) == words


def test_kinds_follow_from_the_slices(trial: dict[str, Any]) -> None:
    assert [arm.kind for arm in read_arms(trial)] == ["real", "fake", "mixed", "mixed", "flipped"]


def test_the_real_arm_is_not_compared_with_itself(trial: dict[str, Any]) -> None:
    real, fake = read_arms(trial)[:2]
    assert real.gain == ""
    assert fake.gain.startswith("−")


def test_points_carry_a_true_minus() -> None:
    assert signed_points(-0.0123) == "−1.2"
    assert signed_points(0.0) == "+0.0"


def test_every_arm_but_all_real_slices_is_compared(trial: dict[str, Any]) -> None:
    balanced = {**trial["arms"][0], "name": "100R+50B", "repeated_slices": 50}
    balanced["difference_to_real"] = {"difference": 0.03, "interval": [0.01, 0.05]}
    fewer = {**balanced, "name": "50R", "repeated_slices": 0}
    arms = read_arms({"arms": [fewer, trial["arms"][0], balanced]})
    assert [arm.gain for arm in arms] == ["+3.0", "", "+3.0"]
    assert [arm.is_reference for arm in arms] == [False, True, False]
