from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import wasserstein_distance
from torch import Tensor

from segmint.metrics.sliced_wasserstein import DIRECTION, NAME, RANGE, sliced_wasserstein


def distance(reals: Tensor, fakes: Tensor, *, seed: int = 0, **settings: int) -> float:
    return sliced_wasserstein(reals, fakes, generator=torch.Generator().manual_seed(seed), **settings)


def textures(n: int, *, seed: int, channels: int = 1, side: int = 32, sigma: float = 1.0) -> Tensor:
    """Smooth noise of unit deviation."""
    noise = np.random.default_rng(seed).normal(size=(n, channels, side, side))
    smooth = gaussian_filter(noise, (0, 0, sigma, sigma))
    return torch.from_numpy(smooth / smooth.std()).float()


def labelled_blobs(n: int, *, seed: int, side: int = 32) -> Tensor:
    """Images of one bright disc each, with its map as second channel: [N, 2, S, S] in [-1, 1]."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    pairs = []
    for _ in range(n):
        centre, radius = rng.uniform(8, side - 8, 2), rng.uniform(3, 7)
        disc = (np.hypot(rows - centre[0], columns - centre[1]) < radius) * 2.0 - 1
        pairs.append([0.5 * disc + rng.normal(0, 0.1, (side, side)), disc])
    return torch.from_numpy(np.array(pairs)).float()


def test_declares_what_it_is() -> None:
    assert ("sliced_wasserstein", "lower", (0.0, float("inf"))) == (NAME, DIRECTION, RANGE)


def test_a_set_has_no_distance_from_itself_in_any_order() -> None:
    reals = textures(12, seed=0, channels=2)
    assert distance(reals, reals) == 0
    assert distance(reals, reals.flip(0)) == pytest.approx(0, abs=1e-6)


def test_flat_images_have_the_wasserstein_distance_of_their_values() -> None:
    """One level, patches of one pixel: what is left is the one-dimensional distance in deviations of the reals."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 40), rng.gamma(2, 1, 40)
    reals, fakes = (torch.from_numpy(v).float()[:, None, None, None].expand(-1, 1, 8, 8) for v in (a, b))
    expected = wasserstein_distance(a, b) / (reals.std().item() + 1e-3)
    assert distance(reals, fakes, patch=1, smallest=8) == pytest.approx(expected, rel=1e-4)


def test_the_unit_is_the_deviation_of_the_reals() -> None:
    reals, fakes = textures(16, seed=0), textures(16, seed=1) * 2 + 0.3
    scaled = distance(50 * reals + 7, 50 * fakes + 7)
    assert scaled == pytest.approx(distance(reals, fakes), rel=0.01)


def test_channels_are_normalised_each_on_its_own() -> None:
    reals, fakes = textures(16, seed=0, channels=2), textures(16, seed=1, channels=2)
    louder = torch.tensor([1.0, 100.0])[:, None, None]
    assert distance(reals * louder, fakes * louder) == pytest.approx(distance(reals, fakes), rel=0.01)


def test_almost_symmetric_for_sets_of_equal_spread() -> None:
    a, b = textures(32, seed=0), textures(32, seed=1)
    assert distance(a, b) == pytest.approx(distance(b, a), rel=0.05)


def test_never_negative_and_small_for_two_samples_of_one_distribution() -> None:
    reals = textures(64, seed=0)
    same, other = distance(reals, textures(64, seed=1)), distance(reals, textures(64, seed=1, sigma=3))
    assert 0 < same < 0.1
    assert other > 5 * same


@pytest.mark.parametrize("change", ["shift", "contrast", "blur", "noise"])
def test_grows_with_the_damage(change: str) -> None:
    reals, fakes = textures(32, seed=0), textures(32, seed=1)
    damaged = []
    for amount in (0.0, 0.6, 1.2, 2.4):
        if change == "shift":
            worse = fakes + amount
        elif change == "contrast":
            worse = fakes * (1 + amount)
        elif change == "blur":
            worse = torch.from_numpy(gaussian_filter(fakes.numpy(), (0, 0, amount, amount)))
        else:
            worse = fakes + amount * torch.randn(fakes.shape, generator=torch.Generator().manual_seed(0))
        damaged.append(distance(reals, worse))
    assert damaged == sorted(damaged)
    assert damaged[-1] > 3 * damaged[0]


