"""The random state of one sample of a drawing."""

from __future__ import annotations

import numpy as np
import torch


def pair_generator(seed: int, index: int) -> torch.Generator:
    """The generator of sample `index` of a drawing with `seed`, independent of all others."""
    low, high = np.random.SeedSequence([seed, index]).generate_state(2)
    return torch.Generator().manual_seed(int(high) << 31 ^ int(low))
