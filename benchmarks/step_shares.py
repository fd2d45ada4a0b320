"""What a training step spends its time on, by PyTorch's profiler."""

from __future__ import annotations

from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile

KINDS = {"convolutions": "conv", "normalisation": "norm", "optimisers": "adam"}
REST = "all else"


def step_shares(step: Callable[[], None], *, steps: int) -> dict[str, float]:
    """Share of the processor's time that operators of each kind took themselves, over so many steps after a first one."""
    step()
    with profile(activities=[ProfilerActivity.CPU]) as watched:
        for _ in range(steps):
            step()
    times = dict.fromkeys([*KINDS, REST], 0.0)
    for event in watched.key_averages():
        kind = next((kind for kind, word in KINDS.items() if word in event.key.lower()), REST)
        times[kind] += event.self_cpu_time_total
    total = sum(times.values())
    return {kind: time / total for kind, time in times.items()}
