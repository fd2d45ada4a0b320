"""Sample grids: cut to whole pairs, or carried as they are."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from segmint.report.pictures import embed_grid, spread
from segmint.training.previews import write_grid


def decoded(source: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/png;base64,"))))


def grid(path: Path, *, pairs: int, channels: int, columns: int, scale: int) -> Path:
    random = np.random.default_rng(0)
    images = random.uniform(-1, 1, (pairs, channels, 32, 32)).astype(np.float32)
    write_grid(path, images, random.integers(0, 3, (pairs, 32, 32)), columns=columns, scale=scale)
    return path


def test_four_channels_leave_room_for_one_pair_across(tmp_path: Path) -> None:
    path = grid(tmp_path / "fakes_000012.png", pairs=18, channels=4, columns=3, scale=2)
    picture = embed_grid(path, channels=4, size=32, most_rows=4)
    assert (picture.pairs, picture.kimg) == (4, 12)
    whole, cut = Image.open(path), decoded(picture.source)
    assert cut.size == (picture.width, picture.height) == ((5 * 32 + 4) * 2, (4 * 34 + 2) * 2)
    assert np.array_equal(np.asarray(cut), np.asarray(whole.crop((0, 0, *cut.size))))


def test_a_second_grid_of_a_kimg_tells_when_it_was_drawn(tmp_path: Path) -> None:
    picture = embed_grid(grid(tmp_path / "fakes_000012_512.png", pairs=2, channels=1, columns=1, scale=1), channels=1, size=32,
        most_rows=2)  # fmt: skip
    assert picture.kimg == 12.512


def test_one_channel_leaves_room_for_three(tmp_path: Path) -> None:
    path = grid(tmp_path / "reals.png", pairs=18, channels=1, columns=3, scale=1)
    picture = embed_grid(path, channels=1, size=32, most_rows=6)
    assert (picture.pairs, picture.kimg) == (18, None)


def test_a_picture_of_another_layout_is_carried_whole(tmp_path: Path) -> None:
    Image.new("L", (71, 53), 9).save(tmp_path / "fakes_000001.png")
    picture = embed_grid(tmp_path / "fakes_000001.png", channels=1, size=32, most_rows=6)
    assert (picture.width, picture.height, picture.pairs) == (71, 53, None)


def test_spread_keeps_both_ends() -> None:
    paths = [Path(str(number)) for number in range(10)]
    assert spread(paths, 4) == (paths[0], paths[3], paths[6], paths[9])
    assert spread(paths[:3], 4) == tuple(paths[:3])
