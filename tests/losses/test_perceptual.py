from __future__ import annotations

import pytest
import torch

from segmint.losses.perceptual import feature_distance


def test_it_is_a_mean_over_pixels_and_over_layers_of_directions() -> None:
    one = torch.tensor([3.0, 0.0]).view(1, 2, 1, 1).expand(2, 2, 3, 3)
    across = torch.tensor([0.0, 0.5]).view(1, 2, 1, 1).expand(2, 2, 3, 3)
    assert float(feature_distance([one], [7 * one])) == pytest.approx(0)
    assert float(feature_distance([one], [across])) == pytest.approx(2)
    assert float(feature_distance([one, one], [-one, one])) == pytest.approx(2)


def test_layers_must_be_as_many_and_there_must_be_one() -> None:
    with pytest.raises(ValueError, match="at least one layer"):
        feature_distance([], [])
    with pytest.raises(ValueError, match="shorter"):
        feature_distance([torch.zeros(1, 1, 1, 1)], [])
