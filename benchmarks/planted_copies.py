"""Does the privacy audit find copies? Training images, transformed, are planted in a synthetic set.

Usage: python benchmarks/planted_copies.py REAL SYNTH [--images N] [--copies N] [--size N] [--seed S]

The audit's threshold comes from one part of the held-out subjects; printed are its false-positive rate on the other part,
for each transformation the share of planted copies above the threshold (recall) and the share whose own training
image was named, and what the audit says of the set with 5% of its images replaced by copies of all kinds.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from segmint.evaluation.copy_rates import Nearness, compare_nearness
from segmint.evaluation.evidence import Chosen, open_evidence
from segmint.reference.copies import CopySearch
from transformations import TRANSFORMATIONS

PLANTED = 0.05


def main() -> None:
    """Search, plant, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("real", type=Path)
    parser.add_argument("synthetic", type=Path)
    parser.add_argument("--images", type=int, default=400, help="synthetic and held-out images looked at")
    parser.add_argument("--copies", type=int, default=40, help="planted for each transformation")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    console = Console(width=120, highlight=False)
    evidence = open_evidence(options.real, options.synthetic, holdout=None, size=options.size, axis=None, device="cpu")
    if evidence.holdout is None:
        parser.error(f"{options.real} has no subjects that did not train: there is nothing to set a threshold on")
    generator = np.random.default_rng(options.seed)
    training = evidence.training
    made, held = (_some(one, options.images, generator) for one in (evidence.synthetic, evidence.holdout))
    start = time.process_time()
    search = CopySearch(training.slices.images, training.indices)
    host, new = (search.nearest(one.slices.images, one.indices).similarity for one in (made, held))
    seconds = time.process_time() - start
    nearness = Nearness(new, np.unique(held.subjects, return_inverse=True)[1])
    plain = compare_nearness(host, nearness, seed=options.seed)
    threshold = plain["threshold"]
    if threshold is None:
        parser.error(f"{options.real} has {len(new)} held-out images, too few for a threshold")
    console.print(
        f"{training.slices.dataset.name}, {options.size} px: {len(training.indices)} training images of"
        f" {len(set(training.subjects))} subjects; {len(new)} held-out images of {len(set(held.subjects))}. {len(host)} synthetic"
        f" and {len(new)} held-out images took {seconds:.0f} s of one core."
    )
    base = plain["false_positives"]
    console.print(
        f"Threshold {threshold:.3f}; false positives on the second part: {base['count']} of"
        f" {plain['measured_on']['images']} images of {plain['measured_on']['subjects']} subjects"
        f" ({100 * base['share']:.2f}%, at most {100 * base['interval'][1]:.2f}%); synthetic set as it is:"
        f" {plain['copies']['count']} of {len(host)} above."
    )
    table = Table("transformation", "recall", "own image named", "lowest similarity", title_justify="left")
    planted = []
    for name, transformation in TRANSFORMATIONS.items():
        chosen = generator.choice(len(training.indices), min(options.copies, len(training.indices)), replace=False)
        images = np.asarray(training.slices.images[training.indices[chosen]], dtype=np.float64)
        copies = np.stack([transformation(image, generator) for image in images]).astype(np.float32)
        found = search.nearest(copies, np.arange(len(copies)))
        planted.append(found.similarity)
        table.add_row(name, *_shares(found.similarity, threshold, found.positions == chosen))
    table.add_row("together", *_shares(np.concatenate(planted), threshold, None))
    console.print(table)
    console.print(_mixed(host, np.concatenate(planted), nearness, generator, seed=options.seed))


def _some(chosen: Chosen, count: int, generator: np.random.Generator) -> Chosen:
    picked = np.sort(generator.permutation(len(chosen.indices))[:count])
    return Chosen(chosen.slices, chosen.indices[picked])


def _shares(similarity: NDArray[np.float64], threshold: float, own: NDArray[np.bool_] | None) -> list[str]:
    named = "" if own is None else f"{own.mean():.3f}"
    return [f"{(similarity > threshold).mean():.3f}", named, f"{similarity.min():.3f}"]


def _mixed(
    host: NDArray[np.float64],
    planted: NDArray[np.float64],
    held: Nearness,
    generator: np.random.Generator,
    *,
    seed: int,
) -> str:
    """What the audit says of the set with 5% of it replaced."""
    mixed, count = host.copy(), max(1, round(PLANTED * len(host)))
    mixed[:count] = generator.choice(planted, count, replace=False)
    section = compare_nearness(mixed, held, seed=seed)
    low, high = section["excess"]["interval"]
    return (
        f"With {count} of {len(host)} replaced by copies of all kinds: {section['copies']['count']} above the threshold, excess"
        f" {100 * section['excess']['share']:.1f}% ({100 * low:.1f}% to {100 * high:.1f}%)."
    )


if __name__ == "__main__":
    main()
