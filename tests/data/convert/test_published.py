"""What holds for every published layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from segmint.data.convert import convert_layout
from segmint.data.convert.layouts import LAYOUTS, find_layout
from segmint.errors import UserError


def test_every_layout_tells_where_its_data_come_from() -> None:
    assert len({layout.name for layout in LAYOUTS}) == len(LAYOUTS)
    for layout in LAYOUTS:
        assert find_layout(layout.name) is layout
        assert layout.origin.startswith("https://")
        assert layout.title
        assert layout.files
        assert layout.licence


def test_an_unknown_one_is_refused() -> None:
    with pytest.raises(UserError, match=r'no layout "brats": choose one of chase-db1, .*, or folders'):
        find_layout("brats")


@pytest.mark.parametrize("layout", [layout.name for layout in LAYOUTS])
def test_wrong_folders_leave_nothing_behind(layout: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for source in (empty, tmp_path / "none"):
        with pytest.raises(UserError, match=f"{source.name} (holds no|does not exist)") as caught:
            convert_layout(layout, source, out=tmp_path / "out")
        assert "\n" not in str(caught.value)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept").touch()
    with pytest.raises(UserError, match="exists already"):
        convert_layout(layout, empty, out=tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["kept"]
