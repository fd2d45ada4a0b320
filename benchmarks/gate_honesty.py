"""What the gate makes of planted "synthetic sets", whose worth is known.

python benchmarks/gate_honesty.py --out DIR

On the brain phantom, five sets stand in for what a generator draws from the training subjects of each fold: more true data
(other phantom subjects), noise with real masks, real pairs whose masks are shifted by a quarter of the image, exact copies of
training pairs, and true data of which every second mask is shifted. The gate should add the first and leave out the
second and the third; copies can neither help nor harm much, and finding them is not the gate's task but the privacy
audit's; of the last it should take curated pairs, if any (`--filters all,curated`). A stopped call goes on where it stopped.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import segmint
from segmint.data.case import Provenance
from segmint.data.dataset import Dataset, open_dataset
from segmint.data.intensity import IntensityMap
from segmint.data.slices import open_slices
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter
from segmint.evaluation.arms import parse_arms
from segmint.evaluation.design import design_trial
from segmint.evaluation.gate import GateOrders
from segmint.evaluation.generator import KEPT, GeneratorOrders, curate_enough, to_draw
from segmint.evaluation.recipe_trial import RecipeTrial
from segmint.outputs import staged_folder, write_json
from segmint.training.segmenter import train_segmenter

KINDS = ("truth", "noise", "shifted", "copies", "half-shifted")
_MORE_SUBJECTS = 40


def main() -> None:
    """Print one line a planted set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder that keeps everything")
    parser.add_argument("--kinds", default=",".join(KINDS), help="which sets")
    parser.add_argument("--size", type=int, default=32, help="side of the slices in pixels")
    parser.add_argument("--subjects", type=int, default=24, help="phantom subjects, 70 percent of which train")
    parser.add_argument("--steps", type=int, default=400, help="optimiser steps of each segmenter")
    parser.add_argument("--seeds", type=int, default=2, help="segmenters of each arm")
    parser.add_argument("--shares", default="100,300", help="percentages of pairs the gate looks at")
    parser.add_argument("--filters", default="all", help="which pairs it looks at: all, curated, or all,curated")
    given = parser.parse_args()
    shares = tuple(int(word) for word in given.shares.split(","))
    real, more = given.out / "real", given.out / "more"
    for folder, subjects, seed in ((real, given.subjects, 0), (more, _MORE_SUBJECTS, 1000)):
        if not folder.exists():
            segmint.phantom("brain", out=folder, subjects=subjects, seed=seed, size=given.size)
    print(
        f"brain phantom, {given.subjects} subjects, {given.size} px; {given.steps} steps, {given.seeds} seeds; "
        f"shares {given.shares}"
    )
    for kind in given.kinds.split(","):
        make = partial(
            design_trial,
            real,
            steps=given.steps,
            batch=None,
            segmenter="unet",
            augment=("elastic",),
            subset=None,
            real_slices=None,
            device="cpu",
            demonstration=False,
        )
        content = RecipeTrial(
            dataset=real,
            arms=parse_arms("100R,gate", gate=True),
            seeds=given.seeds,
            generator=GeneratorOrders(kind),
            generator_seeds=1,
            gate=GateOrders(shares, seeds=given.seeds, filters=tuple(given.filters.split(","))),
            make=make,
            device="cpu",
            progress=False,
            train=train_segmenter,
            draw=partial(draw_planted, more=more),
            size=given.size,
        ).conduct(given.out / kind, overwrite=False)
        plain, gated = content["arms"]
        print(f"{kind}: {content['gate']['sentence']}")
        print(
            f"    test subjects: 100R {plain['mean']:.3f}, gate {gated['mean']:.3f}; {content['verdict']['sentence']}"
        )


def draw_planted(
    orders: GeneratorOrders,
    dataset: Path,
    *,
    split: Split,
    size: int,
    axis: int | None,
    seed: int,
    pairs: int,
    curated: int,
    folder: Path,
    more: Path,
    **options: Any,
) -> None:
    """Stands in for a generator: writes the set that `orders.recipe` names, with the provenance of one that saw `split`."""
    opened = open_dataset(dataset)
    seen = tuple((opened.identity, subject) for subject in split.train)
    provenance = Provenance(
        run=str(folder),
        checkpoint_sha256=f"{orders.recipe} {folder}",
        seed=seed,
        recipe=orders.recipe,
        labels_seen=seen,
        images_seen=seen,
        selected_on=tuple((opened.identity, subject) for subject in split.validation),
    )

    def draw(n: int, out: Path) -> None:
        rng, source, subjects = np.random.default_rng([seed, 11]), opened, split.train
        if orders.recipe in ("truth", "half-shifted"):
            source = open_dataset(more)
            subjects = source.subjects
        images, labels = _drawn(source, subjects, size, axis, n, rng)
        if orders.recipe == "noise":
            images = rng.uniform(-1, 1, images.shape).astype(np.float32)
        if orders.recipe == "shifted":
            labels = np.roll(labels, size // 4, axis=-1)
        if orders.recipe == "half-shifted":
            labels[::2] = np.roll(labels[::2], size // 4, axis=-1)
        _write(out, opened, images, labels, provenance)

    target = folder / "synthetic"
    if not target.exists():
        draw(max(pairs, to_draw(curated)), target)
    if curated and not (folder / KEPT).exists():
        out = folder / "curated"
        kept = {name: options[name] for name in ("steps", "batch", "device", "progress")}
        curate_enough(
            dataset,
            draw,
            needed=curated,
            places=(target, folder / "drawn"),
            out=out,
            split=split,
            size=size,
            axis=axis,
            **kept,
        )
        write_json(folder / KEPT, {"kept": len(open_dataset(out).cases) if out.exists() else 0})


def _write(
    out: Path, like: Dataset, images: NDArray[np.float32], labels: NDArray[np.uint8], provenance: Provenance
) -> None:
    with staged_folder(out, overwrite=True) as staging:
        writer = DatasetWriter(
            staging,
            name=f"planted {provenance.recipe}",
            channel_names=like.channel_names,
            label_names=like.label_names,
            file_ending=".nii.gz",
            provenance=provenance,
        )
        as_they_are = [IntensityMap("window", -1.0, 1.0)] * len(like.channel_names)
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            name = f"planted_{number:05d}"
            writer.add(
                name, image[..., None], label[..., None], subject=name, spacing=(1.0, 1.0, 5.0), intensity=as_they_are
            )
        writer.finish()


def _drawn(
    dataset: Dataset, subjects: Any, size: int, axis: int | None, pairs: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """`pairs` slices of these subjects in random order, again from the first where there are fewer."""
    slices = open_slices(dataset, size=size, axis=axis)
    chosen = np.resize(rng.permutation(slices.indices(subjects)), pairs)
    return np.asarray(slices.images[chosen], dtype=np.float32), np.asarray(slices.labels[chosen])


if __name__ == "__main__":
    main()
