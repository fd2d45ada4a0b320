from __future__ import annotations

import pytest
import torch
from torch import Tensor

from segmint.networks.masked_image import intensities, label_probabilities, mask_out, read_masks

SIZE = 32


def block(rows: slice, columns: slice) -> Tensor:
    """A mask [1, 1, SIZE, SIZE] that is 1 in a rectangle."""
    mask = torch.zeros(1, 1, SIZE, SIZE)
    mask[..., rows, columns] = 1
    return mask


def test_intensities_run_from_the_floor_to_one() -> None:
    images = torch.tensor([-1.0, 0.0, 1.0]).reshape(1, 1, 1, 3)
    assert intensities(images).flatten().tolist() == [0.0, 0.5, 1.0]
    assert intensities(images, 0.25).flatten().tolist() == [0.25, 0.625, 1.0]


def test_every_label_masks_every_channel() -> None:
    intensity, masks = torch.rand(2, 3, SIZE, SIZE), torch.rand(2, 2, SIZE, SIZE)
    masked = mask_out(intensity, masks)
    assert masked.shape == (2, 6, SIZE, SIZE)
    for label in range(2):
        for channel in range(3):
            assert torch.equal(masked[:, 3 * label + channel], intensity[:, channel] * masks[:, label])


@pytest.mark.parametrize("channels", [1, 3])
def test_masks_are_read_back_from_lit_images(channels: int) -> None:
    intensity = 0.3 + 0.7 * torch.rand(2, channels, SIZE, SIZE)
    masks = torch.zeros(2, 2, SIZE, SIZE)
    masks[:, 0, 4:14, 4:14] = 1
    masks[:, 1, 16:29, 10:30] = 1
    read = read_masks(mask_out(intensity, masks), intensity)
    assert torch.equal(read > 0.5, masks > 0.5)
    assert (read - masks).abs().max() < 0.15


def test_a_pixel_lit_in_one_channel_is_read_from_that() -> None:
    intensity, mask = torch.zeros(1, 2, SIZE, SIZE), block(slice(8, 20), slice(8, 20))
    intensity[:, 0, :, ::2] = 0.8
    intensity[:, 1, :, 1::2] = 0.8
    assert torch.equal(read_masks(mask_out(intensity, mask), intensity) > 0.5, mask > 0.5)


def test_black_pixels_take_the_mask_of_their_surroundings() -> None:
    """A black hole in a lesion is lesion, one in the background is background, and so is the air about the head."""
    intensity, lesion = torch.full((1, 1, SIZE, SIZE), 0.6), block(slice(4, 16), slice(4, 16))
    intensity[..., 9:11, 9:11] = 0
    intensity[..., 22:25, 22:25] = 0
    read = read_masks(mask_out(intensity, lesion), intensity)
    assert torch.equal(read > 0.5, lesion > 0.5)
    black = torch.zeros(1, 1, SIZE, SIZE)
    assert read_masks(mask_out(black, lesion), black).max() == 0


def test_what_is_painted_on_black_pixels_counts_for_nothing() -> None:
    intensity, nothing = torch.full((1, 1, SIZE, SIZE), 0.6), torch.zeros(1, 1, SIZE, SIZE)
    intensity[..., 10:20, 10:20] = 0
    painted = nothing + 0.9 * (intensity == 0)
    assert read_masks(painted, intensity).max() == 0


def test_more_than_the_image_is_a_full_mask_and_the_batch_does_not_matter() -> None:
    intensity = torch.rand(3, 1, SIZE, SIZE)
    read = read_masks(2 * intensity, intensity)
    assert read.max() <= 1
    assert torch.allclose(read[1:2], read_masks(2 * intensity[1:2], intensity[1:2]))
    assert read_masks(torch.rand(1, 1, 17, 21), torch.rand(1, 1, 17, 21)).shape == (1, 1, 17, 21)


def test_reading_has_a_gradient() -> None:
    intensity = torch.rand(1, 1, SIZE, SIZE)
    masked = (0.5 * intensity).requires_grad_()
    read_masks(masked, intensity).sum().backward()  # type: ignore[no-untyped-call]
    assert masked.grad is not None
    assert torch.isfinite(masked.grad).all()
    assert masked.grad.abs().sum() > 0


def test_refuses_channels_that_are_no_whole_copies() -> None:
    with pytest.raises(ValueError, match="5 masked channels are no whole copies of 2"):
        read_masks(torch.rand(1, 5, 8, 8), torch.rand(1, 2, 8, 8))


@pytest.mark.parametrize(
    ("masks", "label"),
    [((0.4, 0.45), 0), ((0.0, 0.0), 0), ((0.51, 0.2), 1), ((0.7, 0.8), 2), ((1.0, 0.0), 1), ((1.0, 1.0), 1)],
)
def test_the_largest_mask_above_a_half_wins(masks: tuple[float, float], label: int) -> None:
    probabilities = label_probabilities(torch.tensor(masks).reshape(1, 2, 1, 1))
    assert probabilities.shape == (1, 3, 1, 1)
    assert float(probabilities.sum()) == pytest.approx(1)
    assert int(probabilities.argmax(dim=1)) == label
