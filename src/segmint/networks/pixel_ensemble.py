"""An ensemble of small perceptrons that name a pixel's label from its features, all members in one computation.

Each member is linear, ReLU, batch norm, linear, ReLU, batch norm, linear [Zhang 2021, section 3.2]. The members' weights lie
in one array [members, inputs, outputs], so that one batched product serves them all; batch norm counts each member's
channels apart, so no member knows of another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segmint.networks.style_features import StyleFeatures


class MemberLinear(nn.Module):
    """One linear layer a member; initial weights as those of `torch.nn.Linear`."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """[members, pixels, inputs] -> [members, pixels, outputs]."""
        return torch.baddbmm(self.bias, x, self.weight)


class PixelEnsemble(nn.Module):
    """Members that map a pixel's features to label logits.

    Args:
        members: number of perceptrons; inputs: features of a pixel; labels: K; hidden: widths of the hidden layers.
    """

    def __init__(self, *, members: int, inputs: int, labels: int, hidden: Sequence[int] = (128, 32)) -> None:
        super().__init__()
        self.members, self.inputs, self.labels = members, inputs, labels
        self.linear = nn.ModuleList(MemberLinear(members, a, b) for a, b in pairwise((inputs, *hidden, labels)))
        self.norms = nn.ModuleList(nn.BatchNorm1d(members * width) for width in hidden)

    def forward(self, x: Tensor) -> Tensor:
        """[members, pixels, inputs] -> logits [members, pixels, labels]; every member has pixels of its own."""
        for linear, norm in zip(self.linear, self.norms, strict=False):
            x = linear(x).relu()
            members, pixels, width = x.shape
            # Channels of all members beside one another: each has its own statistics.
            x = norm(x.transpose(0, 1).reshape(pixels, -1)).view(pixels, members, width).transpose(0, 1)
        logits: Tensor = self.linear[-1](x)
        return logits

    def label_maps(self, features: StyleFeatures) -> Tensor:
        """Probabilities of every pixel of N images by every member, float32 [N, members, labels, size, size].

        In evaluation mode. The first layer is linear and so is upsampling: it is taken at each map's own resolution, and
        its few outputs are upsampled in place of the many features. The features of all pixels are never there at once.
        """
        maps = [self._member(number, features).softmax(dim=1) for number in range(self.members)]
        return torch.stack(maps, dim=1)

    def _member(self, number: int, features: StyleFeatures) -> Tensor:
        """Logits [N, labels, size, size] of one member."""
        first, *others = (linear for linear in self.linear if isinstance(linear, MemberLinear))
        weights = torch.split(first.weight[number], [one.shape[1] for one in features.maps])
        by_size: dict[int, Tensor] = {}
        for one, weight in zip(features.maps, weights, strict=True):
            here = F.conv2d(one.float(), weight.t()[..., None, None])
            side = one.shape[-1]
            by_size[side] = here if side not in by_size else by_size[side] + here
        x = first.bias[number].view(1, -1, 1, 1)
        for here in by_size.values():
            x = x + F.interpolate(here, size=features.size, mode="bilinear", align_corners=False)
        for linear, norm in zip(others, self.norms, strict=True):
            assert isinstance(norm, nn.BatchNorm1d)
            assert norm.running_mean is not None
            assert norm.running_var is not None
            mine = slice(number * x.shape[1], (number + 1) * x.shape[1])
            x = F.batch_norm(
                x.relu(),
                norm.running_mean[mine],
                norm.running_var[mine],
                norm.weight[mine],
                norm.bias[mine],
                eps=norm.eps,
            )
            x = F.conv2d(x, linear.weight[number].t()[..., None, None], linear.bias[number, 0])
        return x
