"""Does alignment fall as masks are moved off their images? With reference segmenters trained for real.

Usage: python benchmarks/planted_misalignment.py REAL [--size N] [--steps N] [--batch B] [--seeds N] [--shifts N ...]

Segmenters learn from each half of the training subjects, as for `segmint evaluate --alignment`. Of the subjects that did
not train one half takes the place of a synthetic set, whose masks are shifted by some pixels in one of four directions, or
changed between images; the other half is the yardstick. Printed is the ratio of Dice for each shift with its interval, the
finding that it raises, and whether each shift lowers the ratio further. A seed deals the subjects, trains, and draws the
directions.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.data.dataset import open_dataset
from segmint.data.pool import PoolPart
from segmint.data.slices import SliceSet, open_slices
from segmint.evaluation.alignment import Agreement, compare_agreement, measure_agreement, together
from segmint.evaluation.alignment_findings import alignment_findings
from segmint.evaluation.budget import BATCH, default_steps
from segmint.evaluation.chosen import Chosen
from segmint.reference.cross_fitted import Fitted, cross_fitted_segmenters

SHIFTS = (0, 1, 2, 4, 8)
SWAPPED = "masks of other images"

Masks = NDArray[np.uint8]


def main() -> None:
    """Train, plant, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("real", type=Path)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--steps", type=int, help="of each segmenter; default: by size, as for evaluate")
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--shifts", type=int, nargs="+", default=SHIFTS, help="in pixels of the grid, ascending")
    options = parser.parse_args()
    dataset = open_dataset(options.real)
    if dataset.split is None or len({*dataset.split.validation, *dataset.split.test}) < 4:
        parser.error(f"{options.real} has no split that leaves out at least four subjects: see segmint data split")
    slices = open_slices(dataset, size=options.size)
    steps = default_steps(options.size) if options.steps is None else options.steps
    print(f"{dataset.name}, {options.size} px, {steps} steps of {options.batch} for each of two segmenters.")
    for seed in range(options.seeds):
        start = time.process_time()
        fitted = cross_fitted_segmenters(
            PoolPart(slices, slices.indices(dataset.split.train)),
            None,
            seed=seed,
            steps=steps,
            batch=options.batch,
            device="cpu",
        )
        print(f"\nSeed {seed}; trained or read in {time.process_time() - start:.0f} s of one core.\n")
        planted, yardstick = deal([*dataset.split.validation, *dataset.split.test], slices, seed=seed)
        print(table(compare(planted, yardstick, fitted, shifts=options.shifts, seed=seed)), flush=True)


def deal(subjects: Sequence[str], slices: SliceSet, *, seed: int) -> tuple[Chosen, Chosen]:
    """The slices of two halves of the subjects."""
    order = np.random.default_rng(seed).permutation(sorted(set(subjects))).tolist()
    first, second = (Chosen(slices, slices.indices(half)) for half in (order[::2], order[1::2]))
    return first, second


def compare(
    planted: Chosen, yardstick: Chosen, fitted: Sequence[Fitted], *, shifts: Sequence[int], seed: int
) -> dict[str, dict[str, Any]]:
    """For each shift, then for swapped masks: as `compare_agreement`, with `findings`, how many there are."""
    generator, masks = np.random.default_rng(seed), np.asarray(planted.slices.labels[planted.indices])
    changed = {f"{pixels} px": shifted(masks, pixels, generator) for pixels in shifts}
    changed[SWAPPED] = swapped(masks, generator)
    held, found = _seen(fitted, yardstick), {}
    for name, labels in changed.items():
        compared = compare_agreement(_seen(fitted, _with(planted, labels)), held, label_names=_label_names(planted))
        found[name] = compared | {"findings": len(alignment_findings(compared))}
    return found


def shifted(masks: Masks, pixels: int, generator: np.random.Generator) -> Masks:
    """Masks [n, S, S], each moved by so many pixels up, down, left or right, background behind it."""
    moved = np.zeros_like(masks)
    for mask, target, way in zip(masks, moved, generator.integers(4, size=len(masks)), strict=True):
        rest = len(mask) - pixels
        # Turned by quarters there and back, so that one direction stands for all.
        np.rot90(target, way)[pixels:] = np.rot90(mask, way)[:rest]
    return moved


def swapped(masks: Masks, generator: np.random.Generator) -> Masks:
    """Masks [n, S, S], each given to another image."""
    order, changed = generator.permutation(len(masks)), np.empty_like(masks)
    changed[order] = masks[np.roll(order, 1)]
    return changed


def _with(chosen: Chosen, masks: Masks) -> Chosen:
    """The same slices with other masks."""
    slices = copy.copy(chosen.slices)
    labels = np.array(slices.labels)
    labels[chosen.indices] = masks
    slices.labels = labels
    return Chosen(slices, chosen.indices)


def _seen(fitted: Sequence[Fitted], chosen: Chosen) -> Agreement:
    return together([measure_agreement(one.segmenter, chosen) for one in fitted])


def _label_names(chosen: Chosen) -> Sequence[str]:
    return chosen.slices.dataset.label_names


def table(found: dict[str, dict[str, Any]]) -> str:
    """In Markdown, and a line that says whether the ratios fall in order."""
    labels = list(next(iter(found.values()))["labels"])
    dice = next(iter(found.values()))["mean"]["holdout"]
    lines = [
        f"Held-out Dice {dice['dice']:.3f} ({dice['interval'][0]:.3f} to {dice['interval'][1]:.3f}).",
        "",
        f"| masks moved by | ratio, mean over labels | {' | '.join(labels)} | called off the images |",
        f"|---|---|{'---|' * len(labels)}---|",
    ]
    for name, one in found.items():
        cells = [_cell(part["ratio"]) for part in (one["mean"], *one["labels"].values())]
        lines.append(f"| {name} | {' | '.join(cells)} | {'yes' if one['findings'] else 'no'} |")
    moved = [one["mean"]["ratio"]["value"] for name, one in found.items() if name != SWAPPED]
    falls, below = bool((np.diff(moved) < 0).all()), found[SWAPPED]["mean"]["ratio"]["value"] < moved[0]
    lines += [
        "",
        f"Each shift lowers the mean ratio: {'yes' if falls else 'NO'}; swapping does: {'yes' if below else 'NO'}.",
    ]
    return "\n".join(lines)


def _cell(ratio: dict[str, Any]) -> str:
    low, high = ratio["interval"]
    return f"{ratio['value']:.2f}" + ("" if math.isnan(low) else f" ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
