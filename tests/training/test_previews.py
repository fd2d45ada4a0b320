from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmint.training.previews import LABEL_COLOURS, PreviewFolder, overlay, write_grid


@pytest.mark.parametrize(
    ("total", "batch", "every", "names"),
    [
        (16, 16, 256, ["000000"]),
        (2048, 16, 512, ["000000", "000001", "000001_536", "000002"]),
        (2100, 20, 2000, ["000002", "000002_100"]),
        (60_000, 32, 3000, [f"{3 * number:06d}" for number in range(1, 21)]),
        (1000, 32, 300, ["000000", "000000_608", "000000_928", "000001"]),
    ],
)
def test_previews_have_names_of_their_own_in_order(
    tmp_path: Path, total: int, batch: int, every: int, names: list[str]
) -> None:
    """Looked at as the loop does: where a step crosses a multiple of `every` images, and at the end."""
    folder = PreviewFolder(tmp_path, batch=batch, every=every)
    images, pictures = 0, []
    while images < total:
        images += batch
        if images >= total or images // every > (images - batch) // every:
            pictures.append(folder.picture("fakes", images).name)
    assert pictures == sorted(set(pictures)) == [f"fakes_{name}.png" for name in names]


def test_an_overlay_colours_labels_and_leaves_the_background_grey() -> None:
    label = np.zeros((4, 4), dtype=np.uint8)
    label[0, 0] = 1
    shown = overlay(np.zeros((4, 4), dtype=np.float32), label, opacity=1.0)
    assert shown[0, 0].tolist() == LABEL_COLOURS[0].tolist()
    assert shown[1, 1].tolist() == [128, 128, 128]


def test_a_grid_shows_channels_and_overlay_side_by_side(tmp_path: Path) -> None:
    images = np.full((5, 2, 16, 16), -1, dtype=np.float32)
    images[:, 1] = 1
    write_grid(tmp_path / "grid.png", images, np.zeros((5, 16, 16), dtype=np.uint8), columns=2, scale=1)
    picture = np.asarray(Image.open(tmp_path / "grid.png"))
    assert picture.shape == (3 * 18 + 2, 2 * (3 * 16 + 2) + 2, 3)
    assert picture[3, 3].tolist() == [0, 0, 0]
    assert picture[3, 20].tolist() == [255, 255, 255]


def test_colour_images_lie_in_colour_under_their_labels(tmp_path: Path) -> None:
    images = np.full((1, 3, 16, 16), -1, dtype=np.float32)
    images[:, 0] = 1
    label = np.zeros((1, 16, 16), dtype=np.uint8)
    for colour, under in ((True, [255, 0, 0]), (False, [0, 0, 0])):
        write_grid(tmp_path / "grid.png", images, label, columns=1, colour=colour, scale=1)
        picture = np.asarray(Image.open(tmp_path / "grid.png"))
        assert picture.shape == (16 + 4, 4 * 16 + 4, 3)
        assert picture[8, 2 + 3 * 16 + 8].tolist() == under
        assert picture[8, 8].tolist() == [255, 255, 255], "each channel is shown in grey beside it"
