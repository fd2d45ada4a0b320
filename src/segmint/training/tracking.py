"""TensorBoard logs beside log.jsonl, where the `track` extra is installed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import util
from pathlib import Path
from typing import Any


def tensorboard_is_installed() -> bool:
    """Whether the `track` extra is there."""
    return util.find_spec("tensorboard") is not None


class TensorBoardTrack:
    """Writes each log line's scalars; on resume, what came after the checkpoint is purged."""

    def __init__(self, folder: Path, *, resumed_at: int) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self.writer = SummaryWriter(str(folder), purge_step=resumed_at + 1 if resumed_at else None)

    def __call__(self, line: Mapping[str, Any]) -> None:
        """Write one log line."""
        stage, images = line["stage"], line["images"]
        for network, losses in line["losses"].items():
            for name, value in losses.items():
                self.writer.add_scalar(f"{stage}/{network}/{name}", value, images)
        if line["validation"] is not None:
            self.writer.add_scalar(
                f"{stage}/validation/{line['validation']['name']}", line["validation"]["value"], images
            )
        for name in ("augmentation", "diversity", "images_per_second", "memory_mb"):
            if line.get(name) is not None:
                self.writer.add_scalar(f"{stage}/{name}", line[name], images)
        self.writer.flush()

    def close(self) -> None:
        """Finish the file."""
        self.writer.close()
