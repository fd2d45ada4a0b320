"""Device, precision and threads of a run."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import psutil
import torch

from segmint.errors import UserError


@dataclass(frozen=True)
class Hardware:
    """Where and how a run computes; stored with it and compared on resume.

    Attributes:
        device: "cpu" or "cuda".
        precision: "bf16" (autocast) or "float32".
        threads: CPU threads of one operation.
        instructions: instruction set torch chose.
    """

    device: str
    precision: str
    threads: int
    instructions: str

    def autocast(self) -> AbstractContextManager[Any]:
        """Context of the run's precision."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device, dtype=torch.bfloat16)

    def apply(self) -> None:
        """Set the number of threads for this process."""
        torch.set_num_threads(self.threads)


def choose_hardware(*, device: str = "auto", precision: str = "auto", threads: int | None = None) -> Hardware:
    """Resolve "auto": a GPU where there is one; bf16 where the machine multiplies it natively, float32 elsewhere.

    Raises:
        UserError: unknown value, or a device that is not there.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device not in ("cpu", "cuda"):
        raise UserError(f"--device {device} is unknown: use auto, cpu or cuda.")
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: torch sees no GPU here; use --device cpu or install a CUDA build of torch.")
    if precision == "auto":
        precision = "bf16" if _multiplies_bf16(device) else "float32"
    if precision not in ("bf16", "float32"):
        raise UserError(f"--precision {precision} is unknown: use auto, bf16 or float32.")
    if threads is None:
        threads = int(os.environ.get("OMP_NUM_THREADS") or psutil.cpu_count(logical=False) or os.cpu_count() or 1)
    if threads < 1:
        raise UserError(f"--threads {threads}: at least one thread is needed.")
    return Hardware(device, precision, threads, torch.backends.cpu.get_cpu_capability())


def _multiplies_bf16(device: str) -> bool:
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Without these instructions bf16 is emulated and several times slower than float32.
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
