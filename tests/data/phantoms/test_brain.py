from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from segmint.data.dataset import open_dataset
from segmint.data.phantoms.brain import LABELS, draw_brain_subject, write_brain_phantom
from segmint.data.phantoms.contrasts import CHANNELS
from segmint.errors import UserError

Pair = tuple[NDArray[np.float32], NDArray[np.uint8]]
NECROSIS, EDEMA, ENHANCING = 1, 2, 3


def test_shapes_and_types(subjects: list[Pair]) -> None:
    for images, labels in subjects:
        assert images.shape == (4, 32, 32, 12)
        assert images.dtype == np.float32
        assert labels.shape == (32, 32, 12)
        assert labels.dtype == np.uint8
        assert set(np.unique(labels)) <= set(range(len(LABELS)))


def test_any_size_and_number_of_slices() -> None:
    images, labels = draw_brain_subject(seed=0, size=50, slices=5)
    assert images.shape == (4, 50, 50, 5)
    assert labels.shape == (50, 50, 5)


def test_intensities_are_whole_and_zero_outside_the_brain(subjects: list[Pair]) -> None:
    for images, labels in subjects:
        assert np.isfinite(images).all()
        np.testing.assert_array_equal(images, np.round(images))
        brain = ndimage.binary_fill_holes(images[0] > 0)
        assert 0.2 < brain.mean() < 0.6
        assert (images[:, ~brain] == 0).all()
        assert images[:, brain].min(axis=1).min() >= 0
        assert not (labels[~brain]).any()
        edge = np.concatenate([brain[[0, -1]].ravel(), brain[:, [0, -1]].ravel()])
        assert not edge.any()


def test_the_same_seed_and_subject_give_the_same_arrays(subjects: list[Pair]) -> None:
    images, labels = draw_brain_subject(seed=3, subject=2, size=32)
    np.testing.assert_array_equal(images, subjects[1][0])
    np.testing.assert_array_equal(labels, subjects[1][1])


def test_subjects_and_seeds_differ(subjects: list[Pair]) -> None:
    other = draw_brain_subject(seed=4, subject=1, size=32)
    drawn = [*subjects, other]
    for one in range(len(drawn)):
        for two in range(one):
            assert (drawn[one][1] != drawn[two][1]).any()
            similarity = np.corrcoef(drawn[one][0][0].ravel(), drawn[two][0][0].ravel())[0, 1]
            assert similarity < 0.97


def test_another_size_shows_the_same_person(subjects: list[Pair]) -> None:
    _, small = subjects[0]
    _, large = draw_brain_subject(seed=3, subject=1, size=64)
    share_small, share_large = (small > 0).mean(), (large > 0).mean()
    assert share_large == pytest.approx(share_small, rel=0.25)
    centre_small = np.array(ndimage.center_of_mass(small > 0)) * (2, 2, 1) + (0.5, 0.5, 0)
    np.testing.assert_allclose(ndimage.center_of_mass(large > 0), centre_small, atol=1.0)


def test_labels_nest(subjects: list[Pair]) -> None:
    """What touches necrosis is mostly lesion, and what touches the enhancing rim is seldom plain background alone."""
    neighbours = []
    for _, labels in subjects:
        necrosis = labels == NECROSIS
        ring = ndimage.binary_dilation(necrosis, np.ones((3, 3, 1))) & ~necrosis
        neighbours.append(labels[ring])
    around = np.concatenate(neighbours)
    assert around.size > 100
    assert (around > 0).mean() > 0.85
    assert (around == ENHANCING).mean() > 0.5


def test_every_subject_has_edema_and_most_have_the_rest(subjects: list[Pair]) -> None:
    present = np.array([[(labels == label).any() for label in (NECROSIS, EDEMA, ENHANCING)] for _, labels in subjects])
    assert present[:, 1].all()
    assert (present[:, 0].mean(), present[:, 2].mean()) >= (0.5, 0.5)


def test_about_half_of_the_slices_hold_tumour(subjects: list[Pair]) -> None:
    holds = [(labels > 0).any((0, 1)).mean() for _, labels in subjects]
    assert 0.4 < np.mean(holds) < 0.7


def test_contrasts_show_the_lesion_as_mr_does(subjects: list[Pair]) -> None:
    """Signal against the healthy brain, median over subjects."""
    assert CHANNELS == ("T1", "T1CE", "T2", "FLAIR")

    def signal(label: int) -> list[float]:
        ratios = []
        for images, labels in subjects:
            healthy, lesion = (images[0] > 0) & (labels == 0), labels == label
            if lesion.any():
                ratios.append(np.median(images[:, lesion], axis=1) / np.median(images[:, healthy], axis=1))
        return [float(value) for value in np.median(ratios, axis=0)]

    t1, _, t2, flair = signal(EDEMA)
    assert t1 < 1.0
    assert t2 > 1.05
    assert flair > 1.25
    t1, t1ce, _, _ = signal(ENHANCING)
    assert t1ce > 1.2 > 1.0 > t1
    t1, t1ce, t2, flair = signal(NECROSIS)
    assert max(t1, t1ce) < 0.8
    assert t2 > 1.3
    assert flair < signal(EDEMA)[3]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_brain_phantom(tmp_path_factory.mktemp("phantom") / "brain", subjects=4, seed=3, size=32)


def test_written_dataset_opens(written: Path, subjects: list[Pair]) -> None:
    dataset = open_dataset(written)
    assert dataset.name == "brain-phantom"
    assert dataset.channel_names == CHANNELS
    assert dataset.label_names == LABELS
    assert dataset.licence == "CC0-1.0"
    assert dataset.provenance is None
    assert dataset.subjects == tuple(f"subject_{number:03d}" for number in range(1, 5))
    assert dataset.split is not None
    parts = dataset.split.train + dataset.split.validation + dataset.split.test
    assert sorted(parts) == list(dataset.subjects)
    case = dataset.cases[1]
    np.testing.assert_array_equal(dataset.read_image(case), subjects[1][0])
    np.testing.assert_array_equal(dataset.read_label(case), subjects[1][1])
    assert dataset.spacing(case) == pytest.approx((180 / 32, 180 / 32, 6.0))


def test_slices_show_heads_upright(written: Path) -> None:
    """Rows run to the back and columns to the subject's left, which is how radiologists look at a head."""
    import nibabel

    volume = nibabel.load(written / "imagesTr" / "subject_001_0000.nii.gz")
    assert nibabel.aff2axcodes(volume.affine) == ("P", "L", "S")


def test_subjects_do_not_depend_on_their_number(written: Path, tmp_path: Path) -> None:
    fewer = open_dataset(write_brain_phantom(tmp_path / "fewer", subjects=3, seed=3, size=32))
    more = open_dataset(written)
    for one, two in zip(fewer.cases, more.cases, strict=False):
        assert one.id == two.id
        for mine, theirs in zip(one.image_paths, two.image_paths, strict=True):
            assert mine.read_bytes() == theirs.read_bytes()


def test_existing_output_is_kept(written: Path) -> None:
    with pytest.raises(UserError, match="exists already"):
        write_brain_phantom(written, subjects=3, seed=0, size=32)
    assert len(open_dataset(written).cases) == 4


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"subjects": 2}, "subjects 2"),
        ({"size": 31}, "size 31"),
        ({"size": 257}, "size 257"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_wrong_arguments_are_named(tmp_path: Path, settings: dict[str, int], named: str) -> None:
    with pytest.raises(UserError, match=named):
        write_brain_phantom(tmp_path / "out", **{"subjects": 3, "seed": 0, "size": 32, **settings})
    assert not list(tmp_path.iterdir())
