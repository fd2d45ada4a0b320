"""Non-saturating logistic loss [Goodfellow 2014, section 3; softplus form of Karras 2019] and its relativistic pairing.

The relativistic one [Jolicoeur-Martineau 2018; Huang 2024, section 2] asks whether a real scores higher than the fake
beside it. A generator that leaves out a part of the data is then still told so, since the reals of that part keep
scoring higher than anything it makes [Sun 2020].
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def generator_logistic(fake_logits: Tensor) -> Tensor:
    """-log sigmoid(D(fake)), mean over the batch [N]."""
    return F.softplus(-fake_logits).mean()


def discriminator_logistic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log sigmoid(D(real)) - log(1 - sigmoid(D(fake))), means over the batches."""
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def generator_relativistic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log sigmoid(D(fake) - D(real)), pair by pair [N], mean over the batch [Huang 2024, equation 2]."""
    return F.softplus(real_logits - fake_logits).mean()


def discriminator_relativistic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log sigmoid(D(real) - D(fake)), pair by pair [N], mean over the batch [Huang 2024, equation 2]."""
    return F.softplus(fake_logits - real_logits).mean()
