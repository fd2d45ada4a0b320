from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmint.errors import UserError
from segmint.evaluation.arms import DEFAULT_ARMS, PRIMARY_ARM, REAL_ARM, Arm, ArmCounts, parse_arm, parse_arms


@pytest.mark.parametrize(
    ("text", "arm"),
    [
        ("100R", Arm(real=100)),
        ("50R", Arm(real=50)),
        ("100F", Arm(synthetic=100)),
        ("100R+300F", Arm(real=100, synthetic=300)),
        ("300F+100R", Arm(real=100, synthetic=300)),
        (" 100r + 300a ", Arm(real=100, flipped=300)),
        ("100R+64b", Arm(real=100, repeated=64)),
        ("100R+300C", Arm(real=100, synthetic=300, curated=True)),
        ("25R+1000F+75A", Arm(real=25, synthetic=1000, flipped=75)),
    ],
)
def test_reads_arms(text: str, arm: Arm) -> None:
    assert parse_arm(text, curated=True) == arm


def test_curated_pairs_are_for_trials_that_curate() -> None:
    with pytest.raises(UserError, match="wants pairs that the trial curates itself"):
        parse_arm("100R+100C")
    with pytest.raises(UserError, match=r"as drawn \(F\) and curated \(C\)"):
        parse_arm("100R+50F+50C", curated=True)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100), st.integers(0, 2000), st.integers(0, 3), st.integers(0, 500))
def test_name_reads_back(real: int, synthetic: int, copies: int, repeated: int) -> None:
    arm = Arm(real=real, synthetic=synthetic, flipped=copies * (real or 100), repeated=repeated)
    if arm != Arm():
        assert parse_arm(arm.name) == arm


@pytest.mark.parametrize(
    "text",
    ["", "R", "100", "100X", "100R+", "100R+50R", "0R", "-5R", "1.5R", "100R 300F", "101R", "100R+301A", "50R+151A"],
)
def test_refuses_anything_else_in_one_sentence(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_arm(text)
    message = str(caught.value)
    assert repr(text) in message
    assert message.endswith(".")
    assert "\n" not in message


def test_default_arms_hold_the_primary_comparison() -> None:
    assert {REAL_ARM, PRIMARY_ARM} <= set(DEFAULT_ARMS)
    assert [arm.name for arm in parse_arms(DEFAULT_ARMS)] == list(DEFAULT_ARMS)


def test_arms_may_come_in_one_string() -> None:
    assert parse_arms("100R, 100F") == (Arm(real=100), Arm(synthetic=100))


def test_refuses_no_arms_and_the_same_arm_twice() -> None:
    with pytest.raises(UserError, match="no arms"):
        parse_arms([])
    with pytest.raises(UserError, match=r"100R\+300F is named twice"):
        parse_arms(["100R+300F", "300F+100R"])


def test_counts_are_shares_of_the_real_slices() -> None:
    assert parse_arm("50R+300F+100A").counts(11) == ArmCounts(real=6, synthetic=33, flipped=11)
    assert parse_arm("100R+100F").counts(7).total == 14
    assert parse_arm("100R+64B").counts(25) == ArmCounts(real=25, synthetic=0, flipped=0, repeated=16)
    with pytest.raises(UserError, match="none"):
        parse_arm("1R").counts(10)


def test_the_gate_is_an_arm_only_where_it_is_asked() -> None:
    assert parse_arms("100R,gate", gate=True) == (Arm(real=100), Arm(gated=True))
    assert Arm(real=100, synthetic=25, gated=True).name == "gate"
    assert Arm(real=100, synthetic=25, gated=True).content == "100R+25F"
    with pytest.raises(UserError, match="segmint trial REAL --recipe NAME --gate"):
        parse_arms("100R,gate")
