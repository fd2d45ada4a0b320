"""Values of options."""

from __future__ import annotations

import pytest

from segmint.cli.options import Precision, read_arms, read_list, read_settings
from segmint.errors import UserError
from segmint.training.precision import choose_hardware


def test_settings_keep_everything_after_the_first_equals_sign() -> None:
    assert read_settings(["r1_gamma=10", "name=a=b", "empty="]) == {"r1_gamma": "10", "name": "a=b", "empty": ""}
    assert read_settings(None) == {}


@pytest.mark.parametrize("pairs", [["r1_gamma"], ["=3"], ["a=1", "a=2"]])
def test_settings_that_cannot_be_read_are_refused(pairs: list[str]) -> None:
    with pytest.raises(UserError, match="--set"):
        read_settings(pairs)


def test_lists_forgive_spaces_and_empty_words() -> None:
    assert read_list(" 100R, 100F ,") == ["100R", "100F"]
    assert read_list(None) == []


def test_braces_are_written_out_as_a_shell_would() -> None:
    assert read_arms("100R, 100R+{25,50 , 400}F,{50,100}R+{10,20}F") == [
        "100R", "100R+25F", "100R+50F", "100R+400F", "50R+10F", "50R+20F", "100R+10F", "100R+20F",
    ]  # fmt: skip
    assert read_arms(None) is None


@pytest.mark.parametrize("text", ["100R+{25,50F", "100R+25,50}F", "100R+{25,}F", "100R+{}F", "{100R,{50R,25R}"])
def test_braces_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"--arms .*write it as in 100R,100R"):
        read_arms(text)


def test_every_precision_that_is_offered_is_known() -> None:
    (option,) = Precision.__metadata__  # type: ignore[attr-defined]
    offered = option.metavar.split("|")
    assert offered == ["auto", "bf16", "float32"]
    for word in offered:
        assert choose_hardware(device="cpu", precision=word, threads=1).precision in offered[1:]
