"""Small sources in the very layouts that their owners ship."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segmint.cli.main import main
from segmint.data.binarise import binarise_dataset
from segmint.data.convert import convert_layout
from segmint.data.dataset import open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.data.split import split_dataset
from segmint.training.run_folder import RunFolder

SHAPE = (20, 24)


def picture(seed: int, *channels: int) -> NDArray[np.uint8]:
    """[h, w] or [h, w, channels] of noise."""
    return np.random.default_rng(seed).integers(0, 256, (*SHAPE, *channels)).astype(np.uint8)


def mask(seed: int) -> NDArray[np.bool_]:
    """[h, w], about a third of it set."""
    return np.random.default_rng([seed, 1]).random(SHAPE) < 0.3


def save(path: Path, pixels: NDArray[Any], **arguments: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **arguments)


@pytest.fixture
def chase(tmp_path: Path) -> Path:
    """Three children, both eyes: JPG images, 1-bit PNG masks of two observers."""
    root = tmp_path / "CHASEDB1"
    for number, stem in enumerate(f"{child:02d}{eye}" for child in (1, 2, 14) for eye in "LR"):
        save(root / f"Image_{stem}.jpg", picture(number, 3), quality=95)
        save(root / f"Image_{stem}_1stHO.png", mask(number))
        save(root / f"Image_{stem}_2ndHO.png", mask(number + 100))
    return root


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """Eight training and three test images: RGB TIFF with LZW compression, GIF masks."""
    root = tmp_path / "DRIVE"
    for folder, numbers in (("training", range(21, 29)), ("test", range(1, 4))):
        for number in numbers:
            name = f"{number:02d}_{folder}"
            save(root / folder / "images" / f"{name}.tif", picture(number, 3), compression="tiff_lzw")
            save(root / folder / "1st_manual" / f"{number:02d}_manual1.gif", mask(number) * np.uint8(255))
            save(root / folder / "mask" / f"{name}_mask.gif", mask(number + 100) * np.uint8(255))
    return root


@pytest.fixture
def vnc(tmp_path: Path) -> Path:
    """Ten slices: grey TIFF, 1-bit membranes, 8-bit mitochondria of which one has a pixel between 0 and 255."""
    root = tmp_path / "groundtruth-drosophila-vnc"
    for number in range(10):
        save(root / "stack1" / "raw" / f"{number:02d}.tif", picture(number))
        save(root / "stack1" / "membranes" / f"{number:02d}.png", mask(number + 100))
        mitochondria = mask(number) * np.uint8(255)
        if number == 4:
            mitochondria[0, :2] = 17, 243
        save(root / "stack1" / "mitochondria" / f"{number:02d}.png", mitochondria)
    (root / "stack2" / "raw").mkdir(parents=True)
    save(root / "stack2" / "raw" / "00.tif", picture(99))
    return root


@pytest.fixture
def lgg(tmp_path: Path) -> Path:
    """Two patients with three slices each: RGB TIFF and grey mask TIFF, and the tables beside them."""
    root = tmp_path / "kaggle_3m"
    for patient, name in enumerate(("TCGA_CS_4941_19960909", "TCGA_DU_5854_19951104")):
        for number in (9, 10, 11):
            save(root / name / f"{name}_{number}.tif", picture(number + 10 * patient, 3), compression="tiff_lzw")
            tumour = mask(number + 10 * patient) * np.uint8(255 if number < 11 else 0)
            save(root / name / f"{name}_{number}_mask.tif", tumour)
    (root / "data.csv").write_text("Patient,RNASeqCluster\n")
    (root / "README.md").write_text("LGG")
    return root


@pytest.fixture
def epfl(tmp_path: Path) -> Path:
    """Two stacks of nine slices, a page a slice."""
    root = tmp_path / "epfl"
    for offset, stack in ((0, "training"), (50, "testing")):
        pages = [Image.fromarray(picture(offset + number)) for number in range(9)]
        masks = [Image.fromarray(mask(offset + number) * np.uint8(255)) for number in range(9)]
        root.mkdir(exist_ok=True)
        pages[0].save(root / f"{stack}.tif", save_all=True, append_images=pages[1:])
        masks[0].save(root / f"{stack}_groundtruth.tif", save_all=True, append_images=masks[1:])
    return root


@pytest.fixture
def drawn() -> Mapping[str, Callable[..., NDArray[Any]]]:
    """What the sources hold: `picture(seed, channels)` and `mask(seed)`."""
    return {"picture": picture, "mask": mask}


@pytest.fixture
def write_nifti() -> Callable[..., NDArray[Any]]:
    """Write a volume with a description that must not reach a dataset: `write_nifti(path, array, affine)`."""

    def write(path: Path, array: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[Any]:
        path.parent.mkdir(parents=True, exist_ok=True)
        image = nibabel.Nifti1Image(array, affine)
        image.header["descrip"] = b"Jane Doe 1970-01-01"
        nibabel.save(image, path)
        return array

    return write


@pytest.fixture
def check_in_place() -> Callable[..., None]:
    """Every file of a NIfTI dataset has that affine in both its forms, and no description."""

    def check(dataset: Path, affine: NDArray[np.float64]) -> None:
        files = sorted(dataset.rglob("*.nii.gz"))
        assert files
        for path in files:
            image = nibabel.load(path)
            assert np.allclose(image.get_sform(), affine, atol=1e-4), path
            assert np.allclose(image.header.get_zooms()[:3], np.linalg.norm(affine[:3, :3], axis=0)), path
            assert b"Jane" not in bytes(image.header.binaryblock)

    return check


@pytest.fixture
def check_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A source converts, inspects clean, and tiny networks of recipes learn from it: `check_trains(layout, source, *recipes)`."""
    monkeypatch.syspath_prepend(Path(__file__).parents[4] / "benchmarks")
    commands = importlib.import_module("interrupted_commands")

    def check(layout: str, source: Path, *recipes: str, binarised: bool = False) -> None:
        dataset = convert_layout(layout, source, out=tmp_path / "converted").dataset
        if binarised:
            dataset = binarise_dataset(dataset, out=tmp_path / "binarised").root
        assert inspect_dataset(dataset)["problems"] == []
        subjects = open_dataset(dataset).subjects
        if len(subjects) < 3:
            file = tmp_path / "split.json"
            file.write_text(json.dumps({"train": subjects[:1], "validation": subjects[1:], "test": []}))
            split_dataset(dataset, seed=0, file=file)
        for recipe in recipes:
            run = tmp_path / recipe
            line = commands.training(recipe, dataset).line(run)
            # Others than these two refuse images without masks.
            more = [] if recipe in ("datasetgan", "semanticgan") else ["--unlabelled", "ignore"]
            assert main([*line, "--kimg", "0.032", *more]) == 0
            assert RunFolder(run).status == "done"
            assert list((run / "stages").rglob("*.safetensors"))

    return check
