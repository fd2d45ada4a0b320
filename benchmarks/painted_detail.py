"""Do painted images lack detail? A recipe as published beside the repaired one, over seeds.

python benchmarks/painted_detail.py DATASET --out DIR --recipe em-pix2pix

Trains both presets under several seeds on the training images, and prints for each the sliced Wasserstein distance of
pairs painted for validation masks to the validation pairs (the last in `log.jsonl`), and the power that images painted
for deformed training masks hold above a quarter cycle a pixel, in decibel above (below 0: under) that of real test
images; beside it the same of the real training images. A stopped call goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import segmint
from segmint.data.dataset import open_dataset
from segmint.data.slices import open_slices
from segmint.metrics.power_spectrum import high_frequency_excess, radial_power, spectrum_difference
from segmint.training.run_folder import RunFolder

_PRESETS = ("faithful", "repaired")


def main() -> None:
    """A line a training, then one a preset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder that keeps runs and painted sets")
    parser.add_argument("--recipe", default="em-pix2pix")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--kimg", type=float, default=2.0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--n", type=int, default=60, help="images painted")
    given = parser.parse_args()
    dataset = open_dataset(given.dataset)
    assert dataset.split is not None, "segmint data split first"
    slices = open_slices(dataset, size=given.size)
    training, real = (
        _spectrum(slices.images[slices.indices(part)]) for part in (dataset.split.train, dataset.split.test)
    )
    print(f"{given.dataset.name}, {given.size} px, {given.recipe}, {given.kimg:g} kimg, {given.n} painted")
    print(f"real training images against real test images: {_compared(training, real, given.size)[2]}")
    for preset in _PRESETS:
        found = []
        for seed in range(given.seeds):
            distance, spectrum = _one(given, preset, seed)
            excess, difference, words = _compared(spectrum, real, given.size)
            found.append((distance, excess, difference))
            print(f"{preset}, seed {seed}: distance {distance:.3f}, {words}", flush=True)
        lows, means, highs = np.min(found, axis=0), np.mean(found, axis=0), np.max(found, axis=0)
        names = ("distance", "high frequencies, dB", "whole spectrum, dB")
        shown = [
            f"{name} {mean:.3f} ({low:.3f} to {high:.3f})"
            for name, low, mean, high in zip(names, lows, means, highs, strict=True)
        ]
        print(f"{preset}, {given.seeds} seeds: {'; '.join(shown)}", flush=True)


def _one(given: argparse.Namespace, preset: str, seed: int) -> tuple[float, NDArray[np.float64]]:
    """Distance after the last step, and the spectrum [R] of what is painted."""
    run, painted = given.out / f"{preset}-seed{seed}", given.out / f"{preset}-seed{seed}-painted"
    if not (run / "config.json").is_file() or RunFolder(run).status != "done":
        segmint.train(
            given.recipe,
            given.dataset,
            out=run,
            size=given.size,
            kimg=given.kimg,
            preset=preset,
            mask_source="deformed",
            seed=seed,
            resume=(run / "config.json").is_file(),
            progress=False,
        )
    if not painted.exists():
        segmint.sample(run, n=given.n, seed=seed, out=painted)
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    distance = next(line["validation"]["value"] for line in reversed(lines) if line["validation"])
    return float(distance), _spectrum(open_slices(open_dataset(painted), size=given.size).images)


def _spectrum(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean over images and channels: [R]."""
    return radial_power(images).mean(axis=(0, 1))


def _compared(spectrum: NDArray[np.float64], real: NDArray[np.float64], size: int) -> tuple[float, float, str]:
    excess, difference = high_frequency_excess(spectrum, real, side=size), spectrum_difference(spectrum, real)
    return excess, difference, f"high frequencies {excess:+.1f} dB, whole spectrum off by {difference:.1f} dB"


if __name__ == "__main__":
    main()
