"""What does optimising the latent do to semanticgan's masks, the more or less it is held to the encoder's?

Usage: python benchmarks/latent_inference.py RUN [--slices N] [--weights W,W,...]

RUN is a finished run of semanticgan. Printed are Dice of each label over all pixels of validation slices, and the mean squared
error of the reconstructed images, for the encoder alone and for each `inference_encoder_weight`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from segmint.data.slices import open_slices
from segmint.metrics.dice import dice, overlap_counts
from segmint.recipes.latent_segmenter import EncoderStage
from segmint.synthesis.opened_run import OpenedRun

BATCH = 32


def main() -> None:
    """Segment with each weight, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--slices", type=int, default=90, help="validation slices, spread evenly")
    parser.add_argument("--weights", default="0.001,1,3,10", help="of the distance to the encoder's latent")
    given = parser.parse_args()
    run = OpenedRun.at(given.run, checkpoint="auto", device="cpu")
    stage = run.segmenter_stage()
    if not isinstance(stage, EncoderStage):
        raise SystemExit(f"{given.run} is no run of semanticgan")
    slices = open_slices(run.dataset(), size=run.config["size"], axis=run.config["axis"])
    indices = slices.indices(run.config["split"]["validation"])
    indices = indices[np.linspace(0, len(indices) - 1, min(given.slices, len(indices))).round().astype(int)]
    images = torch.from_numpy(np.array(slices.images[indices]))
    settings = stage.settings
    print(f"{len(indices)} validation slices, {settings.inference_steps} steps", flush=True)
    for weight in (None, *(float(one) for one in given.weights.split(","))):
        changed = {"inference_steps": 0} if weight is None else {"inference_encoder_weight": weight}
        stage.settings = settings.model_copy(update=changed)
        labels, error = segmented(stage, images)
        counts = overlap_counts(labels, slices.labels[indices], label_count=stage.task.label_count)
        shown = ", ".join(
            f"{name} {value:.3f}" for name, value in zip(run.dataset().label_names, dice(counts), strict=True)
        )
        print(f"{'encoder alone' if weight is None else f'weight {weight:g}'}: {shown}; error {error:.4f}", flush=True)


@torch.no_grad()
def segmented(stage: EncoderStage, images: Tensor) -> tuple[Tensor, float]:
    """Ids [N, S, S] of images [N, C, S, S], and the mean squared error of their reconstructions."""
    ids, errors = [], []
    for chunk in torch.split(images, BATCH):
        styles, noise = stage.optimised(chunk)
        made, logits = stage.synthesised(styles, noise)
        ids.append(logits.argmax(dim=1))
        errors.append((made - chunk).square().mean(dim=(1, 2, 3)))
    return torch.cat(ids), float(torch.cat(errors).mean())


if __name__ == "__main__":
    main()
