from __future__ import annotations

import pytest
import torch

from segmint.errors import UserError
from segmint.training.precision import choose_hardware


def test_what_is_asked_for_is_taken() -> None:
    hardware = choose_hardware(device="cpu", precision="bf16", threads=1)
    assert (hardware.device, hardware.precision, hardware.threads) == ("cpu", "bf16", 1)
    with hardware.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16


def test_float32_is_left_alone() -> None:
    with choose_hardware(device="cpu", precision="float32", threads=1).autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


@pytest.mark.parametrize("wrong", [{"device": "tpu"}, {"precision": "fp8"}, {"threads": 0}])
def test_wrong_values_are_refused(wrong: dict[str, str | int]) -> None:
    with pytest.raises(UserError):
        choose_hardware(**{"device": "cpu", **wrong})  # type: ignore[arg-type]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_missing_gpu_is_said() -> None:
    with pytest.raises(UserError, match="no GPU"):
        choose_hardware(device="cuda")