def test_sees_labels_that_belong_to_other_images() -> None:
    """Both marginal distributions are right here, only their pairing is wrong: a joint distance must see it."""
    reals, fakes = labelled_blobs(48, seed=0), labelled_blobs(48, seed=1)
    swapped = torch.cat([fakes[:, :1], fakes[:, 1:].roll(1, dims=0)], dim=1)
    assert distance(reals[:, 1:], swapped[:, 1:]) == pytest.approx(distance(reals[:, 1:], fakes[:, 1:]), rel=1e-4)
    for seed in range(3):
        assert distance(reals, swapped, seed=seed) > 1.5 * distance(reals, fakes, seed=seed)


def test_sees_labels_shifted_by_a_few_pixels() -> None:
    reals, fakes = labelled_blobs(48, seed=0), labelled_blobs(48, seed=1)
    moved = torch.cat([fakes[:, :1], fakes[:, 1:].roll(3, dims=-1)], dim=1)
    assert distance(reals, moved) > 1.3 * distance(reals, fakes)


def test_sees_mode_collapse() -> None:
    reals, fakes = labelled_blobs(32, seed=0), labelled_blobs(32, seed=1)
    assert distance(reals, fakes[:1].expand_as(fakes)) > 2 * distance(reals, fakes)


def test_a_label_that_no_real_image_happens_to_hold_is_no_catastrophe() -> None:
    """Few validation subjects often lack a rare lesion: drawing it now and then is better than drawing no label at all."""
    (reals, fakes), early = (labelled_blobs(64, seed=seed) for seed in (1, 2)), labelled_blobs(64, seed=3)
    rare = -torch.ones(64, 1, 32, 32)
    seldom = rare.clone()
    seldom[:13, :, 20:24, 20:24] = 1
    early[:, 0] *= 0.3
    early[:, 1] = -1
    without = distance(torch.cat([reals, rare], 1), torch.cat([fakes, rare], 1))
    good = distance(torch.cat([reals, rare], 1), torch.cat([fakes, seldom], 1))
    bad = distance(torch.cat([reals, rare], 1), torch.cat([early, rare], 1))
    assert good == without
    assert good < bad / 2


def test_depends_on_its_generator_alone() -> None:
    reals, fakes = textures(8, seed=0), textures(8, seed=1)
    assert distance(reals, fakes, seed=3) == distance(reals, fakes, seed=3)
    assert distance(reals, fakes, seed=3) != distance(reals, fakes, seed=4)


def test_images_smaller_than_patch_and_pyramid_are_one_level() -> None:
    reals, fakes = textures(8, seed=0, side=4), textures(8, seed=1, side=4)
    assert 0 < distance(reals, fakes) < 1


def test_a_constant_channel_does_not_divide_by_zero() -> None:
    """Reals without a label give a constant map."""
    reals, fakes = textures(8, seed=0, channels=2), textures(8, seed=1, channels=2)
    reals[:, 1] = fakes[:, 1] = -1
    assert np.isfinite(distance(reals, fakes))


@pytest.mark.parametrize("shape", [(3, 1, 16, 16), (4, 2, 16, 16), (4, 1, 32, 32)])
def test_refuses_sets_of_different_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="sets of equal shape"):
        distance(torch.zeros(4, 1, 16, 16), torch.zeros(shape))


@pytest.mark.parametrize("side", [65, 70, 71])
def test_sides_that_do_not_halve_evenly(side: int) -> None:
    sets = [textures(4, seed=seed, side=side) for seed in (1, 2)]
    assert 0 < distance(*sets) < distance(sets[0], sets[1] * 3)
