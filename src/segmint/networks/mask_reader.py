"""Segmenter that reads masks in images, to hold painted images against the masks they were painted for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

WIDTH, LEVELS = 16, 4


class MaskReader(nn.Module):
    """Residual U-Net [Ronneberger 2015; Kerfoot 2018] with an output for every id of every mask.

    Args:
        channels: of the images; mask_counts: ids of the label map, then of each condition map; size: side in pixels.
    """

    def __init__(self, channels: int, mask_counts: Sequence[int], size: int) -> None:
        super().__init__()
        from monai.losses.dice import DiceCELoss
        from monai.networks.nets.unet import UNet

        self.mask_counts = tuple(mask_counts)
        # No more halvings than the side allows.
        levels = max(2, min(LEVELS, (size & -size).bit_length()))
        self.network = UNet(
            spatial_dims=2,
            in_channels=channels,
            out_channels=sum(mask_counts),
            channels=[WIDTH * 2**level for level in range(levels)],
            strides=[2] * (levels - 1),
            num_res_units=1,
        )
        self._loss = DiceCELoss(softmax=True, to_onehot_y=True, include_background=False, batch=True)

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] in [-1, 1] -> logits [N, sum of ids, H, W]."""
        logits: Tensor = self.network(images.contiguous(memory_format=torch.channels_last))
        return logits

    def loss(self, logits: Tensor, masks: Tensor) -> Tensor:
        """Dice loss and cross-entropy [Isensee 2021], mean over the masks.

        Args:
            logits: [N, sum of ids, H, W]; masks: [N, M, H, W] ids.
        """
        parts = torch.split(logits.float(), list(self.mask_counts), dim=1)
        terms = [self._loss(part, masks[:, number, None]) for number, part in enumerate(parts)]
        return torch.stack(terms).mean()
