"""Datasets that many tests share, drawn by the tests themselves."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from segmint.data.intensity import IntensityMap
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Slices are cached in a folder of this test session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGMINT_CACHE", str(tmp_path_factory.getbasetemp() / "segmint-cache"))
        yield


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Folder of a public dataset, or skip."""
    root = Path(os.environ.get("SEGMINT_REAL_DATA") or Path(__file__).parents[2] / "shared" / "data")

    def find(name: str) -> Path:
        if not (root / name).is_dir():
            pytest.skip(f"{root / name} is not there (set SEGMINT_REAL_DATA)")
        return root / name

    return find


def forget_sidecar(folder: Path) -> Path:
    """Make a dataset one that nnU-Net might have written: without segmint.json, and with nothing that names it."""
    (folder / "segmint.json").unlink()
    content = json.loads((folder / "dataset.json").read_text())
    content.pop("sidecar", None)
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


def draw_discs(
    folder: Path,
    *,
    subjects: int = 8,
    slices: int = 3,
    size: int = 24,
    channels: int = 1,
    empty: int = 0,
    halo: bool = False,
) -> Path:
    """Volumes of bright discs on dim noise as NIfTI: label 1 the disc, label 2 its core; slices along the last axis.

    Args:
        empty: so many slices of each volume, from the first, hold no disc.
        halo: the dataset has a condition map "halo", a larger disc about each.
    """
    folder.mkdir(parents=True)
    writer = DatasetWriter(
        folder,
        name="Discs",
        channel_names=[f"MR{i}" for i in range(channels)],
        label_names=["background", "rim", "core"],
        file_ending=".nii.gz",
        licence="CC0-1.0",
        conditions={"halo": ("background", "halo")} if halo else {},
    )
    names = [f"subject_{i:02d}" for i in range(subjects)]
    rows, columns = np.mgrid[:size, :size]
    for number, name in enumerate(names):
        random = np.random.default_rng(number)
        image = random.normal(100, 5, (channels, size, size, slices)).astype(np.float32)
        label = np.zeros((size, size, slices), dtype=np.uint8)
        around = np.zeros_like(label)
        for z in range(empty, slices):
            row, column = random.uniform(size * 0.35, size * 0.65, 2)
            distance = np.hypot(rows - row, columns - column)
            label[..., z] = np.where(distance < size * 0.12, 2, np.where(distance < size * 0.25, 1, 0))
            around[..., z] = distance < size * 0.33
            image[..., z] += 200 * (label[..., z] == 1) + 400 * (label[..., z] == 2)
        writer.add(
            name,
            image,
            label,
            subject=name,
            spacing=(1.0, 1.0, 3.0),
            intensity=[IntensityMap("percentile", 50.0, 550.0)] * channels,
            conditions={"halo": around} if halo else {},
        )
    split = Split(tuple(names[: subjects - 4]), tuple(names[subjects - 4 : subjects - 2]), tuple(names[subjects - 2 :]))
    writer.finish(split=split)
    return folder


@pytest.fixture
def discs(tmp_path: Path) -> Path:
    """Eight subjects of three 24 x 24 slices, two of them for validation and two for test."""
    return draw_discs(tmp_path / "discs")


@pytest.fixture(scope="session")
def discs_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the joint recipe on the discs, trained for a few steps; not to be changed."""
    from segmint.training.train import train

    folder = tmp_path_factory.mktemp("trained")
    run = train(
        "joint-stylegan2",
        draw_discs(folder / "discs"),
        out=folder / "run",
        kimg=0.016,
        batch=4,
        size=32,
        threads=1,
        settings={"latent_size": "8", "width_base": "128", "width_maximum": "8"},
        precision="float32",
        device="cpu",
        progress=False,
    )
    return run.root


DATASETGAN = {
    "latent_size": "8",
    "width_base": "128",
    "width_maximum": "8",
    "members": "3",
    "hidden_widths": "16,8",
    "labelled_images": "3",
    "inversion_steps": "4",
    "inversion_draws": "32",
    "minimum_explained": "-99",
    "interpreter_steps": "8",
}


@pytest.fixture(scope="session")
def interpreted_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of datasetgan on the discs, labels of two of four subjects seen, a few steps; not to be changed."""
    from segmint.training.train import train

    folder = tmp_path_factory.mktemp("interpreted")
    run = train(
        "datasetgan",
        draw_discs(folder / "discs"),
        out=folder / "run",
        kimg=0.008,
        batch=4,
        size=32,
        labelled_subjects=2,
        threads=1,
        settings=DATASETGAN,
        precision="float32",
        device="cpu",
        progress=False,
    )
    return run.root


SEMANTICGAN = {
    "latent_size": "8",
    "width_base": "128",
    "width_maximum": "8",
    "mask_width": "0.1",
    "pyramid_width": "8",
    "encoder_kimg": "0.008",
    "inference_steps": "2",
}


@pytest.fixture(scope="session")
def branched_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of semanticgan on the discs, labels of two of four subjects seen, a few steps; not to be changed."""
    from segmint.training.train import train

    folder = tmp_path_factory.mktemp("branched")
    run = train(
        "semanticgan",
        draw_discs(folder / "discs"),
        out=folder / "run",
        kimg=0.008,
        batch=4,
        size=32,
        labelled_subjects=2,
        threads=1,
        settings=SEMANTICGAN,
        precision="float32",
        device="cpu",
        progress=False,
    )
    return run.root


@pytest.fixture(scope="session")
def discs_synthetic(discs_run: Path) -> Path:
    """Forty pairs of that run; not to be changed."""
    from segmint.synthesis.sample import sample

    return sample(discs_run, n=40, seed=0, out=discs_run.parent / "synthetic", device="cpu")


@pytest.fixture(scope="session")
def painted_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of em-pix2pix with masks of its own mask-stylegan2 on discs with halos, a few steps; not to be changed."""
    from segmint.training.train import train

    folder = tmp_path_factory.mktemp("painted")
    masks = {"latent_size": "8", "width_base": "128", "width_maximum": "8", "kimg": "0.016", "batch": "4"}
    run = train(
        "em-pix2pix",
        draw_discs(folder / "discs", halo=True, empty=1),
        out=folder / "run",
        kimg=0.016,
        batch=4,
        size=32,
        threads=1,
        mask_source="mask-stylegan2",
        settings={"width": "0.05", "discriminators": "1", **{f"masks.{key}": value for key, value in masks.items()}},
        precision="float32",
        device="cpu",
        progress=False,
    )
    return run.root
