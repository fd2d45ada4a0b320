"""A segmenter trained alongside a painter on real pairs, which reads the painted images back."""

from __future__ import annotations

import torch
from torch import Tensor

from segmint.networks.mask_reader import MaskReader
from segmint.recipes.contract import Batch, Update

_RATE = 0.002


def reader_optimizer(reader: MaskReader) -> torch.optim.Optimizer:
    """AdamW."""
    return torch.optim.AdamW(reader.parameters(), lr=_RATE, fused=True)


def reader_turn(reader: MaskReader, batch: Batch, update: Update) -> dict[str, Tensor]:
    """One step on real pairs; what to log."""
    with update.autocast():
        logits = reader(batch.images)
    loss = reader.loss(logits, batch.masks)
    update("reader", loss)
    return {"dice_and_cross_entropy": loss.detach()}


def reading_loss(reader: MaskReader, images: Tensor, masks: Tensor, update: Update) -> Tensor:
    """How far what is read in painted images lies from their masks; the reader itself gets no gradient."""
    reader.requires_grad_(False)
    with update.autocast():
        logits = reader(images)
    loss = reader.loss(logits, masks)
    reader.requires_grad_(True)
    return loss
