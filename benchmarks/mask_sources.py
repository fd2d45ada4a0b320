"""Masks of every source beside real ones: how many, how alike, how near, of what shape.

python benchmarks/mask_sources.py DATASET [RUN ...] --size 128

Draws masks from the training masks of DATASET by deforming them, with and without the screen of `segmint sample
--screen-masks`, and from each RUN of a recipe that draws masks, trained on DATASET at that size. Held-out real masks
(validation and test subjects) are the yardstick. Dice: median / 99th percentile.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from segmint.data.conditioned_pool import ConditionedPool
from segmint.data.dataset import open_dataset
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import open_slices
from segmint.evaluation.mask_comparison import compare_masks
from segmint.evaluation.mask_set import MaskSet
from segmint.metrics.mask_shape import MEASURES
from segmint.recipes.contract import MaskStage
from segmint.synthesis.mask_source import DeformedMasks, GeneratedMasks, MaskSource, RealMasks
from segmint.synthesis.opened_run import OpenedRun
from segmint.synthesis.screened_masks import ScreenedMasks, yardstick_of


def main() -> None:
    """Draw, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("runs", type=Path, nargs="*")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", default="last")
    given = parser.parse_args()
    dataset = open_dataset(given.dataset)
    assert dataset.split is not None, "segmint data split first"
    slices = open_slices(dataset, size=given.size)
    pool = ConditionedPool(PairPool([PoolPart(slices, slices.indices(dataset.split.train))]))
    real = MaskSet(pool.read_masks(np.arange(len(pool)))[:, 0], pool.pool.subjects)
    others = PairPool([PoolPart(slices, slices.indices([*dataset.split.validation, *dataset.split.test]))])
    print(
        f"{dataset.name}, {given.size} px: {len(real)} training masks of {real.subject_count} subjects, {len(others)} held out of"
        f" {len(set(others.subjects))}; {given.n} drawn, seed {given.seed}"
    )
    names = dataset.label_names
    _print("held-out real", MaskSet(others.read(np.arange(len(others)))[1], others.subjects), real, names)
    deformed = DeformedMasks(RealMasks(pool))
    sources: dict[str, MaskSource] = {
        "deformed": deformed,
        "deformed, screened": ScreenedMasks(deformed, yardstick_of(pool)),
    }
    for run in given.runs:
        opened = OpenedRun.at(run, checkpoint=given.checkpoint, device="cpu")
        stage, _, shown = opened.stage(opened.parts[0], (MaskStage,))
        assert isinstance(stage, MaskStage)
        name = f"{run.name} ({opened.config['recipe']}, {opened.config['preset']}, {shown / 1000:g} kimg)"
        sources[name] = GeneratedMasks(stage, opened.parts[0].task.mask_counts)
    for name, source in sources.items():
        drawn = source.draw(range(given.n), given.seed)[:, 0]
        _print(name, MaskSet(drawn, [f"drawn {number}" for number in range(given.n)]), real, names)


def _print(name: str, drawn: MaskSet, real: MaskSet, label_names: tuple[str, ...]) -> None:
    found = compare_masks(drawn, real, label_names=label_names)
    distinct, pairs, nearest = found["distinct"], found["pairwise"], found["nearest"]
    if nearest["drawn"] is None:
        print(f"{name}: all masks are empty", flush=True)
        return
    print(f"{name}: {distinct['beyond_dice']} of {distinct['masks']} distinct", end="")
    if pairs is not None:
        print(f"; pairwise Dice {_spread(pairs['drawn'])} (real {_spread(pairs['real'])})", end="")
    print(
        f"; nearest training mask {_spread(nearest['drawn'])}, at most {nearest['drawn']['highest']:.2f} (real"
        f" {_spread(nearest['real'])}, at most {nearest['real']['highest']:.2f})"
    )
    for label, measures in found["labels"].items():
        inside = [f"{words.replace('_', ' ')} {measures[words]['inside']:.0%}" for words in MEASURES if measures[words]]
        print(f"  {label} inside the real range: {', '.join(inside)}", flush=True)


def _spread(one: dict[str, float]) -> str:
    return f"{one['median']:.2f} / {one['percentile_99']:.2f}"


if __name__ == "__main__":
    main()
