"""The cache is built once, follows changes, survives being killed, and needs nothing of the dataset's folder."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmint.data.cache import cache_root
from segmint.data.dataset import open_dataset
from segmint.data.intensity import IntensityMap
from segmint.data.slice_cache import cached_slices
from segmint.data.slices import open_slices
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError

MakeDataset = Callable[..., Path]


def built_at(folder: Path) -> int:
    return (folder / "images.npy").stat().st_mtime_ns


def test_a_second_opening_reads_what_the_first_built(make_dataset: MakeDataset) -> None:
    dataset = open_dataset(make_dataset())
    calls: list[tuple[int, int]] = []
    first = cached_slices(dataset, size=8, axis=None, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
    before = built_at(first)
    assert cached_slices(dataset, size=8, axis=None) == first
    assert built_at(first) == before
    assert first.is_relative_to(cache_root())


def test_another_size_or_changed_file_is_cut_anew(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    first = cached_slices(open_dataset(folder), size=8, axis=None)
    assert cached_slices(open_dataset(folder), size=16, axis=None) != first
    label = folder / "labelsTr" / "case0.png"
    old = label.stat()
    os.utime(label, ns=(old.st_atime_ns, old.st_mtime_ns + 1))
    assert cached_slices(open_dataset(folder), size=8, axis=None) != first


def test_what_segmint_json_says_of_a_case_is_read_anew(tmp_path: Path) -> None:
    folder = tmp_path / "grain"
    folder.mkdir()
    writer = DatasetWriter(
        folder, name="grain", channel_names=("image",), label_names=("background", "cell"), file_ending=".png"
    )
    image = np.random.default_rng(0).integers(0, 255, (1, 12, 12)).astype(np.float32)
    writer.add("one", image, np.eye(12, dtype=np.uint8), subject="one", spacing=(1.0, 1.0))
    writer.finish()
    assert open_slices(open_dataset(folder), size=8).spacing == (1.0, 1.0)
    sidecar = folder / "segmint.json"
    content = json.loads(sidecar.read_text())
    content["cases"]["one"] |= {"spacing": [0.25, 0.25], "volume": "stack", "slice": 100, "axis": 0}
    sidecar.write_text(json.dumps(content))
    slices = open_slices(open_dataset(folder), size=8)
    assert slices.spacing == (0.25, 0.25)
    assert slices.records[0].slice == 100


def test_a_changed_or_lost_condition_is_cut_anew(make_dataset: MakeDataset) -> None:
    folder = make_dataset(conditions={"odd": ("background", "odd")})
    first = cached_slices(open_dataset(folder), size=8, axis=None)
    expected = np.array(open_slices(open_dataset(folder), size=8).conditions["odd"])
    (first / "condition-odd.npy").unlink()
    assert np.array_equal(open_slices(open_dataset(folder), size=8).conditions["odd"], expected)
    path = folder / "conditions" / "case0_odd.png"
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert cached_slices(open_dataset(folder), size=8, axis=None) != first


def test_a_spoilt_cache_is_rebuilt(make_dataset: MakeDataset) -> None:
    dataset = open_dataset(make_dataset())
    expected = np.array(open_slices(dataset, size=8).images)
    folder = cached_slices(dataset, size=8, axis=None)
    with (folder / "images.npy").open("r+b") as handle:
        handle.truncate(100)
    assert np.array_equal(open_slices(dataset, size=8).images, expected)
    for content in ("{", "[]", "{}"):
        (folder / "index.json").write_text(content)
        assert np.array_equal(open_slices(dataset, size=8).images, expected)


def test_a_cache_that_cannot_be_written_is_named(make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = open_dataset(make_dataset())
    monkeypatch.setenv("SEGMINT_CACHE", "/proc/no-such-place")
    with pytest.raises(UserError, match=r"slice cache .* cannot be written .* SEGMINT_CACHE"):
        open_slices(dataset, size=8)


def test_too_little_space_is_said_before_starting(make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = open_dataset(make_dataset())
    usage = shutil.disk_usage(cache_root())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100))
    with pytest.raises(UserError, match=r"needs .* GB but .* GB are free"):
        open_slices(dataset, size=8)
    assert not [path for path in cache_root().iterdir() if path.is_dir()]


def test_a_damaged_image_leaves_nothing_behind(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    path = folder / "imagesTr" / "case3_0000.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(UserError, match=r"case3_0000\.png is damaged"):
        open_slices(open_dataset(folder), size=8)
    assert not [path for path in cache_root().iterdir() if path.is_dir()]


def _open(folder: Path, slowly: bool) -> None:
    cached_slices(open_dataset(folder), size=8, axis=None, progress=(lambda *_: time.sleep(0.3)) if slowly else None)


def test_two_processes_build_it_once_and_a_killed_one_does_not_block(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    context = multiprocessing.get_context("fork")
    killed = context.Process(target=_open, args=(folder, True))
    killed.start()
    while not list(cache_root().glob(".*.partial-*")) and killed.is_alive():
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.join()
    assert list(cache_root().glob(".*.partial-*")), "it was killed too late to show anything"
    others = [context.Process(target=_open, args=(folder, False)) for _ in range(2)]
    for process in others:
        process.start()
    for process in others:
        process.join(30)
    assert [process.exitcode for process in others] == [0, 0]
    assert not list(cache_root().glob(".*.partial-*"))
    assert len(open_slices(open_dataset(folder), size=8)) == 4


def test_slices_of_a_volume_share_their_percentiles(tmp_path: Path) -> None:
    writer = DatasetWriter(
        tmp_path, name="x", channel_names=["T1"], label_names=["background", "o"], file_ending=".png"
    )
    rng = np.random.default_rng(0)
    for number, brightness in enumerate((1000, 10)):
        image = rng.integers(0, brightness, (1, 16, 16)).astype(np.uint16)
        writer.add(f"v_{number}", image, np.ones((16, 16), np.uint8), subject="s", volume="v", slice=number)
    writer.finish()
    slices = open_slices(open_dataset(tmp_path), size=16)
    assert slices.case_intensity["v_0"] == slices.case_intensity["v_1"]
    assert slices.images[1].max() < -0.9, "the dark slice stays dark"


def test_recorded_intensity_maps_win(tmp_path: Path) -> None:
    recorded = IntensityMap("window", 0.0, 50.0)
    writer = DatasetWriter(
        tmp_path, name="x", channel_names=["CT"], label_names=["background", "o"], file_ending=".png"
    )
    image = np.full((1, 4, 4), 25, np.uint8)
    writer.add("a", image, np.ones((4, 4), np.uint8), subject="s", intensity=[recorded])
    writer.finish()
    slices = open_slices(open_dataset(tmp_path), size=4)
    assert slices.intensity == (recorded,)
    assert (slices.images[0] == 0).all()


def test_8_bit_files_keep_their_range(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    stored = np.array(Image.open(folder / "imagesTr" / "case2_0000.png"))
    slices = open_slices(open_dataset(folder), size=8)
    assert slices.intensity == (IntensityMap("fixed", 0.0, 255.0),)
    back = slices.undo(slices.intensity[0].restore(slices.images[2]), (6, 8), order=1)
    assert np.array_equal(np.rint(back[0]), stored)
