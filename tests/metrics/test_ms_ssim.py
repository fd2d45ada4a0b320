from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.metrics import structural_similarity
from torch import Tensor
from torch.nn import functional
from torchmetrics.functional.image.ssim import _ssim_update

from segmint.metrics.ms_ssim import _WEIGHTS, DIRECTION, NAME, RANGE, ms_ssim, scales


def pictures(n: int, side: int, *, seed: int = 0, channels: int = 1) -> Tensor:
    noise = np.random.default_rng(seed).normal(size=(n, channels, side, side))
    smooth = ndimage.gaussian_filter(noise, (0, 0, 2, 2))
    return torch.from_numpy(np.clip(smooth / smooth.std() / 2, -1, 1)).float()


def test_declares_what_it_is() -> None:
    assert (NAME, DIRECTION, RANGE) == ("ms_ssim", "as real", (0.0, 1.0))
    assert [scales(side) for side in (10, 11, 21, 22, 64, 175, 176, 512)] == [0, 1, 1, 2, 3, 4, 5, 5]


def oracle(first: Tensor, second: Tensor) -> float:
    """Contrasts of all scales but the last from torchmetrics, the last from scikit-image, without its border of 5 pixels."""
    weights, value = np.array(_WEIGHTS[: scales(first.shape[-1])]), 1.0
    for weight in weights[:-1] / weights.sum():
        _, contrast = _ssim_update(first, second, data_range=2.0, return_contrast_sensitivity=True)
        value *= float(contrast) ** weight
        first, second = (functional.avg_pool2d(one, 2) for one in (first, second))
    pair = [one[0, 0].double().numpy() for one in (first, second)]
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 2.0}
    _, full = structural_similarity(*pair, full=True, **options)
    return value * float(full[5:-5, 5:-5].mean()) ** (weights[-1] / weights.sum())


@pytest.mark.parametrize("side", [16, 32, 64, 176])
def test_agrees_with_torchmetrics_and_scikit_image(side: int) -> None:
    first, noise = pictures(2, side), pictures(2, side, seed=1)
    for amount in (0.1, 0.5):
        second = (first + amount * noise).clamp(-1, 1)
        expected = [oracle(one[None], other[None]) for one, other in zip(first, second, strict=True)]
        assert ms_ssim(first, second).tolist() == pytest.approx(expected, abs=1e-5)


def test_equal_images_have_1_and_damage_lowers_it() -> None:
    first = pictures(6, 64, channels=2)
    assert ms_ssim(first, first).tolist() == pytest.approx([1.0] * 6, abs=1e-5)
    noise = torch.from_numpy(np.random.default_rng(2).normal(size=first.shape)).float()
    values = [float(ms_ssim(first, first + amount * noise).mean()) for amount in (0, 0.1, 0.3, 0.9)]
    assert values == sorted(values, reverse=True)
    assert float(ms_ssim(first, -first).max()) == 0


def test_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="11 pixels"):
        ms_ssim(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8))
    with pytest.raises(ValueError, match="one shape"):
        ms_ssim(torch.zeros(1, 1, 16, 16), torch.zeros(2, 1, 16, 16))
