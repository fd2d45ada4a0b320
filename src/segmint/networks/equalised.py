"""Layers with equalised learning rate [Karras 2018, section 4.1]: unit-variance weights, scaled when used."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEAKY_SLOPE = 0.2
# Restores the variance that a leaky ReLU of slope 0.2 takes away (about sqrt 2); [Karras 2020] uses sqrt 2 exactly.
ACTIVATION_GAIN = math.sqrt(2)


class EqualisedLinear(nn.Module):
    """Fully connected layer; `activation` adds a leaky ReLU with gain sqrt 2.

    Args:
        learning_rate_multiplier: stored weights are 1 / multiplier larger, and scaled back when used
            [Karras 2019, appendix C].
        bias_start: initial effective bias (1 for the affine style transformations).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        activation: bool = False,
        learning_rate_multiplier: float = 1.0,
        bias_start: float = 0.0,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / learning_rate_multiplier)
        self.bias = nn.Parameter(torch.full((outputs,), bias_start / learning_rate_multiplier))
        self.activation = activation
        self.bias_scale = learning_rate_multiplier
        self.weight_scale = learning_rate_multiplier / math.sqrt(inputs)

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs] -> [N, outputs]."""
        # The leaky ReLU is positively homogeneous: its gain is folded into input and bias, one pass over memory less. The
        # input is scaled in place of the weight, since it is the smaller.
        gain = ACTIVATION_GAIN if self.activation else 1.0
        x = F.linear(x * (self.weight_scale * gain), self.weight, self.bias * (self.bias_scale * gain))
        return F.leaky_relu(x, LEAKY_SLOPE) if self.activation else x


class EqualisedConv(nn.Module):
    """Convolution with bias; `activation` adds a leaky ReLU with gain sqrt 2; `gain` scales the output further."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        activation: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.stride, self.padding, self.activation = stride, padding, activation
        self.weight_scale = 1 / math.sqrt(inputs * kernel * kernel)

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        """[N, inputs, H, W] -> [N, outputs, H', W'], multiplied by `gain`."""
        if self.activation:
            gain = gain * ACTIVATION_GAIN
        bias = self.bias * gain if self.bias is not None else None
        x = F.conv2d(x, self.weight * (self.weight_scale * gain), bias, stride=self.stride, padding=self.padding)
        return F.leaky_relu(x, LEAKY_SLOPE, inplace=True) if self.activation else x
