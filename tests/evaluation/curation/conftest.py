"""A real dataset of textured organs with lesions, and synthetic pairs of which it is known what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from segmint.data.case import Provenance
from segmint.data.dataset import open_dataset
from segmint.data.intensity import IntensityMap
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter

SIZE, EACH = 32, 10
# Pixels of a lesion that is seen wherever it is; one of twenty smaller ones is missed in real slices too.
LARGE = 50
PARTS = {part: tuple(f"{part}{i:02d}" for i in range(n)) for part, n in (("train", 12), ("held", 14), ("test", 3))}
SPLIT = Split(PARTS["train"], PARTS["held"], PARTS["test"])
LABELS = ("background", "organ", "lesion")
WINDOW = [IntensityMap("window", -1.0, 1.0)]

Pair = tuple[NDArray[np.float32], NDArray[np.uint8]]


def picture(generator: np.random.Generator) -> Pair:
    """A grey organ on dark texture, in three of five with a bright lesion in it."""
    rows, columns = np.mgrid[:SIZE, :SIZE]

    def ellipse(row: float, column: float, height: float, width: float) -> NDArray[np.bool_]:
        return np.asarray(((rows - row) / height) ** 2 + ((columns - column) / width) ** 2 < 1)

    label = np.zeros((SIZE, SIZE), dtype=np.uint8)
    row, column = generator.uniform(13, 19, 2)
    label[ellipse(row, column, *generator.uniform(7, 11, 2))] = 1
    if generator.random() < 0.6:
        label[ellipse(row + generator.uniform(-2, 2), column, *generator.uniform(2.5, 4.5, 2))] = 2
    texture = ndimage.gaussian_filter(generator.normal(size=(SIZE, SIZE)), 1.5)
    image = np.array([-0.6, 0.0, 0.6])[label] + 0.15 * texture / texture.std()
    return np.clip(image, -1, 1).astype(np.float32)[None], label


def shifted(pair: Pair) -> Pair:
    return pair[0], np.roll(pair[1], 7, axis=0)


def without_lesion(pair: Pair) -> Pair:
    return pair[0], np.minimum(pair[1], 1)


def turned(pair: Pair) -> Pair:
    image, label = pair
    return np.ascontiguousarray(np.rot90(image, 1, (1, 2))) * 0.9 + 0.03, np.ascontiguousarray(np.rot90(label))


def write(folder: Path, cases: Iterable[tuple[str, str, Pair, float | None]], **options: Any) -> Path:
    """Cases by name, subject, pair and uncertainty."""
    split = options.pop("split", None)
    folder.mkdir(parents=True)
    settings = {"name": "study", "channel_names": ("T1",), "label_names": LABELS, "file_ending": ".nii.gz"} | options
    writer = DatasetWriter(folder, **settings)
    for name, subject, (image, label), uncertainty in cases:
        writer.add(name, image, label, subject=subject, intensity=WINDOW, uncertainty=uncertainty)
    writer.finish(split=split)
    return folder


@dataclass(frozen=True)
class Planted:
    """Paths, and the kind of each pair by its name: "good", "shifted", "forgotten" lesion, or "copy"."""

    real: Path
    synthetic: Path
    kinds: dict[str, str]
    made: Provenance
    write: Callable[..., Path] = write
    draw: Callable[[np.random.Generator], Pair] = picture
    split: Split = SPLIT
    labels: tuple[str, ...] = LABELS


@pytest.fixture(scope="package")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    folder, generator = tmp_path_factory.mktemp("curation"), np.random.default_rng(0)
    real_pairs = [
        (f"case_{subject}_{number}", subject, picture(generator), None)
        for subject in (*SPLIT.train, *SPLIT.validation, *SPLIT.test)
        for number in range(EACH)
    ]
    real = write(folder / "real", real_pairs, split=SPLIT)
    identity = open_dataset(real).identity
    seen = tuple((identity, subject) for subject in SPLIT.train)
    made = Provenance("run", "c0ffee", 0, "joint-stylegan2", labels_seen=seen, images_seen=seen)
    kinds, cases = {}, []
    plan = {
        "good": (80, lambda pair: pair),
        "shifted": (15, shifted),
        "forgotten": (8, without_lesion),
        "copy": (7, turned),
    }
    for kind, (count, change) in plan.items():
        for number in range(count):
            name = f"synthetic_{kind}_{number:03d}"
            kinds[name] = kind
            pair = real_pairs[number * EACH][2] if kind == "copy" else picture(generator)
            while kind == "forgotten" and (pair[1] == 2).sum() < LARGE:
                pair = picture(generator)
            cases.append((name, name, change(pair), None))
    return Planted(real, write(folder / "fakes", cases, provenance=made, name="study by hand"), kinds, made)
