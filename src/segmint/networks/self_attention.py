"""Self-attention over the pixels of feature maps [Zhang 2019 (SAGAN), section 3]."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segmint.networks.convolution import convolution


class SelfAttention(nn.Module):
    """y = gamma * o + x, where o at a pixel is a mean of all pixels' values, weighted by softmax(query . key).

    Queries, keys and values are 1x1 convolutions to an eighth of the channels, and a last one brings the values back.
    gamma starts at 0: the network first relies on what is near.
    """

    def __init__(self, channels: int, *, spectral: bool = False) -> None:
        super().__init__()
        inner = max(channels // 8, 1)
        self.query = convolution(channels, inner, 1, bias=False, spectral=spectral)
        self.key = convolution(channels, inner, 1, bias=False, spectral=spectral)
        self.value = convolution(channels, inner, 1, bias=False, spectral=spectral)
        self.output = convolution(inner, channels, 1, bias=False, spectral=spectral)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, H, W], same shape out."""
        query, key, value = (
            layer(x).flatten(2).transpose(1, 2).contiguous() for layer in (self.query, self.key, self.value)
        )
        if torch.is_grad_enabled():
            # Written out: the fused kernel has no second derivative, which gradient penalties need.
            mixed = torch.matmul(torch.matmul(query, key.transpose(1, 2)).softmax(dim=2).to(value.dtype), value)
        else:
            # Never holds the [H W, H W] weights, so that large images can be painted.
            mixed = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        mixed = mixed.transpose(1, 2).reshape(len(x), -1, *x.shape[2:])
        result: Tensor = x + self.gamma.to(x.dtype) * self.output(mixed.contiguous(memory_format=torch.channels_last))
        return result
