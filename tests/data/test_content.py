from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segmint.data.content import MARKS_KEPT, kept_marks, mark_of
from segmint.data.dataset import open_dataset
from segmint.data.slices import open_slices
from segmint.data.writer import DatasetWriter

IMAGE = np.random.default_rng(0).integers(0, 255, (1, 40, 30)).astype(np.float32)


def test_equal_pixels_have_equal_marks() -> None:
    assert mark_of(IMAGE) == mark_of(np.asfortranarray(IMAGE)) != ""
    changed = IMAGE.copy()
    changed[0, 3, 4] += 1
    others = (changed, IMAGE[:, ::-1], IMAGE.reshape(1, 30, 40), np.concatenate([IMAGE, IMAGE]))
    assert len({mark_of(one) for one in (IMAGE, *others)}) == 5
    signed = np.where(IMAGE[0, 0, 0] == IMAGE, np.float32(-0.0), IMAGE)
    assert mark_of(signed) == mark_of(np.where(IMAGE[0, 0, 0] == IMAGE, np.float32(0.0), IMAGE))


@pytest.mark.parametrize("values", [1, 2, 15])
def test_images_that_hold_next_to_nothing_have_none(values: int) -> None:
    image = np.zeros((1, 200, 200), np.float32)
    image[0, :10, :values] = np.arange(values)
    assert mark_of(image) == ""


def test_few_values_in_a_corner_are_counted_exactly() -> None:
    image = np.zeros((1, 200, 200), np.float32)
    image[0, 0, :20] = np.arange(20)
    assert mark_of(image) != ""


def test_of_many_slices_the_same_marks_are_kept_whatever_their_order() -> None:
    marks = [f"{number:016x}" for number in np.random.default_rng(1).permutation(100).tolist()]
    kept = kept_marks([*marks, ""])
    assert kept == kept_marks(marks[::-1]) == tuple(sorted(marks)[:MARKS_KEPT])
    assert kept_marks(["", ""]) == ()


def test_slices_are_marked_alike_in_every_format(tmp_path: Path) -> None:
    marks = []
    for ending in (".png", ".tif", ".nii.gz"):
        folder = tmp_path / ending.strip(".")
        folder.mkdir()
        writer = DatasetWriter(
            folder, name=f"as {ending}", channel_names=("grey",), label_names=("background", "cell"), file_ending=ending
        )
        image = IMAGE if ending == ".nii.gz" else IMAGE.astype(np.uint8)
        writer.add("one", image, (IMAGE[0] > 100).astype(np.uint8), subject=f"of {ending}")
        writer.finish()
        slices = open_slices(open_dataset(folder), size=32)
        marks.append(slices.marks)
        assert slices.subjects_by_mark == {slices.marks[0]: {f"of {ending}"}}
    assert marks[0] == marks[1] == marks[2] == (mark_of(IMAGE),)
