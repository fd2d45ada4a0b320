"""What the writer writes, `open_dataset` and nnU-Net's conventions read."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from segmint.data.dataset import open_dataset
from segmint.data.intensity import IntensityMap
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError

FIXED = IntensityMap("fixed", 0, 255)


def writer_in(folder: Path, *, channels: int = 1, ending: str = ".png", rgb: bool = False) -> DatasetWriter:
    return DatasetWriter(
        folder,
        name="x",
        channel_names=[f"c{number}" for number in range(channels)],
        label_names=["background", "organ", "tumour"],
        file_ending=ending,
        rgb=rgb,
    )


@settings(deadline=None, max_examples=20)
@given(
    drawn=st.tuples(
        st.sampled_from(
            [(".png", np.uint8), (".png", np.uint16), (".tif", np.float32), (".nii.gz", np.float32), (".nii", np.int16)]
        ),
        st.integers(1, 3),
        st.integers(2, 6),
        st.integers(2, 6),
    ).flatmap(
        lambda one: st.tuples(
            st.just(one[0][0]),
            arrays(
                one[0][1],
                one[1:],
                elements={"allow_nan": False, "allow_infinity": False} if one[0][1] is np.float32 else None,
            ),
            arrays(np.uint8, one[2:], elements=st.integers(0, 2)),
        )
    )
)
def test_pairs_come_back_exactly(drawn: tuple[str, np.ndarray, np.ndarray]) -> None:
    ending, image, label = drawn
    with TemporaryDirectory() as folder:
        writer = writer_in(Path(folder), channels=len(image), ending=ending)
        writer.add("a", image, label, subject="p")
        writer.finish()
        dataset = open_dataset(folder)
        assert np.array_equal(dataset.read_image(dataset.cases[0]), image.astype(np.float32))
        assert np.array_equal(dataset.read_label(dataset.cases[0]), label)


def test_a_copy_of_what_is_there_already_is_an_error(tmp_path: Path) -> None:
    for name in ("from", "to"):
        (tmp_path / name).mkdir()
        writer = writer_in(tmp_path / name)
        writer.add("a", np.zeros((1, 4, 5), np.uint8), np.ones((4, 5), np.uint8), subject="p")
        writer.finish()
    source = open_dataset(tmp_path / "from")
    with pytest.raises(ValueError, match="twice"):
        writer.copy(source, source.cases[0], intensity=[FIXED])


def test_the_layout_is_that_of_nnunet(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, channels=2)
    writer.add("a", np.zeros((2, 4, 5), np.uint8), np.ones((4, 5), np.uint8), subject="p")
    writer.add("u", np.zeros((2, 4, 5), np.uint8), None, subject="q")
    writer.finish()
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*"))
    assert names == [
        "dataset.json",
        "imagesTr/a_0000.png",
        "imagesTr/a_0001.png",
        "imagesUnlabelled/u_0000.png",
        "imagesUnlabelled/u_0001.png",
        "labelsTr/a.png",
        "segmint.json",
    ]
    assert json.loads((tmp_path / "dataset.json").read_text()) == {
        "name": "x",
        "channel_names": {"0": "c0", "1": "c1"},
        "labels": {"background": 0, "organ": 1, "tumour": 2},
        "numTraining": 1,
        "file_ending": ".png",
        "sidecar": "segmint.json",
    }


def test_single_slices_are_nifti_with_spacing(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, ending=".nii.gz")
    writer.add(
        "a", np.zeros((1, 4, 5), np.float32), np.ones((4, 5), np.uint8), subject="p", spacing=(1, 2, 7), slice=3, axis=2
    )
    writer.finish()
    for path in ("imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz"):
        assert nibabel.load(tmp_path / path).shape == (4, 5, 1)
        assert nibabel.load(tmp_path / path).header.get_zooms() == (1, 2, 7)


@pytest.mark.parametrize(("intensity", "dtype"), [([FIXED], np.uint8), (None, np.uint16)])
def test_floats_are_rounded_into_png(tmp_path: Path, intensity: list[IntensityMap] | None, dtype: type) -> None:
    writer = writer_in(tmp_path)
    values = np.array([[[0.2, 254.7], [3.5, 8.4]]], np.float32)
    writer.add("a", values, np.ones((2, 2), np.uint8), subject="p", intensity=intensity)
    stored = np.array(Image.open(tmp_path / "imagesTr/a_0000.png"))
    assert stored.astype(int).tolist() == [[0, 255], [4, 8]]
    assert stored.dtype.itemsize >= np.dtype(dtype).itemsize


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image": np.full((1, 4, 5), -3.0)}, "do not fit"),
        ({"image": np.full((1, 4, 5), np.nan)}, "not finite"),
        ({"image": np.zeros((2, 4, 5), np.uint8)}, "for 1 channels"),
        ({"image": np.zeros((1, 3, 4, 5), np.uint8)}, "for 1 channels"),
        ({"label": np.zeros((4, 6), np.uint8)}, "label of shape"),
        ({"label": np.full((4, 5), 3, np.uint8)}, "label ids outside 0..2"),
        ({"label": np.zeros((4, 5), np.float32)}, "not integers"),
        ({"case_id": "../a"}, "may hold letters"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, change: dict[str, object], said: str) -> None:
    given_ = {"case_id": "a", "image": np.zeros((1, 4, 5), np.uint8), "label": np.ones((4, 5), np.uint8), **change}
    with pytest.raises(ValueError, match=said):
        writer_in(tmp_path).add(given_["case_id"], given_["image"], given_["label"], subject="p")  # type: ignore[arg-type]


def test_a_case_is_written_once(tmp_path: Path) -> None:
    writer = writer_in(tmp_path)
    writer.add("a", np.zeros((1, 4, 5), np.uint8), np.ones((4, 5), np.uint8), subject="p")
    with pytest.raises(ValueError, match="written twice"):
        writer.add("a", np.zeros((1, 4, 5), np.uint8), None, subject="p")


def test_a_dataset_without_pairs_is_not_finished(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one pair"):
        writer_in(tmp_path).finish()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("ending", [".png", ".tif", ".nii.gz"])
def test_a_full_disk_is_said_in_one_sentence(tmp_path: Path, ending: str) -> None:
    (tmp_path / "imagesTr").mkdir()
    (tmp_path / "imagesTr" / f"a_0000{ending}").symlink_to("/dev/full")
    writer = writer_in(tmp_path, ending=ending)
    with pytest.raises(UserError, match=r"a_0000.* cannot be written \(No space left on device\): free some space"):
        writer.add("a", np.zeros((1, 4, 5), np.uint8), np.ones((4, 5), np.uint8), subject="p")
