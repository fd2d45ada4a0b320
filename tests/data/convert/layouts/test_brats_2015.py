"""BRATS 2015: .mha in folders of the Virtual Skeleton Database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segmint.data.convert import convert_layout
from segmint.data.dataset import open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.errors import UserError

SHAPE = (12, 10, 7)
# ITK counts to the left and back where NIfTI counts to the right and front.
AFFINE = np.array([[-1.0, 0, 0, 3], [0, -1, 0, -5], [0, 0, 2, 7], [0, 0, 0, 1]])
CASES = (
    "HGG/brats_2013_pat0001_1",
    "HGG/brats_tcia_pat105_0001",
    "HGG/brats_tcia_pat105_0165",
    "LGG/brats_2013_pat0001_1",
)


@pytest.fixture
def brats(tmp_path: Path) -> Path:
    """Four scans of three patients, two of which are numbered alike: int16, labels 0..4, compressed."""
    simpleitk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed (extra itk)")
    root = tmp_path / "BRATS2015_Training"
    for seed, place in enumerate(CASES):
        rng = np.random.default_rng(seed)
        for number, kind in enumerate(("XX.O.MR_T1", "XX.O.MR_T1c", "XX.O.MR_T2", "XX.O.MR_Flair", "3more.XX.XX.OT")):
            name = f"VSD.Brain{'_' if number == 4 else '.'}{kind}.{54510 + number}"
            array = rng.integers(0, 5 if number == 4 else 900, SHAPE).astype(np.int16)
            image = simpleitk.GetImageFromArray(array.transpose())
            image.SetSpacing((1.0, 1.0, 2.0))
            image.SetOrigin((-3.0, 5.0, 7.0))
            (root / place / name).mkdir(parents=True)
            simpleitk.WriteImage(image, str(root / place / name / f"{name}.mha"), True)
            (root / place / name / "Read_me.txt").write_text("as it comes")
    return root


def test_contrasts_place_and_patients(brats: Path, tmp_path: Path, check_in_place: Callable[..., None]) -> None:
    result = convert_layout("brats-2015", brats.parent, out=tmp_path / "out")
    assert (result.pairs, result.subjects) == (4, 3)
    dataset = open_dataset(result.dataset)
    assert dataset.subjects == ("HGG_brats_2013_pat0001", "LGG_brats_2013_pat0001", "brats_tcia_pat105")
    assert dataset.channel_names == ("T1", "T1c", "T2", "FLAIR")
    for case in dataset.cases:
        rng = np.random.default_rng(CASES.index(case.id.replace("GG_", "GG/")))
        assert np.array_equal(dataset.read_image(case), [rng.integers(0, 900, SHAPE) for _ in range(4)])
        assert np.array_equal(dataset.read_label(case), rng.integers(0, 5, SHAPE))
        assert case.spacing == (1.0, 1.0, 2.0)
    check_in_place(result.dataset, AFFINE)
    assert inspect_dataset(result.dataset)["problems"] == []


def test_what_is_wrong_is_said_in_one_sentence(brats: Path, tmp_path: Path) -> None:
    folder = next((brats / CASES[3]).glob("*MR_T2.*"))
    path = folder / f"{folder.name}.mha"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"MR_T2.*\.mha is damaged") as caught:
        convert_layout("brats-2015", brats, out=tmp_path / "out")
    assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(UserError, match=r"brats_2013_pat0001_1 holds no VSD\*\.MR_T2"):
        convert_layout("brats-2015", brats, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_recipes_learn_from_it(brats: Path, check_trains: Callable[..., None]) -> None:
    check_trains("brats-2015", brats, "stroke-pix2pix", "segan")
