from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from segmint.training.previews import LABEL_COLOURS, overlay, write_grid


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
