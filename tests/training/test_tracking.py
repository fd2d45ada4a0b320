from __future__ import annotations

from pathlib import Path

import pytest

from segmint.training.tracking import TensorBoardTrack


def test_scalars_reach_tensorboard(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    track = TensorBoardTrack(tmp_path, resumed_at=0)
    for images in (10, 20):
        track(
            {
                "stage": "00-joint",
                "images": images,
                "losses": {"generator": {"adversarial": images / 10}},
                "validation": {"name": "dice", "value": 0.5},
                "augmentation": None,
                "memory_mb": 100,
            }
        )
    track.close()
    events = accumulator.EventAccumulator(str(tmp_path))
    events.Reload()
    written = [(event.step, event.value) for event in events.Scalars("00-joint/generator/adversarial")]
    assert written == [(10, 1.0), (20, 2.0)]
    assert "00-joint/validation/dice" in events.Tags()["scalars"]
