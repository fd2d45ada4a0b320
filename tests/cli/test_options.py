"""Values of options."""

from __future__ import annotations

import pytest

from segmint.cli.options import Precision, read_list, read_settings
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


def test_every_precision_that_is_offered_is_known() -> None:
    (option,) = Precision.__metadata__  # type: ignore[attr-defined]
    offered = option.metavar.split("|")
    assert offered == ["auto", "bf16", "float32"]
    for word in offered:
        assert choose_hardware(device="cpu", precision=word, threads=1).precision in offered[1:]
