"""What is looked at while a segmenter learns to reconstruct: its Dice, and images beside what it finds for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from segmint.data.conditioned_pool import ConditionedPool
from segmint.recipes.contract import ReconstructingStage, Stage
from segmint.training.examination import segmenter_examiner
from segmint.training.inversion_examination import COLUMNS, SIDE, write_strips
from segmint.training.loop import Examination, Examiner
from segmint.training.previews import overlay, shown_channels

ROWS = 6


def reconstruction_examiner(validation: ConditionedPool, *, previews: Path, device: str) -> Examiner:
    """Examiner of a segmenter that reconstructs: Dice, and a picture of validation slices.

    Each strip shows an image, its reconstruction, the true labels on the image, and the labels found on the image.
    """
    dice = segmenter_examiner(validation, device=device)
    # Slices with labels in them, if there are any.
    spread = np.unique(np.linspace(0, len(validation) - 1, 10 * ROWS * COLUMNS).astype(np.int64))
    labelled = spread[validation.read(spread)[1].any(axis=(1, 2))]
    chosen = labelled if len(labelled) else spread
    images, labels = validation.read(chosen[:: max(1, len(chosen) // (ROWS * COLUMNS))][: ROWS * COLUMNS])

    def examine(stage: Stage, images_shown: int) -> Examination:
        assert isinstance(stage, ReconstructingStage)
        made, probabilities = stage.reconstructed(torch.from_numpy(images).to(device))
        arrays = (images, made.cpu().numpy(), labels, probabilities.argmax(dim=1).cpu().numpy())
        strips = []
        for image, rebuilt, truth, found in zip(*arrays, strict=True):
            real, ours = (shown_channels(one, colour=validation.colour) for one in (image, rebuilt))
            nothing = np.zeros_like(truth)
            shown = (overlay(real, nothing), overlay(ours, nothing), overlay(real, truth), overlay(real, found))
            scale = max(1, SIDE // len(truth))
            strips.append(np.concatenate(shown, axis=1).repeat(scale, axis=0).repeat(scale, axis=1))
        write_strips(previews / f"reconstructions_{images_shown // 1000:06d}.png", strips)
        return dice(stage, images_shown)

    return examine
