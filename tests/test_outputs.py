"""JSON that no file should hold, and folders that cannot be exchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from segmint.errors import UserError
from segmint.outputs import opened_folder, read_json, staged_folder


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"n": ' + b"1" * 6000 + b"}", "cannot be read as JSON"),
        (b"\xff\xfe{}", "cannot be read as JSON"),
        (rb'{"name": "\ud800"}', "surrogates not allowed"),
        (rb'{"name": "\uDC00x"}', "surrogates not allowed"),
        (b"{", "cannot be read as JSON"),
    ],
)
def test_what_is_no_json_is_one_sentence(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=said) as caught:
        read_json(path)
    assert "\n" not in str(caught.value)


def test_characters_of_two_halves_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(rb'{"name": "\ud83d\ude00"}')
    assert read_json(path) == {"name": "\U0001f600"}


@pytest.mark.parametrize("here", [".", "../here"])
def test_the_folder_one_stands_in_is_not_replaced(here: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "kept.txt").write_text("kept")
    monkeypatch.chdir(folder)
    for opened in (staged_folder, opened_folder):
        with (
            pytest.raises(UserError, match="is the folder that this was called in"),
            opened(Path(here), overwrite=True),
        ):
            pass
    assert (folder / "kept.txt").read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    # What is written in its place may be.
    (folder / "kept.txt").unlink()
    with opened_folder(Path(here), overwrite=False):
        pass
