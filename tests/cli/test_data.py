"""`segmint data` on real files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmint.cli.main import main


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Six images of three subjects, masks in 0 and 255."""
    random = np.random.default_rng(0)
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    for subject in range(3):
        for number in range(2):
            name = f"s{subject}_{number}.png"
            Image.fromarray(random.integers(0, 255, (24, 32), dtype=np.uint8)).save(images / name)
            mask = np.zeros((24, 32), np.uint8)
            mask[4 : 8 + subject, 5:9] = 255
            Image.fromarray(mask).save(masks / name)
    return images, masks


def test_convert_inspect_split(folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images, masks = folders
    out = tmp_path / "dataset"
    convert = ["data", "convert", "folders", str(images), str(masks), "--out", str(out), "--subject", r"(s\d)_"]
    assert main([*convert, "--labels", "lesion=255", "--licence", "CC0-1.0"]) == 0
    assert "6 pairs of 3 subjects" in capsys.readouterr().out

    assert main(["data", "inspect", str(out), "--json"]) == 0
    inspection = json.loads(capsys.readouterr().out)
    assert inspection["subjects"] == 3
    assert [label["name"] for label in inspection["labels"]] == ["background", "lesion"]
    assert main(["data", "inspect", str(out)]) == 0
    assert "No problem found" in capsys.readouterr().out

    assert main(["data", "split", str(out), "--fractions", "0.34,0.33,0.33", "--subsets", "1"]) == 0
    assert "1 subjects train" in capsys.readouterr().out

    assert main(convert) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_problems_are_all_listed_and_the_exit_code_is_2(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "dataset"
    assert main(["data", "convert", "folders", *map(str, folders), "--out", str(out), "--labels", "lesion=255"]) == 0
    broken = sorted((out / "imagesTr").iterdir())[:2]
    for path in broken:
        path.write_bytes(path.read_bytes()[:60])
    capsys.readouterr()
    assert main(["data", "inspect", str(out)]) == 2
    captured = capsys.readouterr()
    assert all(path.name in captured.out.replace("\n", "") for path in broken)
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("labels", ["lesion=white", "=255", "a=1,b"])
def test_labels_that_cannot_be_read(
    labels: str, folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "dataset"
    assert main(["data", "convert", "folders", *map(str, folders), "--out", str(out), "--labels", labels]) == 2
    assert "--labels" in capsys.readouterr().err
    assert not out.exists()


def test_unknown_phantom(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "phantom", "heart", "--out", str(tmp_path / "x")]) == 2
    assert "brain" in capsys.readouterr().err


def test_a_published_layout_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    for kind in ("raw", "membranes", "mitochondria"):
        (tmp_path / "src" / "stack1" / kind).mkdir(parents=True)
        for number in range(6):
            pixels = random.integers(0, 255, (16, 16), dtype=np.uint8)
            name = f"{number:02d}.{'tif' if kind == 'raw' else 'png'}"
            Image.fromarray(pixels if kind == "raw" else pixels > 200).save(tmp_path / "src" / "stack1" / kind / name)
    convert = ["data", "convert", "drosophila-vnc", str(tmp_path / "src"), "--out", str(tmp_path / "out")]
    assert main([*convert, "--blocks", "3", "--licence", "mine"]) == 0
    said = capsys.readouterr().out
    assert "6 pairs of 3 blocks" in said
    assert "Licence: mine." in said
    assert main(["data", "inspect", str(tmp_path / "out")]) == 0
    assert "condition membranes" in capsys.readouterr().out

    assert main([*convert, "--overwrite", "--observer", "2"]) == 2
    assert "--observer 2" in capsys.readouterr().err
    assert main(["data", "convert", "brats", str(tmp_path), "--out", str(tmp_path / "other")]) == 2
    assert 'There is no layout "brats"' in capsys.readouterr().err

    binary = tmp_path / "binary"
    assert main(["data", "binarise", str(tmp_path / "out"), "--out", str(binary)]) == 0
    assert "6 pairs, one label" in capsys.readouterr().out
    assert main(["data", "binarise", str(tmp_path / "out"), "--out", str(binary)]) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_layouts_are_listed_with_their_origin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "layouts"]) == 0
    said = capsys.readouterr().out
    for word in ("chase-db1", "drive", "drosophila-vnc", "epfl-ca1", "lgg", "folders", "https://", "CC BY-NC-SA 4.0"):
        assert word in said


def test_the_help_names_every_phantom(capsys: pytest.CaptureFixture[str]) -> None:
    from segmint.data.phantoms import PHANTOMS

    assert main(["data", "phantom", "--help"]) == 0
    said = capsys.readouterr().out
    assert all(phantom.kind in said for phantom in PHANTOMS)
