"""The audit of masks: places and areas are those on the slices, not on the square that they are padded to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.data.dataset import open_dataset
from segmint.data.intensity import IntensityMap
from segmint.data.slices import open_slices
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter
from segmint.evaluation.chosen import Chosen
from segmint.evaluation.evidence import open_evidence
from segmint.evaluation.mask_audit import audit_masks, filled_box

SIZE, SUBJECTS = 32, 12


def write(folder: Path, subjects: list[str], shape: tuple[int, int], rows: slice, **options: Any) -> Path:
    """Images with an organ 4 pixels wide in some rows."""
    folder.mkdir()
    split = options.pop("split", None)
    writer = DatasetWriter(
        folder,
        name="study",
        channel_names=("T1",),
        label_names=("background", "organ"),
        file_ending=".nii.gz",
        **options,
    )
    generator = np.random.default_rng(0)
    for number, subject in enumerate(subjects):
        image, label = generator.uniform(-1, 1, (1, *shape)).astype(np.float32), np.zeros(shape, dtype=np.uint8)
        left = 8 + number % 3
        label[rows, left : left + 4] = 1
        writer.add(f"c{number:03d}", image, label, subject=subject, intensity=[IntensityMap("window", -1.0, 1.0)])
    writer.finish(split=split)
    return folder


def test_places_and_areas_are_shares_of_slices_that_are_no_squares(study: Any, tmp_path: Path) -> None:
    """Centres at an eighth and seven eighths of the height were told as 31% and 69%."""
    names = [f"s{number:02d}" for number in range(SUBJECTS)]
    split = Split(tuple(names[:8]), (), tuple(names[8:]))
    real = write(tmp_path / "real", names, (16, 32), slice(0, 4), split=split)
    made = study.provenance(open_dataset(real), labels_seen=names[:8], images_seen=names[:8], selected_on=())
    drawn = [f"f{number}" for number in range(40)]
    fakes = write(tmp_path / "fakes", drawn, (16, 32), slice(12, 16), provenance=made)
    evidence = open_evidence(real, fakes, holdout=None, size=SIZE, axis=None, device="cpu")
    section = audit_masks(evidence, tmp_path)
    organ = section["labels"]["organ"]
    assert organ["centre_row"]["real"] == pytest.approx([0.125] * 3)
    assert organ["centre_row"]["drawn"] == pytest.approx([0.875] * 3)
    assert organ["area_share"]["real"] == pytest.approx([16 / (16 * 32)] * 3)
    assert section["holdout"]["labels"]["organ"]["centre_row"]["drawn"] == pytest.approx([0.125] * 3)
    (finding,) = section["findings"][-1:]
    assert finding["code"] == "mask position"
    assert "lower by 75% of the height (median 88%, real 12%" in finding["message"]


def test_one_box_holds_slices_of_all_shapes(tmp_path: Path) -> None:
    sets = []
    for number, shape in enumerate([(16, 32), (32, 20)]):
        folder = write(tmp_path / f"{number}", ["a", "b"], shape, slice(0, 4))
        slices = open_slices(open_dataset(folder), size=SIZE)
        sets.append(Chosen(slices, np.arange(2)))
    assert filled_box(sets[:1]) == (slice(8, 24), slice(0, 32))
    assert filled_box(sets[1:]) == (slice(0, 32), slice(6, 26))
    assert filled_box(sets) == (slice(0, 32), slice(0, 32))
