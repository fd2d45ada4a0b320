from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from segmint.networks.paired_augmentation import AugmentationParameters, apply_augmentation, draw_augmentation

CPU = torch.device("cpu")
seeds = st.integers(0, 2**31)
strengths = st.floats(0, 1)


def draw(n: int, image_channels: int, *, strength: float, seed: int = 0) -> AugmentationParameters:
    generator = torch.Generator().manual_seed(seed)
    return draw_augmentation(n, image_channels, strength=strength, generator=generator, device=CPU)


def without_intensity(parameters: AugmentationParameters) -> AugmentationParameters:
    zeros = torch.zeros_like(parameters.contrast)
    return dataclasses.replace(parameters, contrast=torch.ones_like(zeros), brightness=zeros, noise_scale=zeros)


def without_geometry(parameters: AugmentationParameters) -> AugmentationParameters:
    return dataclasses.replace(parameters, matrix=torch.eye(2, 3).expand_as(parameters.matrix))


def with_matrix(rows: list[list[float]], image_channels: int = 1) -> AugmentationParameters:
    neutral = without_intensity(draw(1, image_channels, strength=0))
    return dataclasses.replace(neutral, matrix=torch.tensor([rows]))


def random_pairs(n: int, image_channels: int, labels: int, size: int = 12, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(n, image_channels, size, size, generator=generator) * 2 - 1
    maps = torch.randn(n, labels, size, size, generator=generator).softmax(dim=1)
    return torch.cat([images, maps], dim=1)


# -- drawing ---------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=20)
@given(seed=seeds, strength=strengths)
def test_the_same_generator_gives_the_same_draw(seed: int, strength: float) -> None:
    first, second = (draw(5, 2, strength=strength, seed=seed) for _ in range(2))
    for a, b in zip(vars(first).values(), vars(second).values(), strict=True):
        assert a == b if isinstance(a, int) else torch.equal(a, b)


def test_other_seeds_give_other_draws() -> None:
    first, second = draw(5, 2, strength=1, seed=0), draw(5, 2, strength=1, seed=1)
    assert not torch.equal(first.matrix, second.matrix)
    assert first.noise_seed != second.noise_seed


@settings(deadline=None, max_examples=20)
@given(seed=seeds, low=strengths, high=strengths)
def test_the_stream_of_random_numbers_does_not_depend_on_the_strength(seed: int, low: float, high: float) -> None:
    states = []
    for strength in (low, high):
        generator = torch.Generator().manual_seed(seed)
        draw_augmentation(3, 2, strength=strength, generator=generator, device=CPU)
        states.append(generator.get_state())
    assert torch.equal(*states)


def test_strength_zero_draws_the_neutral_element() -> None:
    parameters = draw(4, 3, strength=0)
    assert torch.equal(parameters.matrix, torch.eye(2, 3).expand(4, 2, 3))
    assert torch.equal(parameters.contrast, torch.ones(4, 3))
    assert not parameters.brightness.any()
    assert not parameters.noise_scale.any()


def decompose(matrix: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Angle, scale along x, and scale along y of rotation times diagonal scale."""
    linear = matrix[:, :, :2].double().numpy()
    angle = np.arctan2(linear[:, 1, 0], linear[:, 0, 0])
    return angle, np.linalg.norm(linear[:, :, 0], axis=1), np.linalg.norm(linear[:, :, 1], axis=1)


@pytest.mark.parametrize("strength", [0.0, 0.3, 0.8, 1.0])
def test_each_operation_happens_with_the_strength_as_probability(strength: float) -> None:
    n = 4000
    parameters = draw(n, 2, strength=strength)
    angle, scale_x, scale_y = decompose(parameters.matrix)
    happened = {
        "isotropic scale": np.abs(scale_x * scale_y - 1) > 1e-5,
        "anisotropic scale": np.abs(scale_x / scale_y - 1) > 1e-5,
        "rotation": np.abs(angle) > 1e-6,
        "shift": (parameters.matrix[:, :, 2] != 0).any(dim=1).numpy(),
        "contrast": (parameters.contrast != 1).any(dim=1).numpy(),
        "brightness": (parameters.brightness != 0).any(dim=1).numpy(),
        "noise": (parameters.noise_scale != 0).any(dim=1).numpy(),
    }
    tolerance = 4 * math.sqrt(strength * (1 - strength) / n) + 0.001
    for name, mask in happened.items():
        assert mask.mean() == pytest.approx(strength, abs=tolerance), name
    # Each is decided on its own: two happen together as often as independence says.
    together = (happened["rotation"] & happened["brightness"]).mean()
    assert together == pytest.approx(strength**2, abs=tolerance + 0.01)


def test_ranges_of_the_geometry() -> None:
    parameters = draw(4000, 1, strength=1)
    angle, scale_x, scale_y = decompose(parameters.matrix)
    linear = parameters.matrix[:, :, :2]
    columns = (linear[:, :, 0] * linear[:, :, 1]).sum(dim=1)
    assert columns.abs().max() < 1e-5, "rotation times scale, without shear"
    assert torch.linalg.det(linear).min() > 0, "nothing is mirrored"
    assert np.degrees(np.abs(angle)).max() == pytest.approx(30, abs=0.1)
    assert parameters.matrix[:, :, 2].abs().max() <= 0.25
    assert np.log2(scale_x * scale_y).std() / 2 == pytest.approx(0.2, abs=0.01)
    assert np.log2(scale_x / scale_y).std() / 2 == pytest.approx(0.2, abs=0.01)


def test_ranges_of_the_intensity() -> None:
    parameters = draw(4000, 2, strength=1)
    assert float(parameters.contrast.log2().std()) == pytest.approx(0.25, abs=0.01)
    assert float(parameters.brightness.std()) == pytest.approx(0.1, abs=0.005)
    assert parameters.noise_scale.min() >= 0
    assert float(parameters.noise_scale.square().mean().sqrt()) == pytest.approx(0.05, abs=0.003)
    correlation = torch.corrcoef(parameters.brightness.T)[0, 1]
    assert abs(float(correlation)) < 0.06, "channels vary on their own"


# -- applying --------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=20)
@given(seed=seeds, strength=strengths, image_channels=st.integers(1, 3))
def test_image_and_label_channels_are_warped_alike(seed: int, strength: float, image_channels: int) -> None:
    parameters = without_intensity(draw(3, image_channels, strength=strength, seed=seed))
    images = random_pairs(3, image_channels, 1, seed=seed)[:, :image_channels]
    result = apply_augmentation(torch.cat([images, images], dim=1), image_channels, parameters)
    assert torch.equal(result[:, :image_channels], result[:, image_channels:])


@settings(deadline=None, max_examples=20)
@given(seed=seeds, strength=strengths, labels=st.integers(2, 5))
def test_label_maps_stay_on_the_simplex(seed: int, strength: float, labels: int) -> None:
    parameters = draw(3, 1, strength=strength, seed=seed)
    maps = apply_augmentation(random_pairs(3, 1, labels, seed=seed), 1, parameters)[:, 1:]
    assert maps.min() >= -1e-6
    assert torch.allclose(maps.sum(dim=1), torch.ones(3, 12, 12), atol=1e-5)


@settings(deadline=None, max_examples=10)
@given(seed=seeds, strength=strengths)
def test_maps_scaled_to_the_range_of_images_are_warped_as_such(seed: int, strength: float) -> None:
    """Whether label maps are scaled to [-1, 1] before or after makes no difference."""
    parameters = draw(2, 1, strength=strength, seed=seed)
    pairs = random_pairs(2, 1, 3, seed=seed)
    scaled = torch.cat([pairs[:, :1], pairs[:, 1:] * 2 - 1], dim=1)
    after = apply_augmentation(pairs, 1, parameters)[:, 1:] * 2 - 1
    assert torch.allclose(apply_augmentation(scaled, 1, parameters)[:, 1:], after, atol=1e-5)


@settings(deadline=None, max_examples=20)
@given(seed=seeds, image_channels=st.integers(1, 3))
def test_intensity_never_touches_labels(seed: int, image_channels: int) -> None:
    parameters = draw(3, image_channels, strength=1, seed=seed)
    pairs = random_pairs(3, image_channels, 3, seed=seed)
    with_both = apply_augmentation(pairs, image_channels, parameters)
    geometry_alone = apply_augmentation(pairs, image_channels, without_intensity(parameters))
    assert torch.equal(with_both[:, image_channels:], geometry_alone[:, image_channels:])
    assert not torch.allclose(with_both[:, :image_channels], geometry_alone[:, :image_channels], atol=1e-3)


@settings(deadline=None, max_examples=10)
@given(seed=seeds)
def test_images_do_not_decide_what_happens_to_labels(seed: int) -> None:
    parameters = draw(2, 2, strength=1, seed=seed)
    pairs = random_pairs(2, 2, 3, seed=seed)
    other = torch.cat([torch.zeros(2, 2, 12, 12), pairs[:, 2:]], dim=1)
    assert torch.equal(apply_augmentation(pairs, 2, parameters)[:, 2:], apply_augmentation(other, 2, parameters)[:, 2:])


@pytest.mark.parametrize("size", [32, 64, 512])
@pytest.mark.parametrize("autocast", [False, True], ids=["float32", "bf16"])
def test_strength_zero_is_the_identity(size: int, autocast: bool) -> None:
    pairs = random_pairs(1, 1, 2, size=size)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        result = apply_augmentation(pairs, 1, draw(1, 1, strength=0))
    assert result.dtype == torch.float32
    assert torch.allclose(result, pairs, atol=2e-4)


def test_autocast_does_not_round_coordinates() -> None:
    pairs, parameters = random_pairs(4, 2, 3, size=64), draw(4, 2, strength=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = apply_augmentation(pairs, 2, parameters)
    assert torch.equal(result, apply_augmentation(pairs, 2, parameters))


def test_intensity_equals_its_formula_in_each_channel() -> None:
    parameters = without_geometry(draw(3, 2, strength=1))
    silent = dataclasses.replace(parameters, noise_scale=torch.zeros(3, 2))
    pairs = random_pairs(3, 2, 2)
    result = apply_augmentation(pairs, 2, silent)
    for sample in range(3):
        for channel in range(2):
            expected = pairs[sample, channel] * parameters.contrast[sample, channel]
            expected = expected + parameters.brightness[sample, channel]
            assert torch.allclose(result[sample, channel], expected, atol=1e-5)
    assert torch.allclose(result[:, 2:], pairs[:, 2:], atol=1e-5)


def test_noise_has_the_drawn_deviation_and_comes_from_its_seed() -> None:
    parameters = without_intensity(without_geometry(draw(2, 2, strength=1)))
    parameters = dataclasses.replace(parameters, noise_scale=torch.tensor([[0.1, 0.0], [0.3, 0.05]]))
    pairs = torch.zeros(2, 3, 64, 64)
    result = apply_augmentation(pairs, 2, parameters)
    assert torch.allclose(result[:, :2].std(dim=(2, 3)), parameters.noise_scale, rtol=0.05)
    assert torch.equal(result, apply_augmentation(pairs, 2, parameters))
    other = apply_augmentation(pairs, 2, dataclasses.replace(parameters, noise_seed=parameters.noise_seed + 1))
    assert not torch.equal(result, other)


def test_a_whole_pixel_shift_moves_the_picture() -> None:
    """The matrix maps output to input coordinates: a shift of 2 * 3 / 16 to the right reads three pixels further on."""
    pairs = random_pairs(1, 1, 2, size=16)
    result = apply_augmentation(pairs, 1, with_matrix([[1.0, 0.0, 6 / 16], [0.0, 1.0, -4 / 16]]))
    assert torch.allclose(result[..., 2:, :-3], pairs[..., :-2, 3:], atol=1e-5)
    # Reflected about the edge of the last pixel.
    assert torch.allclose(result[..., 2:, -3:], pairs[..., :-2, -3:].flip(-1), atol=1e-5)


def test_a_quarter_turn_is_a_quarter_turn() -> None:
    """What was below comes to the right: the output at (1, 0) reads the input at (0, 1)."""
    pairs = random_pairs(1, 1, 2, size=16)
    result = apply_augmentation(pairs, 1, with_matrix([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]))
    assert torch.allclose(result, torch.rot90(pairs, 1, dims=(2, 3)), atol=1e-5)


def test_samples_are_augmented_on_their_own() -> None:
    parameters = without_intensity(draw(4, 1, strength=1))
    pairs = random_pairs(1, 1, 2).expand(4, -1, -1, -1)
    result = apply_augmentation(pairs, 1, parameters)
    distances = torch.cdist(result.flatten(1), result.flatten(1)) + torch.eye(4) * 100
    assert distances.min() > 0.1


def test_labels_follow_the_structures_of_the_image() -> None:
    """The image holds the label: after any augmentation of geometry it still does."""
    labels = torch.zeros(4, 24, 24, dtype=torch.int64)
    labels[:, 5:14, 8:20] = 1
    labels[:, 9:12, 10:14] = 2
    maps = F.one_hot(labels, 3).movedim(-1, 1).float()
    images = (maps * torch.tensor([-1.0, 0.0, 1.0])[:, None, None]).sum(dim=1, keepdim=True)
    result = apply_augmentation(torch.cat([images, maps], dim=1), 1, without_intensity(draw(4, 1, strength=1)))
    expected = (result[:, 1:] * torch.tensor([-1.0, 0.0, 1.0])[:, None, None]).sum(dim=1, keepdim=True)
    assert torch.allclose(result[:, :1], expected, atol=1e-5)


def test_gradients_reach_image_and_labels() -> None:
    parameters = draw(2, 1, strength=1)
    pairs = random_pairs(2, 1, 2, size=5).double().requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: apply_augmentation(x, 1, parameters), (pairs,))
