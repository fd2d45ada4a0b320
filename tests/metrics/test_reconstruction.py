from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio
from sklearn.metrics import r2_score

from segmint.metrics.reconstruction import explained_variance, psnr


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(3, 1, 8, 8, generator=generator) * 2 - 1
    return images, images + 0.3 * torch.randn(3, 1, 8, 8, generator=generator)


def test_both_agree_with_other_libraries() -> None:
    images, reconstructions = pair()
    for number, (image, reconstruction) in enumerate(zip(images.numpy(), reconstructions.numpy(), strict=True)):
        explained = float(explained_variance(images, reconstructions)[number])
        assert explained == pytest.approx(r2_score(image.ravel(), reconstruction.ravel()), abs=1e-5)
        ratio = float(psnr(images, reconstructions)[number])
        assert ratio == pytest.approx(peak_signal_noise_ratio(image, reconstruction, data_range=2), abs=1e-4)


def test_perfect_none_and_flat() -> None:
    images, _ = pair()
    assert torch.equal(explained_variance(images, images), torch.ones(3))
    mean = images.mean(dim=(2, 3), keepdim=True).expand_as(images)
    assert np.allclose(explained_variance(images, mean).numpy(), 0, atol=1e-6)
    flat = torch.zeros(1, 1, 4, 4)
    assert float(explained_variance(flat, flat)) == 1
    assert float(explained_variance(flat, flat + 1)) == -float("inf")
