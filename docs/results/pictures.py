"""Pictures of a run for this folder: real pairs beside generated ones, and generated images beside their nearest training image.

Usage: python docs/results/pictures.py RUN OUT_STEM [--n 6] [--seed 0]
Writes OUT_STEM.png (left: real pairs, right: generated pairs) and OUT_STEM-nearest.png (each generated image, then the training
image nearest to it), and prints the distances beside those between held-out validation images and the training images.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from segmint.data.dataset import open_dataset
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import open_slices
from segmint.reference.nearest import nearest_training_images
from segmint.synthesis.open_run import open_sampler
from segmint.training.previews import write_grid
from segmint.training.run_folder import RunFolder


def main() -> None:
    """Draw, search, write, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("stem", type=Path)
    parser.add_argument("--n", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", default="auto")
    options = parser.parse_args()
    config = RunFolder(options.run).config
    slices = open_slices(open_dataset(Path(config["dataset"]["path"])), size=config["size"], axis=config["axis"])
    parts = {
        name: PairPool([PoolPart(slices, slices.indices(config["split"][name]))]) for name in ("train", "validation")
    }
    sampler = open_sampler(options.run, checkpoint=options.checkpoint, device="cpu")
    drawn, labels = sampler.sample(256, options.seed)
    # Pairs with labels are shown, in the order drawn; every real slice with labels is as likely as another.
    shown = np.flatnonzero(labels.reshape(len(labels), -1).any(axis=1))[: options.n]
    training_labels = parts["train"].read(np.arange(len(parts["train"])))[1]
    labelled = np.flatnonzero(training_labels.reshape(len(training_labels), -1).any(axis=1))
    real = np.random.default_rng(options.seed).choice(labelled, len(shown), replace=False)
    real_images, real_labels = parts["train"].read(real)
    images = np.stack([real_images, drawn[shown]], axis=1).reshape(-1, *drawn.shape[1:])
    maps = np.stack([real_labels, labels[shown]], axis=1).reshape(-1, *labels.shape[1:])
    colour = slices.dataset.colour
    write_grid(options.stem.with_suffix(".png"), images, maps, columns=2, colour=colour)

    nearest = nearest_training_images(drawn, parts["train"])
    found_images, found_labels = parts["train"].read(nearest.positions[shown])
    images = np.stack([drawn[shown], found_images], axis=1).reshape(-1, *drawn.shape[1:])
    maps = np.stack([labels[shown], found_labels], axis=1).reshape(-1, *labels.shape[1:])
    write_grid(options.stem.with_name(f"{options.stem.stem}-nearest.png"), images, maps, columns=2, colour=colour)
    held_out = parts["validation"].read(np.arange(min(256, len(parts["validation"]))))[0]
    yardstick = nearest_training_images(held_out, parts["train"])
    for name, distances in (("generated", nearest.distances), ("held-out real", yardstick.distances)):
        low, middle = np.percentile(distances, [1, 50])
        print(
            f"{name}: root-mean-square distance to the nearest training image, 1st percentile {low:.4f}, median {middle:.4f}"
        )


if __name__ == "__main__":
    main()
