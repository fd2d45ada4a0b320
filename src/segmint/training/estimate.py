"""Memory and time of a training, said before it starts: a few real steps of a throw-away copy at a small batch."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import torch
from torch import Tensor

from segmint.recipes.contract import Batch, Stage, Task
from segmint.training.loop import LoopUpdate
from segmint.training.precision import Hardware

PROBE_BATCH, TIMED_STEPS = 4, 4


@dataclass(frozen=True)
class Estimate:
    """memory_mb: of tensors alone, on the training device; seconds: of the whole budget, at the probe's speed."""

    memory_mb: float
    seconds: float


class _SavedTensors:
    """Counts the bytes kept for backward passes, at their peak."""

    def __init__(self) -> None:
        self.now = self.peak = 0
        self.hooks = torch.autograd.graph.saved_tensors_hooks(self._pack, lambda kept: kept[0])

    def _pack(self, tensor: Tensor) -> tuple[Tensor, Any]:
        self.now += tensor.nbytes
        self.peak = max(self.peak, self.now)
        return tensor, _OnRelease(self, tensor.nbytes)

    def __enter__(self) -> _SavedTensors:
        self.hooks.__enter__()
        return self

    def __exit__(self, *exception: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.hooks.__exit__(*exception)


class _OnRelease:
    """Subtracts its bytes when the graph lets go of it."""

    def __init__(self, counter: _SavedTensors, size: int) -> None:
        self.counter, self.size = counter, size

    def __del__(self) -> None:
        self.counter.now -= self.size


def _timed(probe: Stage, batches: dict[str, Batch], update: LoopUpdate) -> float:
    start = time.monotonic()
    probe.step(batches, update)
    return time.monotonic() - start


def estimate(stage: Stage, task: Task, hardware: Hardware, *, seed: int) -> Estimate:
    """Run a few steps (the first holds the lazy regularisers) of a copy of `stage` on noise and extrapolate.

    The stage must have its optimisers built; it is not changed.
    """
    probe = copy.deepcopy(stage)
    probe.build_optimizers()
    generator = torch.Generator(device=hardware.device).manual_seed(seed)
    # The probe learns from noise: whether its losses stay finite says nothing about the training.
    update = LoopUpdate(probe, hardware, generator, task.total_images, check_finite=False)
    # A stage without streams makes its own batches, as large as its budget says.
    batch = min(PROBE_BATCH, task.batch) if stage.streams else task.batch
    images = torch.randn(batch, task.image_channels, task.size, task.size, generator=generator, device=hardware.device)
    labels = torch.zeros(batch, task.size, task.size, dtype=torch.int64, device=hardware.device)
    conditions = labels[:, None].repeat(1, len(task.condition_counts), 1, 1) if task.condition_counts else None
    batches = {stream: Batch(images, labels, conditions) for stream in probe.streams}
    with _SavedTensors() as saved:
        probe.step(batches, update)
    # The least of a few: the first steps at a new shape also prepare kernels, and other work on the machine only adds.
    seconds = min(_timed(probe, batches, update) for _ in range(TIMED_STEPS))
    weights = sum(p.nbytes for p in probe.parameters())
    # Weights and averages, gradients, and two moments of each trained weight.
    trained = sum(p.nbytes for o in probe.optimizers.values() for g in o.param_groups for p in g["params"])
    memory = weights + 3 * trained + saved.peak * task.batch / batch
    return Estimate(memory / 2**20, seconds / batch * task.total_images)
