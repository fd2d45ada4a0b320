"""Public datasets, as anybody would bring them: plain folders of images and masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from segmint.data.convert import convert_folders
from segmint.data.dataset import open_dataset
from segmint.data.slices import open_slices


def test_the_brain_slices_of_lgg(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    everything = real_data("lgg-mri")
    result = convert_folders(
        everything,
        out=tmp_path / "lgg",
        ignore=[f"{path.name}/*" for path in sorted(everything.iterdir())[4:]],
        channel_names=("pre", "FLAIR", "post"),
        labels=("tumour",),
    )
    dataset = open_dataset(result.dataset)
    assert dataset.channel_names == ("pre", "FLAIR", "post")
    assert dataset.label_names == ("background", "tumour")
    assert len(dataset.subjects) == 4
    assert all(case.id.startswith(case.subject) for case in dataset.cases)
    assert "Mask values were mapped to consecutive ids: 0 -> 0 background, 255 -> 1 tumour." in result.messages
    slices = open_slices(dataset, size=64)
    assert slices.images.shape[1:] == (3, 64, 64)
    assert slices.scale == 0.5


def test_the_eyes_of_chase_by_child(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    result = convert_folders(
        real_data("chase-db1"),
        out=tmp_path / "chase",
        pattern="*_1stHO",
        ignore=["*_2ndHO*", "Image_0[3-9]*", "Image_1*"],
        subject=r"Image_(\d+)",
        labels=("vessel",),
    )
    dataset = open_dataset(result.dataset)
    assert dataset.subjects == ("01", "02")
    assert (len(dataset.cases), dataset.rgb) == (4, True)


def test_the_nuclei_of_dsb(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    root = real_data("dsb2018")
    result = convert_folders(root / "images", root / "masks", out=tmp_path / "dsb", ignore=["[1-9a-f]*"])
    assert result.pairs > 1
    assert open_dataset(result.dataset).read_label(open_dataset(result.dataset).cases[0]).max() == 1
