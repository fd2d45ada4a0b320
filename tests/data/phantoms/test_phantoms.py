from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from segmint.cli.main import main
from segmint.data.dataset import Dataset, open_dataset
from segmint.data.phantoms import PHANTOMS, find_phantom
from segmint.errors import UserError

KINDS = [phantom.kind for phantom in PHANTOMS]
SIZES = {"brain": 32, "retina": 48, "em-a": 48, "em-b": 48, "stroke": 96, "thorax": 96}
CONDITIONS = {
    "brain": {},
    "retina": {"foreground": ("background", "foreground")},
    "em-a": {"membranes": ("background", "membrane")},
    "em-b": {"membranes": ("background", "membrane")},
    "stroke": {"foreground": ("background", "foreground")},
    "thorax": {},
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three subjects of every kind, small, drawn from the command line."""
    root = tmp_path_factory.mktemp("phantoms")
    for kind in KINDS:
        arguments = ["data", "phantom", kind, "--subjects", "3", "--seed", "1", "--size", str(SIZES[kind])]
        assert main([*arguments, "--out", str(root / kind)]) == 0
    return {kind: root / kind for kind in KINDS}


def test_every_kind_is_found_by_its_name() -> None:
    assert [find_phantom(phantom.kind) for phantom in PHANTOMS] == list(PHANTOMS)
    assert list(CONDITIONS) == KINDS


def test_an_unknown_kind_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'liver'.*brain"):
        find_phantom("liver")


@pytest.mark.parametrize("kind", KINDS)
def test_inspection_finds_nothing_to_mend(
    written: dict[str, Path], kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "inspect", str(written[kind]), "--json"]) == 0
    inspection = json.loads(capsys.readouterr().out)
    assert inspection["problems"] == []
    assert inspection["subjects"] == 3
    assert inspection["licence"] == "CC0-1.0"
    assert inspection["split"] == {"train": 1, "validation": 1, "test": 1}
    assert inspection["sizes"]["largest"][:2] == [SIZES[kind]] * 2


@pytest.mark.parametrize("kind", KINDS)
def test_datasets_declare_and_hold_their_conditions(written: dict[str, Path], kind: str) -> None:
    dataset = open_dataset(written[kind])
    assert dataset.name == f"{kind}-phantom"
    assert dict(dataset.conditions) == CONDITIONS[kind]
    case = dataset.cases[0]
    for name in dataset.conditions:
        ids = dataset.read_condition(case, name)
        assert ids.shape == dataset.read_label(case).shape
        assert set(np.unique(ids)) == {0, 1}


@pytest.mark.parametrize("kind", ["retina", "em-a"])
def test_a_subject_does_not_depend_on_their_number(written: dict[str, Path], kind: str, tmp_path: Path) -> None:
    more = open_dataset(find_phantom(kind).write(tmp_path / "more", subjects=4, seed=1, size=48))
    fewer = open_dataset(written[kind])
    assert len(more.subjects) == 4
    ids = {case.id: case for case in more.cases}
    for case in fewer.cases:
        np.testing.assert_array_equal(more.read_image(ids[case.id]), fewer.read_image(case))
        np.testing.assert_array_equal(more.read_label(ids[case.id]), fewer.read_label(case))


def test_cases_of_a_stack_name_their_volume_and_slice(written: dict[str, Path]) -> None:
    def order(dataset: Dataset) -> list[tuple[str | None, int | None, int | None]]:
        return [(case.volume, case.slice, case.axis) for case in dataset.cases[:8]]

    assert order(open_dataset(written["em-a"])) == [("specimen_001", number, 2) for number in range(8)]
    assert order(open_dataset(written["stroke"])) == [("subject_001", number, 2) for number in range(8)]


def test_retina_is_colour(written: dict[str, Path]) -> None:
    dataset = open_dataset(written["retina"])
    assert dataset.channel_names == ("Red", "Green", "Blue")
    assert len(dataset.cases[0].image_paths) == 1
    red, green, blue = dataset.read_image(dataset.cases[0]).mean((1, 2))
    assert red > green > blue


@pytest.mark.parametrize("kind", KINDS)
def test_an_existing_dataset_is_kept(written: dict[str, Path], kind: str) -> None:
    with pytest.raises(UserError, match="exists already"):
        find_phantom(kind).write(written[kind], subjects=3, seed=0, size=48)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "value"), [("subjects", 2), ("size", 8), ("seed", -1)])
def test_wrong_arguments_are_named(tmp_path: Path, kind: str, name: str, value: int) -> None:
    with pytest.raises(UserError, match=f"{kind} phantom cannot be drawn with {name} {value}"):
        find_phantom(kind).write(tmp_path / "out", **{"subjects": 3, "seed": 0, "size": 48, name: value})
    assert not list(tmp_path.iterdir())


def test_a_kind_has_its_own_size(tmp_path: Path) -> None:
    dataset = open_dataset(find_phantom("retina").write(tmp_path / "retina", subjects=3, seed=0))
    assert dataset.read_label(dataset.cases[0]).shape == (128, 128)


def test_the_list_imports_nothing_heavy() -> None:
    code = "import sys, segmint.data.phantoms; assert not {'numpy', 'scipy', 'torch', 'nibabel'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
