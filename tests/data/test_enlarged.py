"""Drawn slices survive the way to the source's grid and back: what is enlarged and made smaller again is what was drawn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from segmint.data.dataset import open_dataset
from segmint.data.enlarged import ids_taken_back, taken_back
from segmint.data.intensity import IntensityMap
from segmint.data.placement import Placement, resampled
from segmint.data.slices import open_slices
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.metrics.power_spectrum import high_frequency_excess, radial_power

sides = st.integers(3, 90)


@given(sides, sides, st.integers(3, 32), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_what_is_enlarged_is_taken_back(height: int, width: int, size: int, seed: int) -> None:
    generator, shape = np.random.default_rng(seed), (height, width)
    placement = Placement(size, min(1.0, size / max(shape)))
    image = generator.uniform(-1, 1, (size, size)).astype(np.float32)
    ids = generator.integers(0, 4, (size, size)).astype(np.uint8)
    (top, _), (left, _) = placement.padding(shape)
    drawn = placement.inner_shape(shape)
    inner = (slice(top, top + drawn[0]), slice(left, left + drawn[1]))
    large = placement.undo(image, shape, order=1)
    np.testing.assert_allclose(taken_back(large, drawn), image[inner], atol=1e-4)
    np.testing.assert_array_equal(ids_taken_back(placement.undo(ids, shape, order=0), drawn), ids[inner])


def test_ids_that_were_changed_since_are_made_smaller_as_real_ones(tmp_path: Path) -> None:
    """A person who draws on the grid of the source must find it where it was drawn."""
    rows, columns = np.mgrid[:120, :160]
    disc = ((rows - 60) ** 2 + (columns - 80) ** 2 <= 30**2).astype(np.uint8)
    assert ids_taken_back(disc, (30, 40)) is None
    folder = write(tmp_path / "edited", np.zeros((40, 40), np.float32), np.zeros((40, 40), np.uint8), drawn=(30, 40))
    Image.fromarray(disc).save(folder / "labelsTr" / "one.png")
    label = open_slices(open_dataset(folder), size=40).labels[0]
    np.testing.assert_array_equal(label, Placement(40, 0.25).place_label(disc))
    found = np.argwhere(label[5:35]) + 0.5
    np.testing.assert_allclose(found.mean(axis=0), (60.5 / 4, 80.5 / 4), atol=0.05)


def write(folder: Path, image: np.ndarray, ids: np.ndarray, *, drawn: tuple[int, int] | None) -> Path:
    """One case of grain, in 8 bits, enlarged to 120 x 160."""
    folder.mkdir()
    writer = DatasetWriter(
        folder, name="grain", channel_names=("image",), label_names=("background", "cell"), file_ending=".png"
    )
    placement, window = Placement(40, 0.25), IntensityMap("window", 0.0, 255.0)
    large = window.restore(placement.undo(image, (120, 160), order=1))
    writer.add(
        "one",
        large[None],
        placement.undo(ids, (120, 160), order=0),
        subject="one",
        intensity=(window,),
        drawn=drawn,
    )
    writer.finish()
    return folder


@pytest.fixture
def grain() -> tuple[np.ndarray, np.ndarray]:
    """[40, 40] of which 30 x 40 lie inside."""
    generator = np.random.default_rng(0)
    image = np.full((40, 40), -1, dtype=np.float32)
    image[5:35] = generator.uniform(-0.8, 0.8, (30, 40))
    ids = np.zeros((40, 40), dtype=np.uint8)
    ids[5:35] = generator.integers(0, 2, (30, 40))
    return image, ids


def test_a_dataset_gives_the_pixels_that_were_drawn(grain: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    image, ids = grain
    dataset = open_dataset(write(tmp_path / "drawn", image, ids, drawn=(30, 40)))
    assert dataset.cases[0].drawn == (30, 40)
    slices = open_slices(dataset, size=40)
    np.testing.assert_allclose(slices.images[0, 0], image, atol=0.02)  # 8 bits
    np.testing.assert_array_equal(slices.labels[0], ids)
    unknown = open_slices(open_dataset(write(tmp_path / "unknown", image, ids, drawn=None)), size=40)
    lost = high_frequency_excess(*(radial_power(one.images)[0, 0] for one in (unknown, slices)), side=40)
    assert lost < -10, "what is not known to be enlarged is blurred"


def test_other_sizes_start_from_the_pixels_that_were_drawn(
    grain: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    image, ids = grain
    dataset = open_dataset(write(tmp_path / "drawn", image, ids, drawn=(30, 40)))
    half = open_slices(dataset, size=20)
    np.testing.assert_allclose(half.images[0, 0, 2:17], resampled(image[5:35], (15, 20)), atol=0.03)
    assert half.labels.shape == (1, 20, 20)


def test_more_pixels_than_there_are_is_one_sentence(grain: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    folder = write(tmp_path / "drawn", *grain, drawn=(30, 40))
    sidecar = json.loads((folder / "segmint.json").read_text())
    sidecar["cases"]["one"]["drawn"] = [400, 40]
    (folder / "segmint.json").write_text(json.dumps(sidecar))
    with pytest.raises(UserError, match="drawn in 400 x 40 pixels"):
        open_slices(open_dataset(folder), size=40)
