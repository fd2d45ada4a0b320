"""Every wrong input: one sentence, exit code 2, no output, nothing that was there changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from segmint.cli.main import main


def png_pairs(folder: Path) -> None:
    """Four 16 x 16 PNG pairs in nnU-Net's layout, label 1 in the middle."""
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    random = np.random.default_rng(0)
    label = np.zeros((16, 16), dtype=np.uint8)
    label[5:11, 5:11] = 1
    for case in "abcdef":
        image = random.integers(0, 200, (16, 16)).astype(np.uint8) + 50 * label
        Image.fromarray(image).save(folder / "imagesTr" / f"{case}_0000.png")
        Image.fromarray(label).save(folder / "labelsTr" / f"{case}.png")
    content = {
        "channel_names": {"0": "grey"},
        "labels": {"background": 0, "disc": 1},
        "numTraining": 6,
        "file_ending": ".png",
    }
    (folder / "dataset.json").write_text(json.dumps(content))


def remove_image(folder: Path) -> None:
    (folder / "imagesTr" / "c_0000.png").unlink()


def remove_label(folder: Path) -> None:
    (folder / "labelsTr" / "c.png").unlink()


def other_shape(folder: Path) -> None:
    Image.fromarray(np.zeros((16, 12), dtype=np.uint8)).save(folder / "labelsTr" / "c.png")


def unknown_id(folder: Path) -> None:
    Image.fromarray(np.full((16, 16), 7, dtype=np.uint8)).save(folder / "labelsTr" / "c.png")


def truncated_png(folder: Path) -> None:
    path = folder / "imagesTr" / "c_0000.png"
    path.write_bytes(path.read_bytes()[:60])


def empty_masks(folder: Path) -> None:
    for path in (folder / "labelsTr").iterdir():
        Image.fromarray(np.zeros((16, 16), dtype=np.uint8)).save(path)


def broken_json(folder: Path) -> None:
    (folder / "dataset.json").write_text("{")


def shared_subject(folder: Path) -> None:
    entry = {"subject": "one"}
    sidecar = {
        "format": 1,
        "cases": {case: {**entry, "subject": case} for case in "abcdef"},
        "split": {"train": ["a", "b", "c"], "validation": ["c"], "test": ["e", "f"]},
    }
    (folder / "segmint.json").write_text(json.dumps(sidecar))


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (remove_image, "c"),
        (remove_label, "c"),
        (other_shape, "c"),
        (unknown_id, "7"),
        (truncated_png, "c_0000.png"),
        (empty_masks, "empty"),
        (broken_json, "dataset.json"),
        (shared_subject, "both"),
        (shutil.rmtree, "not exist"),
    ],
)
def test_a_spoilt_dataset_is_refused(
    spoil: Callable[[Path], None], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "dataset"
    png_pairs(folder)
    spoil(folder)
    out = tmp_path / "run"
    assert refused(["train", "joint-stylegan2", str(folder), "--out", str(out), "--size", "32"], named, capsys)
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--labelled", "2,9"], "from 1 to 4, the training subjects"),
        (["--labelled", "2", "--recipes", "unet"], "--recipes unet"),
        (["--labelled", "1", "--recipes", "datasetgan"], "datasetgan with 1 labelled subject: 16 labelled images"),
        (["--labelled", "1", "--recipes", "datasetgan"], "--set datasetgan.labelled_images=3"),
        (["--labelled", "2", "--set", "seed"], "--set seed"),
    ],
)
def test_a_curve_that_cannot_be_drawn_is_refused_before_anything_is_trained(
    words: list[str], named: str, discs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "curve"
    assert refused(["curve", str(discs), "--out", str(out), "--size", "32", "--device", "cpu", *words], named, capsys)
    assert not out.exists()


@pytest.mark.parametrize("kind", ["truncated", "nan"])
def test_a_spoilt_volume_is_refused(kind: str, discs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = discs / "imagesTr" / "subject_02_0000.nii.gz"
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:500])
    else:
        volume = nibabel.load(path).get_fdata(dtype=np.float32)
        volume[3, 3, 1] = np.nan
        nibabel.save(nibabel.Nifti1Image(volume, np.diag([1.0, 1.0, 3.0, 1.0])), path)
    out = tmp_path / "run"
    assert refused(["train", "joint-stylegan2", str(discs), "--out", str(out), "--size", "32"], "subject_02", capsys)
    assert not out.exists()


