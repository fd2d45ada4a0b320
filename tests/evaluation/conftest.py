"""A small study on disk: a real dataset of volumes with a split, and synthetic pairs that say what they have seen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmint.data.case import Provenance
from segmint.data.dataset import Dataset, open_dataset
from segmint.data.intensity import IntensityMap
from segmint.data.pool import PairPool
from segmint.data.slices import SliceSet, open_slices
from segmint.data.subjects import Split, Subset
from segmint.data.writer import DatasetWriter
from segmint.evaluation.evidence import Evidence
from segmint.evaluation.generator import GeneratorOrders
from segmint.evaluation.regime import Regime, choose_regime
from segmint.reference.cross_fitted import Fitted
from segmint.reference.random_features import RandomFeatures

SIZE, DEPTH = 16, 3
CHANNELS, LABELS = ("T1",), ("background", "organ", "tumour")
TRAIN, VALIDATION, TEST = ([f"{part}{i:02d}" for i in range(n)] for part, n in (("a", 5), ("b", 2), ("c", 16)))
REAL_SLICES = len(TRAIN) * DEPTH
SPLIT = Split(tuple(TRAIN), tuple(VALIDATION), tuple(TEST))
INTENSITY = IntensityMap("window", 0.0, 100.0)
# Added to the seed of curated pairs.
CURATED = 1000


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterable[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGMINT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """A bright block with a brighter one in it, in noise; [1, *shape] in 0..100 and ids."""
    label, unit = np.zeros(shape, dtype=np.uint8), shape[0] // 14
    top, left = unit * rng.integers(1, 4, 2)
    label[top : top + 8 * unit, left : left + 7 * unit] = 1
    label[top + 2 * unit : top + 5 * unit, left + 2 * unit : left + 5 * unit] = 2
    image = 20.0 + 30.0 * label + rng.normal(0, 6, shape)
    return np.clip(image, 0, 100).astype(np.float32)[None], label


def write_real(
    folder: Path,
    *,
    split: Split | None = SPLIT,
    shape: tuple[int, int] = (14, 13),
    copied: Mapping[str, str] | None = None,
) -> Path:
    """Volumes, thick along the last axis, one a subject; the first slice of some is `copied` from an earlier subject."""
    folder.mkdir(parents=True)
    writer = DatasetWriter(folder, name="study", channel_names=CHANNELS, label_names=LABELS, file_ending=".nii.gz")
    rng, images = np.random.default_rng(0), {}
    for subject in (*TRAIN, *VALIDATION, *TEST):
        image, label = draw(rng, (*shape, DEPTH))
        images[subject] = image
        if copied and subject in copied:
            image[..., 0] = images[copied[subject]][..., 0]
        writer.add(f"case_{subject}", image, label, subject=subject, spacing=(1.0, 1.0, 3.0), intensity=[INTENSITY])
    first_slices = [(f"case_{subject}", number) for subject in TRAIN for number in range(DEPTH)][:5]
    subsets = {
        "2": Subset("2", tuple(TRAIN[:2])),
        "5-slices": Subset("5-slices", tuple(TRAIN[:2]), tuple(first_slices)),
    }
    writer.finish(split=split, subsets=subsets if split is not None else None)
    return folder


def provenance(
    dataset: Dataset,
    *,
    labels_seen: Iterable[str] = TRAIN,
    images_seen: Iterable[str] = TRAIN,
    selected_on: Iterable[str] = VALIDATION,
    run: str = "run",
    checkpoint: str = "c0ffee",
    seed: int = 0,
) -> Provenance:
    def named(subjects: Iterable[str]) -> tuple[tuple[str, str], ...]:
        return tuple((dataset.identity, subject) for subject in subjects)

    return Provenance(
        run, checkpoint, seed, "joint-stylegan2", named(labels_seen), named(images_seen), named(selected_on)
    )


def write_synthetic(
    folder: Path,
    made: Provenance | None,
    *,
    pairs: int,
    labels: Sequence[str] = LABELS,
    seed: int = 7,
    real_cases: Sequence[str] = (),
) -> Path:
    """Single-slice volumes as `sample` writes them; `real_cases` are subjects whose volumes are put beside them."""
    folder.mkdir(parents=True)
    writer = DatasetWriter(
        folder,
        name="study synthetic",
        channel_names=CHANNELS,
        label_names=labels,
        file_ending=".nii.gz",
        provenance=made,
    )
    rng = np.random.default_rng(seed)
    for number in range(pairs):
        image, label = draw(rng, (14, 13, 1))
        name = f"synthetic_s{seed}_{number:06d}"
        writer.add(name, image, label, subject=name, spacing=(1.0, 1.0, 3.0), intensity=[INTENSITY])
    for subject in real_cases:
        image, label = draw(rng, (14, 13, DEPTH))
        writer.add(f"case_{subject}", image, label, subject=subject, spacing=(1.0, 1.0, 3.0), intensity=[INTENSITY])
    writer.finish()
    return folder


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_real(tmp_path_factory.mktemp("real") / "study")


@pytest.fixture(scope="module")
def slices(real: Path) -> SliceSet:
    return open_slices(open_dataset(real), size=SIZE)


@pytest.fixture(scope="module")
def regime(slices: SliceSet) -> Regime:
    return choose_regime(slices, SPLIT, subset=None, real_slices=None)


@pytest.fixture(scope="module")
def synthetic(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "fakes"
    return write_synthetic(folder, provenance(open_dataset(real)), pairs=3 * REAL_SLICES)


class ThresholdSegmenter:
    """Cuts the image at two levels; `shift` spoils them."""

    def __init__(self, shift: float = 0.0) -> None:
        self.shift = shift

    def predict(self, images: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        labels = np.digitize(images[:, 0], [-0.3 + self.shift, 0.3 + self.shift]).astype(np.uint8)
        return labels, np.moveaxis(np.eye(len(LABELS), dtype=np.float32)[labels], -1, 1)


class StandIn:
    """Stands in for training where only the numbers behind it are tested: arm and seed decide how well it cuts.

    Args:
        shift: how far off the levels are, given the share of the pool that is not real or flipped, and the seed.
        curve: validation Dice at each tenth of the steps; with_pairs: the same where pairs are in the pool.
    """

    def __init__(
        self,
        shift: Callable[[float, int], float] = lambda _share, _seed: 0.0,
        curve: Callable[[float], float] = lambda _share: 0.8,
        with_pairs: Callable[[float], float] | None = None,
    ) -> None:
        self.shift, self.curve, self.with_pairs = shift, curve, with_pairs or curve
        self.calls: list[tuple[int, int]] = []
        self.settings: list[dict[str, str]] = []
        self.widths: list[tuple[str, str | None]] = []
        self.fail_at: int | None = None
        self.validation: int | None = len(VALIDATION) * DEPTH

    def __call__(
        self,
        recipe: str,
        pool: PairPool,
        validation: PairPool,
        *,
        folder: Path,
        steps: int,
        batch: int,
        seed: int,
        device: str,
        threads: int | None,
        preset: str,
        capacity: str | None,
        settings: Mapping[str, str],
    ) -> ThresholdSegmenter:
        del threads
        self.widths.append((preset, capacity))
        if self.fail_at == len(self.calls):
            raise KeyboardInterrupt
        assert (recipe, device) == ("unet", "cpu")
        self.settings.append(dict(settings))
        assert self.validation in (None, len(validation))
        self.calls.append((len(pool), seed))
        folder.mkdir(parents=True, exist_ok=True)
        fake = sum(len(part.indices) for part in pool.parts if part.slices.dataset.provenance is not None)
        curve = self.with_pairs if fake else self.curve
        ticks = [
            {
                "stage": "00-segmenter",
                "images": round(steps * batch * x / 10),
                "kimg": steps * batch * x / 10_000,
                "share_done": x / 10,
                "losses": {"network": {"dice_and_cross_entropy": 1.0}},
                "validation": {"name": "dice", "value": curve(x / 10), "direction": "higher"},
                "health": [],
            }
            for x in range(1, 11)
        ]
        (folder / "log.jsonl").write_text("".join(json.dumps(tick) + "\n" for tick in ticks))
        return ThresholdSegmenter(self.shift(fake / len(pool), seed))


class Draws:
    """Writes pairs as the study does, with the provenance of a generator that learned from `split.train`.

    Args:
        most: curated pairs that there will be, however many are asked for.
    """

    def __init__(self, *, leak: bool = False, most: int | None = None) -> None:
        self.leak, self.most = leak, most
        self.calls: list[tuple[Split, int, int, Path]] = []
        self.curated: list[int] = []

    def __call__(
        self,
        orders: GeneratorOrders,
        dataset: Path,
        *,
        split: Split,
        seed: int,
        pairs: int,
        curated: int,
        folder: Path,
        **_: Any,
    ) -> None:
        del orders
        self.calls.append((split, seed, pairs, folder))
        self.curated.append(curated)
        if not (folder / "synthetic").exists():
            seen = (*split.train, *(split.test[:1] if self.leak else ()))
            made = provenance(
                open_dataset(dataset),
                labels_seen=seen,
                images_seen=seen,
                selected_on=split.validation,
                run=str(folder),
                checkpoint=f"{folder.parent.name}{seed}",
                seed=seed,
            )
            write_synthetic(folder / "synthetic", made, pairs=max(pairs, curated), seed=seed)
            kept = curated if self.most is None else min(self.most, curated)
            if kept:
                write_synthetic(folder / "curated", made, pairs=kept, seed=CURATED + seed)
            (folder / "kept.json").write_text(json.dumps({"kept": kept}))


class Remembers:
    """Stands in for a segmenter: to its encoder images that it has learned from look unlike all others."""

    def __init__(self, evidence: Evidence, seen: frozenset[str], by: float) -> None:
        slices = evidence.training.slices
        self.seen = {slices.images[i].tobytes() for i in slices.indices(seen)}
        self.features, self.by = RandomFeatures(slices.images.shape[1]), by

    def encode(self, images: Tensor) -> Tensor:
        known = [self.by * (one.numpy().tobytes() in self.seen) for one in images]
        return self.features(images) + torch.tensor(known)[:, None]


def remembering(evidence: Evidence, *, by: float) -> list[Fitted]:
    """One for each half of the training subjects."""
    subjects = sorted(set(evidence.training.subjects))
    parts = [frozenset(subjects[::2]), frozenset(subjects[1::2])]
    return [Fitted(Remembers(evidence, a, by), a, b) for a, b in (parts, parts[::-1])]  # type: ignore[arg-type]


@dataclass(frozen=True)
class Study:
    """Names and makers of the study, for tests that need more than the plain fixtures."""

    train: tuple[str, ...] = SPLIT.train
    validation: tuple[str, ...] = SPLIT.validation
    test: tuple[str, ...] = SPLIT.test
    split: Split = SPLIT
    size: int = SIZE
    depth: int = DEPTH
    real_slices: int = REAL_SLICES
    labels: tuple[str, ...] = LABELS
    write_real = staticmethod(write_real)
    write_synthetic = staticmethod(write_synthetic)
    provenance = staticmethod(provenance)
    stand_in = StandIn
    draws = Draws
    threshold = ThresholdSegmenter
    remembering = staticmethod(remembering)


@pytest.fixture(scope="session")
def study() -> Study:
    return Study()
