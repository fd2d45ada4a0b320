"""What is looked at while an encoder learns to reconstruct: its Dice if it segments, and images beside what it finds for them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from segmint.data.conditioned_pool import ConditionedPool
from segmint.metrics.reconstruction import DIRECTION, EXPLAINED, explained_variance
from segmint.recipes.contract import ImageReconstructingStage, Measurement, ReconstructingStage, Stage
from segmint.training.examination import segmenter_examiner
from segmint.training.inversion_examination import COLUMNS, SIDE, Pixels, write_strips
from segmint.training.loop import Examination, Examiner
from segmint.training.previews import PreviewFolder, overlay, shown_channels

ROWS = 6


def reconstruction_examiner(validation: ConditionedPool, *, previews: PreviewFolder, device: str) -> Examiner:
    """Examiner of a segmenter that reconstructs: Dice, and a picture of validation slices.

    Each strip shows an image, its reconstruction, the true labels on the image, and the labels found on the image.
    """
    dice = segmenter_examiner(validation, device=device)
    images, labels = _shown(validation)

    def examine(stage: Stage, images_shown: int) -> Examination:
        assert isinstance(stage, ReconstructingStage)
        made, probabilities = stage.reconstructed(torch.from_numpy(images).to(device))
        arrays = (images, made.cpu().numpy(), labels, probabilities.argmax(dim=1).cpu().numpy())
        strips = []
        for image, rebuilt, truth, found in zip(*arrays, strict=True):
            real, ours = (shown_channels(one, colour=validation.colour) for one in (image, rebuilt))
            nothing = np.zeros_like(truth)
            strips.append([overlay(real, nothing), overlay(ours, nothing), overlay(real, truth), overlay(real, found)])
        _write(previews, images_shown, strips)
        return dice(stage, images_shown)

    return examine


def image_reconstruction_examiner(validation: ConditionedPool, *, previews: PreviewFolder, device: str) -> Examiner:
    """Examiner of an encoder: median share of validation images' variance that reconstructions explain, and a picture of both."""
    images, _ = _shown(validation)

    def examine(stage: Stage, images_shown: int) -> Examination:
        assert isinstance(stage, ImageReconstructingStage)
        made = stage.reconstructed_images(torch.from_numpy(images).to(device)).cpu()
        pairs = [
            [shown_channels(one, colour=validation.colour) for one in pair]
            for pair in zip(images, made.numpy(), strict=True)
        ]
        nothing = np.zeros(images.shape[2:], dtype=np.int64)
        _write(previews, images_shown, [[overlay(one, nothing) for one in pair] for pair in pairs])
        share = float(explained_variance(torch.from_numpy(images), made).median())
        return Examination(Measurement(EXPLAINED, share, DIRECTION))

    return examine


def _shown(validation: ConditionedPool) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Validation slices, those with labels in them if there are any."""
    spread = np.unique(np.linspace(0, len(validation) - 1, 10 * ROWS * COLUMNS).astype(np.int64))
    labelled = spread[validation.read(spread)[1].any(axis=(1, 2))]
    chosen = labelled if len(labelled) else spread
    return validation.read(chosen[:: max(1, len(chosen) // (ROWS * COLUMNS))][: ROWS * COLUMNS])


def _write(previews: PreviewFolder, images_shown: int, strips: list[list[Pixels]]) -> None:
    joined = [np.concatenate(parts, axis=1) for parts in strips]
    scale = max(1, SIDE // len(joined[0]))
    enlarged = [one.repeat(scale, axis=0).repeat(scale, axis=1) for one in joined]
    write_strips(previews.picture("reconstructions", images_shown), enlarged)
