"""Does datasetgan's interpreter lose by seeing a part of the pixels, and does its uncertainty find the pairs with wrong masks?

Usage: python benchmarks/interpreter_accuracy.py RUN [--images N] [--seeds N]

RUN is a finished run of datasetgan with `--set labels=oracle`, on a phantom: its segmenter stands for the truth. The interpreter
is trained anew, with the preset's pixels of each labelled image held at a time and with all of them; both are held against the
segmenter's labels of newly drawn images.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from segmint.metrics.dice import dice, overlap_counts
from segmint.recipes.contract import Gathered
from segmint.recipes.datasetgan import DatasetGANSettings, OracleLabels
from segmint.recipes.pixel_interpreter import InterpreterStage
from segmint.synthesis.opened_run import OpenedRun
from segmint.training.loop import LoopUpdate

BOOTSTRAPS, AT_ONCE = 10_000, 50


def main() -> None:
    """Train both, draw, compare, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--images", type=int, default=500, help="drawn to measure on")
    parser.add_argument("--seeds", type=int, default=3, help="of the interpreter's training")
    given = parser.parse_args()
    run = OpenedRun.at(given.run, checkpoint="auto", device="cpu")
    stage, _, _ = run.stage(run.parts[-1], (InterpreterStage,))
    assert isinstance(stage, InterpreterStage)
    if not isinstance(stage.source, OracleLabels) or not isinstance(stage.settings, DatasetGANSettings):
        raise SystemExit(f"{given.run} was not trained with --set labels=oracle")
    held, every = stage.settings.pixels_per_image, stage.task.size**2
    for pixels in (held, every):
        found = [
            measured(_trained(stage, run, pixels, seed), stage.source, given.images) for seed in range(given.seeds)
        ]
        ious = [iou for iou, _, _ in found]
        print(
            f"{pixels} of {every} pixels: mean IoU {np.mean(ious):.4f} ({min(ious):.4f} to {max(ious):.4f})", flush=True
        )
        if pixels == held:
            for seed, (_, errors, uncertainty) in enumerate(found):
                print(f"  seed {seed}: {dropped_and_kept(errors, uncertainty)}", flush=True)


def _trained(stage: InterpreterStage, run: OpenedRun, pixels: int, seed: int) -> InterpreterStage:
    settings = stage.settings.model_copy(update={"pixels_per_image": pixels})
    torch.manual_seed(seed)
    images = stage.source.images  # type: ignore[attr-defined]
    new = InterpreterStage(InterpreterStage.budget(stage.task, settings), settings, images, stage.source)
    new.build_optimizers()
    new.prepare(Gathered())
    new.train()
    images.eval()
    update = LoopUpdate(new, run.hardware, torch.Generator().manual_seed(seed), 1)
    for _ in range(settings.interpreter_steps):
        new.step({}, update)
    return new.eval()


@torch.no_grad()
def measured(
    stage: InterpreterStage, oracle: OracleLabels, count: int
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Of labels but the background: mean IoU (pixels of all images together), error by image, and uncertainty by image.

    The error is 1 - mean Dice, not a number where neither of the two sees a label. With the background, which is nearly always
    right, images without labels would have next to no error, and what is dropped would seem worse for holding any.
    """
    labels = stage.task.label_count
    overlap, errors, uncertainty = np.zeros((labels, 3)), [], []
    for start in range(0, count, AT_ONCE):
        # Beyond the seeds that the labelled images were drawn from.
        numbers = range(1_000_000 + start, 1_000_000 + min(start + AT_ONCE, count))
        generators = [torch.Generator().manual_seed(number) for number in numbers]
        images, shares, scores = stage.draw_scored(generators, truncation=oracle.truncation)
        truth = oracle.segmenter.probabilities(images).argmax(dim=1).numpy().astype(np.uint8)
        mine = shares.argmax(dim=1).numpy().astype(np.uint8)
        for one, other in zip(mine, truth, strict=True):
            counts = overlap_counts(one[None], other[None], label_count=labels)
            overlap += counts
            found = dice(counts)[1:]
            errors.append(np.nan if np.isnan(found).all() else 1 - float(np.nanmean(found)))
        uncertainty.extend(scores.tolist())
    hits, false_alarms, misses = overlap[1:].T
    return float(np.mean(hits / (hits + false_alarms + misses))), np.array(errors), np.array(uncertainty)


def dropped_and_kept(errors: NDArray[np.float64], uncertainty: NDArray[np.float64]) -> str:
    """Mean error of the least certain tenth and of the others, with a bootstrap interval of the difference over images.

    Of images with labels alone: that others are certain says nothing of their masks.
    """
    order = np.argsort(uncertainty, kind="stable")
    parts = np.split(errors[order], [len(order) - len(order) // 10])
    kept, dropped = (part[~np.isnan(part)] for part in parts)
    random = np.random.default_rng(0)
    differences = [
        random.choice(dropped, len(dropped)).mean() - random.choice(kept, len(kept)).mean() for _ in range(BOOTSTRAPS)
    ]
    low, high = np.percentile(differences, [2.5, 97.5])
    return (
        f"mask error (1 - mean Dice) of the dropped tenth {dropped.mean():.3f}, of the kept {kept.mean():.3f}, difference"
        f" {dropped.mean() - kept.mean():.3f} ({low:.3f} to {high:.3f}); labels in {len(dropped)} of {len(parts[1])} dropped and in"
        f" {len(kept)} of {len(parts[0])} kept"
    )


if __name__ == "__main__":
    main()
