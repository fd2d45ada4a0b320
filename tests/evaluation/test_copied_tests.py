from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.evaluation.conftest import CHANNELS, INTENSITY, LABELS, SPLIT, TEST, TRAIN, VALIDATION, provenance

from segmint.data.dataset import Dataset, open_dataset
from segmint.data.slices import open_slices
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.evaluation.copied_tests import check_copied_tests
from segmint.evaluation.regime import Regime, choose_regime
from segmint.evaluation.trial import trial

Image = NDArray[np.float32]


def image_of(dataset: Dataset, subject: str, depth: int = 1) -> Image:
    (case,) = (one for one in dataset.cases if one.subject == subject)
    return dataset.read_image(case)[..., depth : depth + 1]


def written(folder: Path, real: Path, images: list[Image]) -> Path:
    """A synthetic set of given images, whose generator says that it has seen training subjects alone."""
    folder.mkdir()
    writer = DatasetWriter(
        folder,
        name="made",
        channel_names=CHANNELS,
        label_names=LABELS,
        file_ending=".nii.gz",
        provenance=provenance(open_dataset(real)),
    )
    for number, image in enumerate(images):
        label = (image[0] > 60).astype(np.uint8)
        label[3:9, 3:9] = 1
        name = f"synthetic_s0_{number:06d}"
        writer.add(name, image, label, subject=name, spacing=(1.0, 1.0, 3.0), intensity=[INTENSITY])
    writer.finish()
    return folder


def checked(folder: Path, regime: Regime) -> list[str]:
    slices = open_slices(open_dataset(folder), size=regime.slices.size)
    return check_copied_tests(folder, regime, slices, np.arange(len(slices)))


@pytest.mark.parametrize("size", [16, 64])
def test_images_of_test_subjects_are_refused_also_when_rounded(tmp_path: Path, real: Path, size: int) -> None:
    dataset = open_dataset(real)
    regime = choose_regime(open_slices(dataset, size=size), SPLIT, subset=None, real_slices=None)
    own = image_of(dataset, TRAIN[0])
    made = written(
        tmp_path / "made",
        real,
        [
            own,
            image_of(dataset, TEST[3]),
            image_of(dataset, TEST[3], 2),
            np.round(image_of(dataset, TEST[5])),
        ],
    )
    with pytest.raises(UserError) as refused:
        checked(made, regime)
    assert (
        "3 of its 4 synthetic images are images of test subjects, pixel by pixel"
        f' (2 of "{TEST[3]}", 1 of "{TEST[5]}")' in str(refused.value)
    )


def test_of_validation_subjects_it_is_said(tmp_path: Path, real: Path, regime: Regime) -> None:
    dataset = open_dataset(real)
    made = written(tmp_path / "made", real, [image_of(dataset, name) for name in VALIDATION])
    (note,) = checked(made, regime)
    assert note.startswith("made: 2 of its 2 synthetic images are images of validation subjects")


def test_copies_of_training_images_others_and_empty_ones_pass(tmp_path: Path, real: Path, regime: Regime) -> None:
    dataset = open_dataset(real)
    noisy = image_of(dataset, TEST[0]) + np.random.default_rng(0).normal(0, 4, (1, 14, 13, 1)).astype(np.float32)
    empty = np.zeros((1, 14, 13, 1), np.float32)
    assert checked(written(tmp_path / "made", real, [image_of(dataset, TRAIN[1]), noisy, empty]), regime) == []


def test_a_trial_refuses_them(tmp_path: Path, real: Path) -> None:
    dataset = open_dataset(real)
    made = written(tmp_path / "made", real, [image_of(dataset, name) for name in (*TRAIN * 3, TEST[0])])
    with pytest.raises(UserError, match="1 of its 16 synthetic images are images of test subjects"):
        trial(real, made, out=tmp_path / "out", size=16, arms=("100R", "100R+100F"), steps=1, device="cpu")
    assert not (tmp_path / "out").exists()


def test_next_to_nothing_is_nobody_s_image(tmp_path: Path, real: Path) -> None:
    """Tips of heads, a few bright pixels in the dark, are alike in all patients."""
    tip = np.zeros((1, 14, 13, 1), np.float32)
    tip[0, 6:8, 6:7] = np.linspace(40, 90, 2).reshape(2, 1, 1)
    dark = tmp_path / "dark"
    dark.mkdir()
    writer = DatasetWriter(dark, name="dark", channel_names=CHANNELS, label_names=LABELS, file_ending=".nii.gz")
    for subject in SPLIT.subjects:
        image = np.repeat(tip, 3, axis=-1)
        writer.add(
            f"case_{subject}",
            image,
            (image[0] > 60).astype(np.uint8),
            subject=subject,
            spacing=(1, 1, 3),
            intensity=[INTENSITY],
        )
    writer.finish(split=SPLIT)
    shown = choose_regime(open_slices(open_dataset(dark), size=16), SPLIT, subset=None, real_slices=None)
    assert checked(written(tmp_path / "made", real, [tip]), shown) == []


def test_images_so_plain_that_patients_share_them_are_not_held_against_a_set(tmp_path: Path, real: Path) -> None:
    rng = np.random.default_rng(0)
    plain = {subject: rng.normal(50, 20, (1, 14, 13, 1)).astype(np.float32) for subject in sorted(SPLIT.subjects)}
    # The same but for noise: marks differ.
    plain[TEST[0]] = plain[TRAIN[0]] + rng.normal(0, 0.2, (1, 14, 13, 1)).astype(np.float32)
    folder = tmp_path / "plain"
    folder.mkdir()
    writer = DatasetWriter(folder, name="plain", channel_names=CHANNELS, label_names=LABELS, file_ending=".nii.gz")
    for subject, image in plain.items():
        writer.add(
            f"case_{subject}",
            np.repeat(image, 3, axis=-1),
            np.ones((14, 13, 3), np.uint8),
            subject=subject,
            spacing=(1, 1, 3),
            intensity=[INTENSITY],
        )
    writer.finish(split=SPLIT)
    regime = choose_regime(open_slices(open_dataset(folder), size=16), SPLIT, subset=None, real_slices=None)
    assert checked(written(tmp_path / "made", real, [plain[TEST[0]]]), regime) == []
