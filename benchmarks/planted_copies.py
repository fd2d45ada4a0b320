"""Does the privacy audit find copies? Training images, transformed, are planted in a synthetic set.

Usage: python benchmarks/planted_copies.py REAL SYNTH [--images N] [--copies N] [--size N] [--seed S] [--deals N]

The audit's threshold comes from one part of the held-out subjects; printed are its false-positive rate on the other part,
for each transformation the share of planted copies above the threshold (recall) and the share whose own training
image was named, the bound of the excess of copies of such kinds in the set as it is, given that recall, and what the audit says
of the set with 5% of its images replaced by copies of all kinds. One deal of the held-out subjects leaves few of them on either
side, so false positives and recall are also averaged over many deals.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from segmint.evaluation.chosen import Chosen
from segmint.evaluation.copy_rates import Comparison, Nearness, compare_nearness
from segmint.evaluation.evidence import open_evidence
from segmint.metrics.excess_share import bound_with_recall
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
    parser.add_argument("--deals", type=int, default=200, help="of the held-out subjects to the two parts")
    options = parser.parse_args()
    console = Console(width=120, highlight=False)
    evidence = open_evidence(options.real, options.synthetic, holdout=None, size=options.size, axis=None, device="cpu")
    if evidence.holdout is None:
        parser.error(f"{options.real} has no subjects that did not train: there is nothing to set a threshold on")
    generator = np.random.default_rng(options.seed)
    training = evidence.training
    made, held = (_some(one, options.images, generator) for one in (evidence.synthetic, evidence.holdout))
    start = time.process_time()
    search = CopySearch(training.slices.images, training.indices, _units(training))
    host, new = (search.nearest(one.slices.images, one.indices).evidence for one in (made, held))
    seconds = time.process_time() - start
    nearness = Nearness(new, _units(held))
    plain = compare_nearness(host, nearness, seed=options.seed)
    if plain is None:
        parser.error(f"{options.real} has {len(new)} held-out images, too few for a threshold")
    console.print(
        f"{training.slices.dataset.name}, {options.size} px: {len(training.indices)} training images of"
        f" {len(set(training.subjects))} subjects; {len(new)} held-out images of {len(set(held.subjects))}. {len(host)} synthetic"
        f" and {len(new)} held-out images took {seconds:.0f} s of one core."
    )
    base, above = plain.false_positives, plain.copies
    console.print(
        f"False positives on the second part: {base.hits} of {base.total} images of {plain.measured_on[1]} subjects"
        f" ({100 * base.value:.2f}%, at most {100 * base.high:.2f}%); of the synthetic set as it is {above.hits} of"
        f" {above.total} count as copies."
    )
    spread = np.array([training.slices.images[i].std(axis=(1, 2)).mean() for i in training.indices])
    full = spread >= np.median(spread) / 2
    console.print(
        f"{int((~full).sum())} of {len(full)} training images hold little: less than half the median standard deviation."
    )
    table = Table("transformation", "recall", "of those that hold more", "own image named", "lowest similarity")
    planted, shown = [], []
    for name, transformation in TRANSFORMATIONS.items():
        chosen = generator.choice(len(training.indices), min(options.copies, len(training.indices)), replace=False)
        images = np.asarray(training.slices.images[training.indices[chosen]], dtype=np.float64)
        copies = np.stack([transformation(image, generator) for image in images]).astype(np.float32)
        found = search.nearest(copies, np.arange(len(copies)))
        planted.append(found.evidence)
        shown.append(full[chosen])
        named, lowest = f"{(found.positions == chosen).mean():.3f}", f"{found.similarity.min():.3f}"
        recalls = _recalls(found.evidence, shown[-1], nearness, seed=options.seed)
        table.add_row(name, *recalls, named, lowest)
    table.add_row(
        "together", *_recalls(np.concatenate(planted), np.concatenate(shown), nearness, seed=options.seed), "", ""
    )
    console.print(table)
    console.print(_bounded(plain, np.concatenate(planted), nearness, seed=options.seed))
    together, whole = np.concatenate(planted), np.concatenate(shown)
    console.print(_over_deals(together, whole, nearness, range(options.seed, options.seed + options.deals)))
    console.print(_mixed(host, np.concatenate(planted), nearness, generator, seed=options.seed))


def _some(chosen: Chosen, count: int, generator: np.random.Generator) -> Chosen:
    picked = np.sort(generator.permutation(len(chosen.indices))[:count])
    return Chosen(chosen.slices, chosen.indices[picked])


def _units(chosen: Chosen) -> NDArray[np.int64]:
    return np.unique(chosen.subjects, return_inverse=True)[1].astype(np.int64)


def _recalls(copies: NDArray[np.float64], full: NDArray[np.bool_], held: Nearness, *, seed: int) -> list[str]:
    """Of all copies, and of those of images that hold more than little."""
    compared = compare_nearness(copies, held, seed=seed)
    assert compared is not None
    found = compared.scores > compared.threshold
    return [f"{found.mean():.3f} of {len(found)}", f"{found[full].mean():.3f} of {int(full.sum())}"]


def _over_deals(copies: NDArray[np.float64], full: NDArray[np.bool_], held: Nearness, seeds: range) -> str:
    """Means over deals of the held-out subjects: false positives on the second part, and recall of all copies."""
    found, false = [], []
    for seed in seeds:
        compared = compare_nearness(copies, held, seed=seed)
        assert compared is not None
        found.append(compared.scores > compared.threshold)
        false.append(compared.false_positives.value)
    recall = np.mean(found, axis=0)
    return (
        f"Over {len(seeds)} deals of the held-out subjects: false positives {100 * np.mean(false):.2f}% on average, recall"
        f" {recall.mean():.3f}, {recall[full].mean():.3f} of images that hold more than little."
    )


def _bounded(plain: Comparison, copies: NDArray[np.float64], held: Nearness, *, seed: int) -> str:
    """The most copies of these kinds there are, with what is missed of them."""
    compared = compare_nearness(copies, held, seed=seed)
    assert compared is not None
    high = plain.excess.high
    recognised, there = 100 * max(high, 0), 100 * bound_with_recall(high, compared.copies)
    return (
        f"Excess copies that the search recognises: at most {recognised:.1f}%; with the recall of all these kinds of"
        f" {compared.copies.low:.3f} at least there are at most {there:.1f}%."
    )


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
    compared = compare_nearness(mixed, held, seed=seed)
    assert compared is not None
    excess = compared.excess
    return (
        f"With {count} of {len(host)} replaced by copies of all kinds: {compared.copies.hits} count as copies, excess"
        f" {100 * excess.value:.1f}% ({100 * excess.low:.1f}% to {100 * excess.high:.1f}%)."
    )


if __name__ == "__main__":
    main()
