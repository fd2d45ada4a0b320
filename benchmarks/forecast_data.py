"""The datasets of the forecast benchmark: a few real subjects, and fresh pairs of others that planted sets are made of."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import segmint
from segmint.data.case import Provenance
from segmint.data.dataset import Dataset, open_dataset
from segmint.data.intensity import IntensityMap
from segmint.data.slices import SliceSet, open_slices
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter
from segmint.outputs import staged_folder

SIZE, SLICES_EACH = 32, 3
TRAIN, VALIDATION, TEST = 24, 4, 24
REAL_PAIRS = TRAIN * SLICES_EACH
# As many as the arm 100R+300F takes.
PAIRS = 3 * REAL_PAIRS
# Subjects of a phantom whose slices are fresh pairs.
_FRESH = PAIRS // SLICES_EACH

Images, Labels = NDArray[np.float32], NDArray[np.uint8]


@dataclass(frozen=True)
class Source:
    """Where subjects come from.

    Attributes:
        subjects: how many there are; those that are in no part of the real dataset give fresh pairs.
        side: of the slices that are cut, pixels; of larger ones the middle is taken.
        write: puts the whole population into a new folder.
        without: labels that are taken for background, being a pixel or two at this size.
        steps: of the segmenters that tell what a set gains; what is easier to see takes fewer.
    """

    name: str
    subjects: int
    side: int
    write: Callable[[Path], object]
    without: tuple[str, ...] = ()
    steps: int = 600


def sources() -> list[Source]:
    """Two phantoms, and the hippocampus volumes where they are at hand."""
    found = [_phantom("brain", side=SIZE, steps=800), _phantom("thorax", side=2 * SIZE, without=("oesophagus",))]
    root = Path(os.environ.get("SEGMINT_REAL_DATA") or Path(__file__).parents[2] / "shared" / "data")
    original = root / "msd-hippocampus"
    if original.is_dir():
        found.append(Source("hippocampus", 120, SIZE, lambda out: segmint.convert_layout("msd", original, out=out)))
    else:
        found.append(_phantom("stroke", side=2 * SIZE))
    return found


def _phantom(kind: str, *, side: int, **options: Any) -> Source:
    subjects = TRAIN + VALIDATION + TEST + _FRESH
    return Source(
        kind,
        subjects,
        side,
        lambda out: segmint.phantom(kind, out=out, subjects=subjects, seed=0, size=side),
        **options,
    )


def prepare(source: Source, folder: Path) -> tuple[Path, Path]:
    """The real dataset, with a split, and the dataset of fresh pairs; made where they are not there yet."""
    real, fresh, whole = folder / "real", folder / "fresh", folder / "population"
    if real.exists() and fresh.exists():
        return real, fresh
    if not whole.exists():
        source.write(whole)
    slices = open_slices(open_dataset(whole), size=source.side)
    subjects = list(np.random.default_rng(0).permutation(slices.dataset.subjects)[: source.subjects])
    ends = np.cumsum([TRAIN, VALIDATION, TEST])
    train, validation, test, rest = (tuple(sorted(part)) for part in np.split(np.array(subjects), ends))
    if not real.exists():
        pairs = _taken(slices, (*train, *validation, *test), each=SLICES_EACH)
        write_pairs(real, *pairs, like=slices.dataset, without=source.without, split=Split(train, validation, test))
    if not fresh.exists():
        pairs = _taken(slices, rest, each=-(-PAIRS // len(rest)))
        write_pairs(fresh, *pairs, like=slices.dataset, without=source.without)
    return real, fresh


def _taken(slices: SliceSet, subjects: Sequence[str], *, each: int) -> tuple[Images, Labels, list[str]]:
    """Of each subject so many slices, spread over those that hold a label; the middle of each."""
    chosen: list[int] = []
    for subject in subjects:
        own = [i for i in slices.indices([subject]).tolist() if slices.records[i].foreground]
        chosen += [own[place] for place in np.unique(np.linspace(0, len(own) - 1, each + 2).round().astype(int)[1:-1])]
    edge = (slices.size - SIZE) // 2
    middle = np.s_[..., edge : edge + SIZE, edge : edge + SIZE]
    images, labels = (np.asarray(one[chosen])[middle] for one in (slices.images, slices.labels))
    return images, labels, [slices.records[i].subject for i in chosen]


def write_pairs(
    folder: Path,
    images: Images,
    labels: Labels,
    subjects: Sequence[str],
    *,
    like: Dataset,
    without: Sequence[str] = (),
    split: Split | None = None,
    provenance: Provenance | None = None,
) -> None:
    """Pairs [n, C, S, S] in [-1, 1] and [n, S, S] as a dataset with the channels and the labels, but some, of another."""
    kept = [name for name in like.label_names if name not in without]
    new_ids = np.array([kept.index(name) if name in kept else 0 for name in like.label_names], dtype=np.uint8)
    with staged_folder(folder) as staging:
        writer = DatasetWriter(
            staging,
            name=f"{like.name} {folder.name}",
            channel_names=like.channel_names,
            label_names=kept,
            file_ending=".tif",
            provenance=provenance,
        )
        as_they_are = [IntensityMap("window", -1.0, 1.0)] * len(like.channel_names)
        for number, (image, label, subject) in enumerate(zip(images, labels, subjects, strict=True)):
            writer.add(
                f"{subject}_{number:04d}",
                image,
                new_ids[label],
                subject=subject,
                spacing=(1.0, 1.0),
                intensity=as_they_are,
            )
        writer.finish(split=split)
