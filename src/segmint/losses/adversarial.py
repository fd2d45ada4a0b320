"""Non-saturating logistic loss [Goodfellow 2014, section 3] in the softplus form of [Karras 2019]."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def generator_logistic(fake_logits: Tensor) -> Tensor:
    """-log sigmoid(D(fake)), mean over the batch [N]."""
    return F.softplus(-fake_logits).mean()


def discriminator_logistic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log sigmoid(D(real)) - log(1 - sigmoid(D(fake))), means over the batches."""
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
