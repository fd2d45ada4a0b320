"""One label out of many; everything else stays as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from segmint.data.binarise import binarise_dataset
from segmint.data.dataset import Split, open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError

MakeDataset = Callable[..., Path]
CONDITIONS = {"zones": ("background", "inner", "outer")}


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"rgb": True, "channels": ("r", "g", "b")},
        {"ending": ".tif", "dtype": np.float32},
        {"ending": ".nii.gz", "shapes": [(4, 5, 6)] * 4, "dtype": np.int16, "spacing": (1, 2, 3)},
        {"ending": ".nii.gz", "dtype": np.float32, "spacing": (1, 2, 3)},
    ],
    ids=["png", "rgb", "tiff", "volumes", "slices"],
)
def test_labels_are_merged_and_the_rest_is_kept(
    make_dataset: MakeDataset, tmp_path: Path, arguments: dict[str, object]
) -> None:
    split = Split(("s0", "s1"), ("s2",), ("s3",))
    before = open_dataset(make_dataset(conditions=CONDITIONS, finish={"split": split}, **arguments))
    after = binarise_dataset(before.root, out=tmp_path / "binary")
    assert after.label_names == ("background", "foreground")
    assert (after.name, after.split, after.licence) == (before.name, split, "CC0")
    assert after.identity != before.identity
    for old, new in zip(before.cases, after.cases, strict=True):
        assert new.subject == old.subject
        assert [path.read_bytes() for path in new.image_paths] == [path.read_bytes() for path in old.image_paths]
        assert np.array_equal(after.read_label(new), before.read_label(old) > 0)
        assert np.array_equal(after.read_condition(new, "zones"), before.read_condition(old, "zones"))
        assert after.spacing(new) == before.spacing(old)
    assert inspect_dataset(after.root)["problems"] == []


def test_volumes_with_all_channels_in_one_file(tmp_path: Path) -> None:
    folder = tmp_path / "Task"
    (folder / "imagesTr").mkdir(parents=True)
    (folder / "labelsTr").mkdir()
    rng = np.random.default_rng(0)
    label = rng.integers(0, 4, (4, 5, 6)).astype(np.uint8)
    image = rng.random((4, 5, 6, 2)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), folder / "imagesTr" / "a.nii.gz")
    nibabel.save(nibabel.Nifti1Image(label, np.eye(4)), folder / "labelsTr" / "a.nii.gz")
    content = {
        "modality": {"0": "T2", "1": "ADC"},
        "labels": {"0": "background", "1": "a", "2": "b", "3": "c"},
        "training": [{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}],
    }
    (folder / "dataset.json").write_text(json.dumps(content))
    binary = binarise_dataset(folder, out=tmp_path / "binary")
    assert binary.packed
    assert np.array_equal(binary.read_image(binary.cases[0]), np.moveaxis(image, -1, 0))
    assert np.array_equal(binary.read_label(binary.cases[0]), label > 0)
    assert binary.name == "Task"


def test_unlabelled_images_go_along(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    writer = DatasetWriter(
        tmp_path / "set",
        name="x",
        channel_names=["c"],
        label_names=["background", "a", "b"],
        file_ending=".png",
        conditions=CONDITIONS,
    )
    image, ids = np.zeros((1, 4, 5), np.uint8), np.full((4, 5), 2, np.uint8)
    writer.add("a", image, ids, subject="p", conditions={"zones": ids})
    writer.add("u", image, None, subject="q", conditions={"zones": ids})
    writer.finish()
    binarise_dataset(tmp_path / "set", out=tmp_path / "binary")
    assert (tmp_path / "binary" / "imagesUnlabelled" / "u_0000.png").is_file()
    assert (tmp_path / "binary" / "conditions" / "u_zones.png").is_file()


def test_nothing_is_overwritten_or_left_half_done(make_dataset: MakeDataset, tmp_path: Path) -> None:
    folder = make_dataset()
    with pytest.raises(UserError, match="exists already"):
        binarise_dataset(folder, out=folder)
    (folder / "labelsTr" / "case1.png").write_bytes(b"broken")
    with pytest.raises(UserError, match=r"case1\.png is not a PNG file"):
        binarise_dataset(folder, out=tmp_path / "binary")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]
