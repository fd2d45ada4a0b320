"""Inspection counts what is there and finds everything that is wrong, not only the first thing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from segmint.data.dataset import Split, Subset, open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.errors import UserError

MakeDataset = Callable[..., Path]


def test_it_counts_what_is_there(make_dataset: MakeDataset) -> None:
    split = Split(("a",), (), ("b", "c"))
    folder = make_dataset(
        subjects=["a", "a", "b", "c"],
        shapes=[(4, 6), (4, 6), (8, 6), (4, 6)],
        finish={"split": split, "subsets": {"1": Subset("1", ("a",))}},
        spacing=(0.5, 0.25),
    )
    label = np.zeros((4, 6), np.uint8)
    label[0, :3] = 1
    for name in ("case0", "case1", "case3"):
        Image.fromarray(label * (name != "case3")).save(folder / "labelsTr" / f"{name}.png")
    Image.fromarray(np.zeros((8, 6), np.uint8)).save(folder / "labelsTr" / "case2.png")
    ramp = np.arange(24, dtype=np.uint8).reshape(4, 6)
    Image.fromarray(ramp + 3).save(folder / "imagesTr" / "case0_0000.png")
    calls: list[tuple[int, int]] = []
    report = inspect_dataset(folder, progress=lambda done, total: calls.append((done, total)))
    assert json.loads(json.dumps(report)) == report
    assert (report["pairs"], report["subjects"], report["empty_masks"]) == (4, 3, 2)
    assert report["pairs_per_subject"] == {"smallest": 1, "median": 1.0, "largest": 2}
    assert report["sizes"]["smallest"] == [4, 6]
    assert report["sizes"]["largest"] == [8, 6]
    assert report["sizes"]["most_frequent"][0] == {"shape": [4, 6], "pairs": 3}
    assert report["spacing"]["median"] == [0.5, 0.25]
    assert [label["pairs"] for label in report["labels"]] == [4, 2, 0]
    assert report["labels"][1]["share"] == 6 / (3 * 24 + 48)
    assert report["channels"][0]["stored_as"] == "uint8"
    assert report["split"] == {"train": 1, "validation": 0, "test": 2}
    assert report["subsets"] == {"1": {"subjects": 1, "slices": None}}
    assert report["problems"] == []
    assert "No mask holds the label tumour." in report["remarks"]
    assert calls[-1] == (4, 4)


def test_it_counts_condition_maps_as_labels(make_dataset: MakeDataset) -> None:
    report = inspect_dataset(make_dataset(conditions={"odd": ("background", "odd"), "same": ("a", "b", "c")}))
    odd, same = report["conditions"]
    assert odd["name"] == "odd"
    assert [one["name"] for one in same["labels"]] == ["a", "b", "c"]
    assert [one["share"] for one in same["labels"]] == [one["share"] for one in report["labels"]]
    assert [one["pairs"] for one in same["labels"]] == [one["pairs"] for one in report["labels"]]
    assert odd["labels"][1]["share"] == report["labels"][1]["share"]
    assert report["subject_kind"] == "subject"


def test_it_finds_every_problem(make_dataset: MakeDataset) -> None:
    folder = make_dataset(shapes=[(6, 8)] * 8)
    (folder / "labelsTr" / "case0.png").unlink()
    (folder / "imagesTr" / "case1_0000.png").unlink()
    Image.fromarray(np.full((6, 8), 9, np.uint8)).save(folder / "labelsTr" / "case2.png")
    Image.fromarray(np.zeros((5, 8), np.uint8)).save(folder / "labelsTr" / "case3.png")
    path = folder / "imagesTr" / "case4_0000.png"
    path.write_bytes(path.read_bytes()[:50])
    shutil.copy(folder / "imagesTr" / "case5_0000.png", folder / "imagesTr" / "case6_0000.png")
    shutil.copy(folder / "imagesTr" / "case5_0000.png", folder / "imagesTr" / "x_0000.tif")
    content = json.loads((folder / "segmint.json").read_text())
    content["split"] = {"train": ["s2", "ghost"], "validation": [], "test": ["s3"]}
    (folder / "segmint.json").write_text(json.dumps(content))
    report = inspect_dataset(folder)
    for said in (
        'The image "case0"',
        'The mask "case1"',
        "case2.png holds the label id 9",
        "case3.png has the shape 5 x 8",
        "case4_0000.png is damaged",
        '"case5" and "case6" are the same image under the subjects "s5" and "s6"',
        "x_0000.tif does not have the file ending .png",
        'splits the subject "ghost"',
    ):
        assert sum(said in problem for problem in report["problems"]) == 1, said
    assert len(report["problems"]) == 8
    assert (report["pairs"], report["readable_pairs"]) == (6, 3)
    with pytest.raises(UserError, match="3 more problems"):
        open_dataset(folder)


def test_a_wrong_sidecar_is_a_problem_among_others(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    (folder / "segmint.json").write_text('{"cases": 3}')
    (folder / "labelsTr" / "case0.png").unlink()
    problems = inspect_dataset(folder)["problems"]
    assert len(problems) == 2
    assert "segmint.json is not valid" in problems[0]


def test_nan_and_empty_masks_and_affines_are_found(make_dataset: MakeDataset) -> None:
    folder = make_dataset(shapes=[(4, 5, 6)] * 3, ending=".nii.gz", dtype=np.float32)
    voxels = np.full((4, 5, 6), np.nan, np.float32)
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), folder / "imagesTr" / "case0_0000.nii.gz")
    for name in ("case1", "case2"):
        empty = nibabel.Nifti1Image(np.zeros((4, 5, 6), np.uint8), np.diag([1, 1, 1 + (name == "case2"), 1]))
        nibabel.save(empty, folder / "labelsTr" / f"{name}.nii.gz")
    problems = inspect_dataset(folder)["problems"]
    assert [sum(said in one for one in problems) for said in ("NaN", "affines differ", "All masks of")] == [1, 1, 1]
    assert len(problems) == 3


def test_an_unknown_spacing_is_not_made_up(make_dataset: MakeDataset) -> None:
    report = inspect_dataset(make_dataset())
    assert report["spacing"] is None
    assert any("Every image is its own subject" in one for one in report["remarks"])
    assert any("no split yet" in one for one in report["remarks"])


@pytest.mark.parametrize(("brightest", "told"), [(120, True), (250, False)])
def test_8_bit_pictures_without_contrast_are_told(make_dataset: MakeDataset, brightest: int, told: bool) -> None:
    folder = make_dataset(subjects=["a", "b"], shapes=[(16, 16)] * 2)
    for path in (folder / "imagesTr").iterdir():
        shape = np.asarray(Image.open(path)).shape
        pixels = np.random.default_rng(0).integers(0, brightest, shape).astype(np.uint8)
        pixels[0, 0] = brightest
        Image.fromarray(pixels).save(path)
    remarks = [one for one in inspect_dataset(folder)["remarks"] if "--contrast subject" in one]
    assert len(remarks) == told


def test_what_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        inspect_dataset(tmp_path / "none")


def test_the_hippocampus_is_in_order(real_data: Callable[[str], Path]) -> None:
    report = inspect_dataset(real_data("msd-hippocampus"))
    assert report["problems"] == []
    assert report["subjects"] == report["pairs"] >= 100
    assert report["empty_masks"] == 0
    assert report["spacing"]["median"] == [1, 1, 1]
