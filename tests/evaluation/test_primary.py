from __future__ import annotations

import pytest

from segmint.errors import UserError
from segmint.evaluation.arms import parse_arms
from segmint.evaluation.primary import choose_primary, without_primary


@pytest.mark.parametrize(
    ("arms", "primary"),
    [
        ("100R,100F,100R+100F,100R+300F", "100R+300F"),
        ("100R,100R+25F", "100R+25F"),
        ("100R,100F,100R+100A,100R+50F+100A,100R+25C", "100R+25C"),
        ("100R,100R+300F,gate", "gate"),
        ("100R,100R+{25,50}F", None),
        ("100R,100F,50R+50F", None),
        ("100R+300F,100F", None),
    ],
)
def test_the_default_is_what_the_arms_leave(arms: str, primary: str | None) -> None:
    assert choose_primary(parse_arms(arms, gate=True, curated=True), None) == primary


def test_the_arm_asked_for_is_taken() -> None:
    arms = parse_arms("100R,100R+25F,100R+300F,gate", gate=True)
    assert choose_primary(arms, "25F+100R") == "100R+25F"
    assert choose_primary(arms, "gate") == "gate"


@pytest.mark.parametrize(
    ("arms", "asked", "words"),
    [
        ("100R,100R+25F", "100R+50F", r"--primary 100R\+50F: choose one of --arms .*\(100R\+25F\)"),
        ("100R,100F", "100F", "none of them does"),
        ("100R,100R+25F+100A", "100R+25F+100A", "and nothing else"),
        ("100F,100R+25F", "100R+25F", "is with 100R; name that"),
        ("100R,100R+25F", "a lot", "is not an arm"),
    ],
)
def test_refuses_an_arm_that_says_nothing_about_pairs(arms: str, asked: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        choose_primary(parse_arms(arms), asked)


@pytest.mark.parametrize(
    ("arms", "words"),
    [
        ("100F", "100R, which arms are compared with, is not in this trial"),
        ("100R,100F", "no arm adds synthetic pairs to 100R"),
        ("100R,100R+{25,50}F", "none of 100R+25F, 100R+50F was named with --primary before the trial"),
    ],
)
def test_says_why_there_is_none(arms: str, words: str) -> None:
    assert without_primary(parse_arms(arms)).startswith(words)
