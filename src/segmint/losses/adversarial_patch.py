"""Adversarial losses on logits of any shape, chosen by name; means over samples and patches alike."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from segmint.losses.adversarial import discriminator_logistic, generator_logistic
from segmint.losses.least_squares import discriminator_least_squares, generator_least_squares

AdversarialKind = Literal["bce", "least-squares", "hinge"]


def generator_adversarial(kind: AdversarialKind, fake_logits: Tensor) -> Tensor:
    """What the generator minimises.

    "bce": cross entropy of sigmoid(D(fake)) with 1, the non-saturating form [Isola 2017, section 3.3]; "least-squares":
    [Mao 2017]; "hinge": -D(fake) [Miyato 2018, equation 17].
    """
    match kind:
        case "bce":
            return generator_logistic(fake_logits)
        case "least-squares":
            return generator_least_squares(fake_logits)
        case "hinge":
            return -fake_logits.mean()


def discriminator_adversarial(kind: AdversarialKind, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """What the discriminator minimises: the sum of a term for reals and one for fakes.

    "hinge": max(0, 1 - D(real)) + max(0, 1 + D(fake)) [Miyato 2018, equation 16]. pix2pix halves its sum (weight 0.5)
    [Isola 2017, section 3.3]; the factor is the caller's.
    """
    match kind:
        case "bce":
            return discriminator_logistic(real_logits, fake_logits)
        case "least-squares":
            return discriminator_least_squares(real_logits, fake_logits)
        case "hinge":
            return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()
