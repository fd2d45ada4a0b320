"""Path-length regularisation [Karras 2020, section 3.2, equation 4]."""

from __future__ import annotations

import torch
from torch import Tensor


def path_lengths(output: Tensor, styles: Tensor, noise: Tensor) -> Tensor:
    """|J^T y| for each sample [N]: how far the output moves when the style does.

    Args:
        output: [N, C, H, W], the generator's output, in float32.
        styles: [N, layers, style_size], requires grad.
        noise: [N, C, H, W], unit normal; scaled here by 1 / sqrt(H W).
    """
    y = noise / (output.shape[2] * output.shape[3]) ** 0.5
    (gradient,) = torch.autograd.grad((output * y).sum(), styles, create_graph=True)
    return gradient.square().sum(dim=2).mean(dim=1).sqrt()


def path_length_penalty(lengths: Tensor, running_mean: Tensor, decay: float = 0.01) -> tuple[Tensor, Tensor]:
    """Squared distance of the lengths [N] from their running mean, and the new running mean (no gradient)."""
    mean = running_mean + decay * (lengths.detach().mean() - running_mean)
    return (lengths - mean).square().mean(), mean
