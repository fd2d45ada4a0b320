"""Adam that updates channels-last weights without copying their gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class MemoryOrderAdam(torch.optim.Adam):
    """Fused Adam [Kingma 2015] on views of the weights in the order of their memory.

    On a CPU torch's fused kernel makes a contiguous copy of each channels-last gradient first, which takes longer than the
    update. Parameters, state and results are those of `torch.optim.Adam(..., fused=True)`, bit for bit.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, fused=True, **options)

    def _init_group(
        self,
        group: dict[str, Any],
        params: list[Tensor],
        grads: list[Tensor],
        exp_avgs: list[Tensor],
        exp_avg_sqs: list[Tensor],
        max_exp_avg_sqs: list[Tensor],
        state_steps: list[Tensor],
    ) -> bool:
        """Fill the lists that the kernel is given; torch's own step calls it."""
        has_complex: bool = super()._init_group(  # type: ignore[no-untyped-call]
            group, params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, state_steps
        )
        orders = [_memory_order(parameter) for parameter in params]
        for tensors in (params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs):
            tensors[:] = [tensor.permute(order) for tensor, order in zip(tensors, orders, strict=False)]
        return has_complex


def _memory_order(tensor: Tensor) -> list[int]:
    """Dimensions from the largest stride to the smallest."""
    return sorted(range(tensor.ndim), key=tensor.stride, reverse=True)
