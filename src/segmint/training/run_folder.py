"""The folder a training writes: configuration, environment, log, previews, stages."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, FiniteFloat, StrictInt, StrictStr, ValidationError

from segmint.data.sidecar import first_complaint
from segmint.errors import UserError
from segmint.outputs import read_object, write_json, write_text
from segmint.training.checkpoint import CheckpointFolder

PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "monai",
    "nibabel",
    "pillow",
    "tifffile",
    "scikit-image",
    "safetensors",
    "pydantic",
)


# Status of a run whose next stage needs labels that a person gives.
WAITING = "waiting for labels"


class RunFolder:
    """Paths and contents of a run."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    @property
    def config(self) -> dict[str, Any]:
        """Everything resolved.

        Raises:
            UserError: `root` is not a run.
        """
        path = self.root / "config.json"
        if not path.exists():
            raise UserError(
                f"{self.root} is not a run of segmint (it has no config.json): give the folder that train wrote."
            )
        return read_object(path)

    @property
    def status(self) -> str:
        """ "running", "interrupted", "diverged", "waiting for labels" or "done"."""
        path = self.root / "state.json"
        return str(read_object(path).get("status")) if path.exists() else "running"

    def set_status(self, status: str) -> None:
        """Record how far the run is."""
        write_json(self.root / "state.json", {"status": status})

    @property
    def annotations(self) -> Path:
        """Folder of what a person has labelled for the run."""
        return self.root / "annotations"

    @property
    def previews(self) -> Path:
        return self.root / "previews"

    def stage_folder(self, index: int, name: str) -> Path:
        return self.root / "stages" / f"{index:02d}-{name}"

    def stage_folders(self) -> list[Path]:
        """Folders of the stages begun so far, in order."""
        stages = self.root / "stages"
        return sorted(path for path in stages.iterdir() if path.is_dir()) if stages.is_dir() else []

    def checkpoints(self, stage: Path) -> CheckpointFolder:
        return CheckpointFolder(stage / "checkpoints")

    def log(self) -> list[dict[str, Any]]:
        """Lines of log.jsonl, one a tick; a line cut short by a crash is left out."""
        return RunLog(self.root / "log.jsonl").lines()


class _Measured(BaseModel):
    name: StrictStr
    value: float | None
    direction: Literal["lower", "higher"]


class _Finding(BaseModel):
    code: StrictStr
    message: StrictStr
    advice: StrictStr


class _Tick(BaseModel):
    """What is read of a line."""

    stage: StrictStr
    images: Annotated[StrictInt, Field(ge=0)]
    kimg: FiniteFloat
    share_done: float = 1.0
    losses: dict[StrictStr, dict[StrictStr, float]]
    validation: _Measured | None
    diversity: float | None = None
    training_diversity: float | None = None
    health: list[_Finding]


class RunLog:
    """log.jsonl: one JSON object a tick, appended and flushed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[dict[str, Any]]:
        """All whole lines.

        Raises:
            UserError: one is not as the loop writes them.
        """
        if not self.path.is_file():
            return []
        lines = []
        for number, text in enumerate(self.path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            try:
                line = json.loads(text)
                _Tick.model_validate(line)
            except json.JSONDecodeError:
                break
            except (RecursionError, ValueError) as error:
                said = first_complaint(error) if isinstance(error, ValidationError) else str(error)
                raise UserError(
                    f"{self.path} line {number} is no line of a training ({said}): restore the file or train again."
                ) from error
            lines.append(line)
        return lines

    def append(self, line: Mapping[str, Any]) -> None:
        """Add one line and flush it to disk."""
        with self.path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line) + "\n")
            handle.flush()
            os.fsync(handle.fileno())

    def cut_back(self, stage: str, images: int) -> None:
        """Drop what `stage` logged after `images`, so that the log tells of the training that counts."""
        kept = [line for line in self.lines() if line["stage"] != stage or line["images"] <= images]
        write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))


def describe_environment() -> dict[str, Any]:
    """Machine and versions, for reproduction and for the report."""
    import psutil
    import torch

    packages = {}
    for name in ("segmint", *PACKAGES):
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            packages[name] = "absent"
    return {
        "cpu": _cpu_name(),
        "cores": psutil.cpu_count(logical=False) or os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "packages": packages,
    }


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