def test_an_unwritable_output_is_refused(discs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A file where a folder is needed cannot be written into by anyone, root included.
    (tmp_path / "file").write_text("mine")
    for verb in (
        ["train", "joint-stylegan2", str(discs), "--size", "32", "--kimg", "0.008"],
        ["data", "phantom", "brain", "--subjects", "4"],
    ):
        assert refused([*verb, "--out", str(tmp_path / "file" / "run")], "file", capsys)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("verb", ["train", "sample", "evaluate", "trial", "curve", "phantom", "split"])
def test_an_existing_output_is_kept(
    verb: str, discs: Path, discs_run: Path, discs_synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("keep")
    words = {
        "train": ["train", "joint-stylegan2", str(discs), "--size", "32"],
        "sample": ["sample", str(discs_run), "--n", "2"],
        "evaluate": ["evaluate", str(discs), str(discs_synthetic)],
        "trial": ["trial", str(discs), str(discs_synthetic), "--size", "32"],
        "curve": ["curve", str(discs), "--labelled", "2", "--size", "32"],
        "phantom": ["data", "phantom", "brain", "--subjects", "4"],
        "split": ["data", "split", str(discs)],
    }[verb]
    assert refused([*words, "--out", str(taken)], "taken", capsys)
    assert [path.name for path in taken.iterdir()] == ["mine.txt"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 300 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0 or os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_said_and_nothing_is_left(
    small_disk: Path, discs: Path, discs_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (
        ["sample", str(discs_run), "--n", "400"],
        ["data", "phantom", "brain", "--subjects", "6"],
        ["train", "joint-stylegan2", str(discs), "--size", "32", "--kimg", "0.05"],
    ):
        assert refused([*words, "--out", str(small_disk / "out")], "free some space", capsys)
        left = [path for path in small_disk.iterdir() if "partial" in path.name]
        assert left == []
        shutil.rmtree(small_disk / "out", ignore_errors=True)


def test_a_checkpoint_that_does_not_fit_on_the_disk_leaves_the_last_one(small_disk: Path) -> None:
    import torch

    from segmint.training.checkpoint import CheckpointFolder

    folder = CheckpointFolder(small_disk / "checkpoints")
    folder.save({"x": torch.ones(10_000)}, {"images": 1}, best=True)
    with pytest.raises(OSError, match="space"):
        folder.save({"x": torch.ones(100_000)}, {"images": 2}, best=True)
    assert folder.load("last").state["images"] == folder.load("best").state["images"] == 1


def refused(words: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> bool:
    """Whether the command ended with code 2 and one sentence, without a traceback, that names what is wrong."""
    capsys.readouterr()
    assert main(words) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("segmint: "), said
    assert "Traceback" not in "".join(said)
    assert named in said[-1], said[-1]
    return True


@pytest.mark.parametrize("verb", ["train", "evaluate", "trial", "curve", "segment", "run", "split", "binarise"])
def test_no_input_is_overwritten(verb: str, discs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--overwrite replaces earlier outputs, never what is read, nor a folder that holds it."""
    words = {
        "train": ["train", "joint-stylegan2", str(discs), "--size", "32"],
        "evaluate": ["evaluate", str(discs), str(discs)],
        "trial": ["trial", str(discs), "--arms", "100R", "--size", "32"],
        "curve": ["curve", str(discs), "--labelled", "2", "--size", "32"],
        "segment": ["segment", "train", str(discs), "--size", "32"],
        "run": ["run", str(discs)],
        "split": ["data", "split", str(discs)],
        "binarise": ["data", "binarise", str(discs)],
    }[verb]
    for out in (discs, discs.parent):
        before = {path: path.stat().st_mtime_ns for path in discs.rglob("*")}
        assert main([*words, "--out", str(out), "--overwrite"]) == 2
        assert "which is read here: choose another --out" in capsys.readouterr().err
        assert {path: path.stat().st_mtime_ns for path in discs.rglob("*")} == before
