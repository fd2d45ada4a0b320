from __future__ import annotations

import pytest

from segmint.data.label_names import find_label
from segmint.errors import UserError

NAMES = ("background", "edema", "core", "3")


@pytest.mark.parametrize(("name", "label"), [("edema", 1), ("core", 2), ("2", 2), ("3", 3)])
def test_finds_by_name_or_id(name: str, label: int) -> None:
    assert find_label(name, NAMES, option="--balance") == label


@pytest.mark.parametrize("name", ["background", "0", "4", "-1", "Core", "", "²"])
def test_refuses_what_is_no_label(name: str) -> None:
    with pytest.raises(UserError, match=r"^--repeat .*the labels are edema, core, 3\.$"):
        find_label(name, NAMES, option="--repeat")
