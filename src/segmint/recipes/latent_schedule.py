"""How rate and perturbation change while latents are optimised, as in the projector of [Karras 2020, appendix D]."""

from __future__ import annotations

import math

RAMP_UP, RAMP_DOWN = 0.05, 0.25
# The perturbation falls to nothing after three quarters of the steps.
PERTURBED = 0.75


def rate_factor(share: float) -> float:
    """Factor of the learning rate after a share of the steps: a linear ramp up, a cosine ramp down."""
    down = 0.5 - 0.5 * math.cos(math.pi * min(1.0, (1 - share) / RAMP_DOWN))
    return down * min(1.0, (share + 1e-3) / RAMP_UP)


def perturbation_factor(share: float) -> float:
    """Factor of the noise added to latents after a share of the steps."""
    return max(0.0, 1 - share / PERTURBED) ** 2
