"""Hand-made features: values known by heart, and what each does under changes of the image and the mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from skimage.draw import disk

from segmint.reference.radiomics import radiomic_features, radiomic_names

SIDE = 32
NAMES = radiomic_names(("T1",), ("background", "organ"))


def measured(image: Any, mask: Any) -> dict[str, float]:
    values = radiomic_features(image[None, None].astype(np.float32), mask[None].astype(np.uint8), label_count=2)
    assert values.shape == (1, len(NAMES))
    return dict(zip(NAMES, values[0].tolist(), strict=True))


def noise(spread: float = 0.3) -> Any:
    return np.clip(np.random.default_rng(0).normal(0, spread, (SIDE, SIDE)), -1, 1)


def round_mask(row: float = 15.5, column: float = 15.5, radius: float = 8) -> Any:
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[disk((row, column), radius, shape=mask.shape)] = True
    return mask


def test_intensities_agree_with_scipy() -> None:
    image, mask = noise().astype(np.float32).astype(np.float64), round_mask()
    found = measured(image, mask)
    assert found["T1 mean"] == pytest.approx(image.mean())
    assert found["T1 deviation"] == pytest.approx(image.std())
    assert found["T1 skewness"] == pytest.approx(stats.skew(image, axis=None), abs=1e-6)
    assert found["T1 kurtosis"] == pytest.approx(stats.kurtosis(image, axis=None, fisher=False), rel=1e-6)
    assert found["organ T1 mean"] == pytest.approx(image[mask].mean())
    assert found["organ T1 deviation"] == pytest.approx(image[mask].std())


def test_texture_of_stripes_and_of_nothing() -> None:
    # Columns of 0 and 1 in grey levels: across, one level apart at 1 px and at 3 px; along, none; on diagonals, one.
    stripes = np.where(np.arange(SIDE) % 2, 0.01, -0.01)[None].repeat(SIDE, axis=0)
    across, diagonal, along = SIDE * (SIDE - 1), (SIDE - 1) ** 2, SIDE * (SIDE - 1)
    apart = (across + 2 * diagonal) / (across + 2 * diagonal + along)
    found = measured(stripes, round_mask())
    assert found["T1 contrast at 1 px"] == pytest.approx(apart)
    assert found["T1 dissimilarity at 1 px"] == pytest.approx(apart)
    assert found["T1 homogeneity at 1 px"] == pytest.approx(1 - apart / 2)
    assert found["T1 correlation at 1 px"] == pytest.approx(1 - 2 * apart, abs=0.01)
    flat = measured(np.zeros((SIDE, SIDE)), round_mask())
    assert [flat[f"T1 {one} at 3 px"] for one in ("contrast", "energy", "correlation")] == [0, 1, 1]
    assert flat["T1 entropy at 3 px"] == pytest.approx(0, abs=1e-6)
    assert flat["T1 gradient"] == 0


def test_noise_adds_contrast_and_blur_takes_it_away() -> None:
    rough, smooth = measured(noise(0.4), round_mask()), measured(noise(0.1), round_mask())
    for name in ("T1 contrast at 1 px", "T1 entropy at 1 px", "T1 gradient", "T1 deviation"):
        assert rough[name] > smooth[name]
    assert rough["T1 homogeneity at 1 px"] < smooth["T1 homogeneity at 1 px"]


def test_shapes() -> None:
    image = noise()
    ball = measured(image, round_mask())
    assert ball["organ area"] == pytest.approx(np.pi * 64 / SIDE**2, rel=0.05)
    assert ball["organ row"] == pytest.approx(0, abs=1e-9)
    assert ball["organ elongation"] == pytest.approx(0, abs=1e-6)
    assert ball["organ compactness"] == pytest.approx(1, abs=0.15)
    assert ball["organ length"] == pytest.approx(16 / SIDE, rel=0.05)
    assert measured(image, round_mask(row=20.5))["organ row"] == pytest.approx(5 / SIDE)
    bar = np.zeros((SIDE, SIDE), dtype=bool)
    bar[14:18, 4:28] = True
    lying, standing = measured(image, bar), measured(image, bar.T)
    assert lying["organ elongation"] == pytest.approx(1 - 4 / 24)
    assert lying["organ orientation"] == pytest.approx(-standing["organ orientation"])
    assert lying["organ compactness"] < 0.7
    two = round_mask(8, 8, 4) | round_mask(24, 24, 4)
    assert measured(image, two)["organ pieces"] == 2
    lone = np.zeros((SIDE, SIDE), dtype=bool)
    lone[3, 3] = True
    assert np.isfinite(list(measured(image, lone).values())).all()


def test_a_label_that_is_absent_gives_zeros_and_channels_stand_side_by_side() -> None:
    found = measured(noise(), np.zeros((SIDE, SIDE)))
    assert {value for name, value in found.items() if name.startswith("organ")} == {0.0}
    names = radiomic_names(("T1", "T2"), ("background", "organ", "tumour"))
    images = np.zeros((3, 2, 8, 8), dtype=np.float32)
    assert radiomic_features(images, np.zeros((3, 8, 8), int), label_count=3).shape == (3, len(names))
    assert len(set(names)) == len(names)
