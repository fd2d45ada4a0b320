from __future__ import annotations

import pytest
import torch

from segmint.losses.least_squares import discriminator_least_squares, generator_least_squares


def test_values() -> None:
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0])
    assert float(generator_least_squares(fake)) == pytest.approx((1 + 1) / 2 / 2)
    assert float(discriminator_least_squares(real, fake)) == pytest.approx((0 + 4) / 2 / 2 + (0 + 4) / 2 / 2)


def test_least_at_the_targets() -> None:
    assert float(discriminator_least_squares(torch.ones(2, 1, 3, 3), torch.zeros(2, 1, 3, 3))) == 0
    assert float(generator_least_squares(torch.ones(2, 1, 3, 3))) == 0
