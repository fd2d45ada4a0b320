"""The sizes that every compared implementation is built with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# Runs one training step to its end. A regularised step knows by itself when its lazy terms are due.
TrainingStep = Callable[[], None]

# [Karras 2020, section 3.1 and appendix B]; also the default of joint-stylegan2.
R1_EVERY = 16
PATH_LENGTH_EVERY = 4
PATH_LENGTH_SHRINK = 2
PATH_LENGTH_WEIGHT = 2.0
R1_GAMMA = 10.0
STYLE_MIXING = 0.9
LEARNING_RATE = 0.002


@dataclass(frozen=True)
class Sizes:
    """Sizes of the networks and of the batch.

    Attributes:
        size: side of the square images, pixels.
        image_channels, label_maps: the generator emits their sum.
        width_base, width_maximum: feature maps at resolution r are min(width_base / r, width_maximum).
        latent_size: of z and of w.
        batch: images a step.
    """

    size: int
    image_channels: int
    label_maps: int
    width_base: int
    width_maximum: int
    latent_size: int
    batch: int

    @property
    def channels(self) -> int:
        """Channels that the generator emits and the discriminator sees."""
        return self.image_channels + self.label_maps


def adam_settings(interval: int) -> tuple[float, tuple[float, float]]:
    """Learning rate and betas of Adam where a regulariser runs every `interval` steps, 0 for never [Karras 2020, 3.1]."""
    c = interval / (interval + 1) if interval else 1.0
    return LEARNING_RATE * c, (0.0, 0.99**c)
