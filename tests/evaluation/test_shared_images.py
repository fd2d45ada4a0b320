from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.data.dataset import open_dataset
from segmint.data.slices import open_slices
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.evaluation.shared_images import check_shared
from segmint.evaluation.trial import trial

SPLIT = Split(("a", "b", "c"), ("v",), ("x", "y"))


def volumes(folder: Path, *, copied: dict[tuple[str, int], tuple[str, int]] | None = None, empty: bool = False) -> Path:
    """Volumes of four slices of noise, some slices copied from one subject to another; a first slice may be empty."""
    folder.mkdir()
    writer = DatasetWriter(
        folder, name="noise", channel_names=("T1",), label_names=("background", "organ"), file_ending=".nii.gz"
    )
    rng = np.random.default_rng(0)
    images = {subject: rng.normal(size=(1, 20, 20, 4)).astype(np.float32) for subject in sorted(SPLIT.subjects)}
    for (target, to), (source, at) in (copied or {}).items():
        images[target][..., to] = images[source][..., at]
    label = np.zeros((20, 20, 4), np.uint8)
    label[4:9, 4:9] = 1
    for subject, image in images.items():
        if empty:
            image[..., 0] = 0
            image[0, :, :10, 0] = -1024
        writer.add(f"case_{subject}", image, label, subject=subject, spacing=(1, 1, 3))
    writer.finish(split=SPLIT)
    return folder


def checked(folder: Path) -> list[str]:
    return check_shared(open_slices(open_dataset(folder), size=32), SPLIT)


def test_subjects_with_images_of_their_own_pass_and_empty_slices_do_not_count(tmp_path: Path) -> None:
    assert checked(volumes(tmp_path / "own", empty=True)) == []


def test_an_image_of_a_training_subject_in_a_test_subject_is_refused(tmp_path: Path) -> None:
    folder = volumes(tmp_path / "copied", copied={("x", 3): ("b", 1), ("x", 2): ("b", 2), ("y", 0): ("a", 0)})
    with pytest.raises(UserError) as refused:
        checked(folder)
    assert '"a" (case_a, slice 0) and "y" (case_y, slice 0); "b" (case_b, slice 1) and "x" (case_x, slice 3)' in str(
        refused.value
    )


def test_of_many_three_are_named(tmp_path: Path) -> None:
    copied = {("x", 0): ("a", 0), ("x", 1): ("b", 1), ("y", 0): ("c", 0), ("y", 1): ("b", 2)}
    with pytest.raises(UserError, match=r'"b" \(case_b, slice 2\) and "y" \(case_y, slice 1\), and 1 more\. Remove'):
        checked(volumes(tmp_path / "many", copied=copied))


def test_validation_subjects_who_train_are_named_and_those_who_are_tested_refused(tmp_path: Path) -> None:
    (note,) = checked(volumes(tmp_path / "trained", copied={("v", 0): ("a", 1)}))
    assert note.startswith("Validation subjects, who choose the checkpoints, have images of training subjects")
    assert '"v" (case_v, slice 0) and "a" (case_a, slice 1)' in note
    with pytest.raises(UserError, match=r'"v" \(case_v, slice 0\) and "x" \(case_x, slice 1\)'):
        checked(volumes(tmp_path / "tested", copied={("v", 0): ("x", 1)}))


def test_inside_the_training_subjects_shared_validation_images_are_no_reason_to_refuse(tmp_path: Path) -> None:
    slices = open_slices(open_dataset(volumes(tmp_path / "shared", copied={("v", 0): ("a", 1)})), size=32)
    split = Split(("b", "c"), ("v",), ("a",))
    assert check_shared(slices, split, inner=True) == []
    with pytest.raises(UserError, match=r'"v" \(case_v, slice 0\) and "a" \(case_a, slice 1\)'):
        check_shared(slices, split)
    with pytest.raises(UserError, match=r'"v" \(case_v, slice 0\) and "a" \(case_a, slice 1\)'):
        check_shared(slices, Split(("b", "v"), ("c",), ("a",)), inner=True)


def test_a_trial_is_refused_before_it_trains(tmp_path: Path) -> None:
    folder = volumes(tmp_path / "copied", copied={("x", 3): ("b", 1)})
    asked: dict[str, Any] = {"arms": ("100R",), "seeds": 1, "steps": 1, "batch": 2, "size": 32, "device": "cpu"}
    with pytest.raises(UserError, match="test subjects have images of training or validation subjects"):
        trial(folder, out=tmp_path / "trial", progress=False, **asked)
    assert not (tmp_path / "trial").exists()
