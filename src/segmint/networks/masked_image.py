"""Images masked by label maps, and masks read back from masked images.

SegAN's critic compares images masked by truth and by prediction [Xue 2018, equation 1]; a segmentor may also give the masked
images themselves [brain stroke GAN, 2019]. Masks are soft, one for each label but the background: [N, M, H, W] in [0, 1].
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

# An intensity whose square is this counts as much as what surrounds its pixel.
SURROUNDINGS_WEIGHT = 0.01
# Surroundings are looked at in squares of 2, 4, 8 and 16 pixels; black areas wider than that are read as background.
SURROUNDINGS_LEVELS = 4


def intensities(images: Tensor, floor: float = 0.0) -> Tensor:
    """Images [N, C, H, W] in [-1, 1] -> [floor, 1]: black is `floor`; with 0, black pixels show no mask."""
    return floor + (1 - floor) * (images + 1) / 2


def mask_out(intensity: Tensor, masks: Tensor) -> Tensor:
    """One masked copy of the image for each label: [N, C, H, W] and [N, M, H, W] -> [N, M C, H, W], label by label."""
    return (intensity[:, None] * masks[:, :, None]).flatten(1, 2)


def read_masks(masked: Tensor, intensity: Tensor) -> Tensor:
    """The masks whose products with the image come nearest to `masked`.

    At each pixel the mask is the least-squares ratio of the masked and the plain channels, sum(masked I) / sum(I^2). The
    darker a pixel, the less it tells of its mask, and the more its ratio is drawn to that of its surroundings: a black pixel
    takes the ratio of the nearest lit ones, weighted by their squared intensity, and background where all about it is black.

    Args:
        masked: [N, M C, H, W], label by label, as `mask_out` gives them; intensity: [N, C, H, W] in [0, 1].

    Returns:
        float32 [N, M, H, W] in [0, 1]; has a gradient.

    Raises:
        ValueError: `masked` does not hold whole copies of the image.
    """
    channels = intensity.shape[1]
    if masked.shape[1] % channels:
        raise ValueError(f"{masked.shape[1]} masked channels are no whole copies of {channels} image channels")
    intensity = intensity.float()
    copies = masked.float().reshape(len(masked), -1, channels, *masked.shape[2:])
    product = (copies * intensity[:, None]).mean(dim=2)
    energy = intensity.square().mean(dim=1, keepdim=True)
    return _ratio(product, energy, SURROUNDINGS_LEVELS).clamp(0, 1)


def _ratio(product: Tensor, energy: Tensor, levels: int) -> Tensor:
    """product / energy, drawn to the same ratio at half the resolution; the coarsest is drawn to 0."""
    surroundings = torch.zeros_like(product)
    if levels and max(product.shape[2:]) > 1:
        coarse = _ratio(F.avg_pool2d(product, 2, ceil_mode=True), F.avg_pool2d(energy, 2, ceil_mode=True), levels - 1)
        surroundings = F.interpolate(coarse, size=product.shape[2:], mode="bilinear", align_corners=False)
    return (product + SURROUNDINGS_WEIGHT * surroundings) / (energy + SURROUNDINGS_WEIGHT)


def label_probabilities(masks: Tensor) -> Tensor:
    """Masks [N, M, H, W] -> probabilities [N, 1 + M, H, W] that sum to 1, background first.

    The background's share is what the largest mask leaves: whatever the number of labels, a pixel is given to one from a mask
    of 0.5 on, and to the label of the largest mask.
    """
    shares = torch.cat([1 - masks.amax(dim=1, keepdim=True), masks], dim=1)
    return shares / shares.sum(dim=1, keepdim=True)
