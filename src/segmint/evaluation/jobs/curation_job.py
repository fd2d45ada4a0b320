"""One synthetic set, curated, as a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from segmint.data.subjects import Split
from segmint.evaluation.curation.curate import curate
from segmint.evaluation.generator import CURATED, check_kept

KIND = "curation"


@dataclass(frozen=True)
class CurationJob:
    """Arguments of `segmint.curate`; `pairs` are needed."""

    title: str
    dataset: Path
    drawn: Path
    split: Split
    size: int
    axis: int | None
    pairs: int
    folder: Path
    steps: int
    batch: int
    device: str
    progress: bool

    @property
    def target(self) -> Path:
        """Where the pairs lie that are kept."""
        return self.folder / CURATED

    @property
    def finished(self) -> bool:
        """Whether they do."""
        return (self.target / "dataset.json").is_file()

    def run(self) -> None:
        """Curate, or see again that too few were left."""
        if not self.finished:
            curate(
                self.dataset,
                self.drawn,
                out=self.target,
                size=self.size,
                axis=self.axis,
                steps=self.steps,
                batch=self.batch,
                split=self.split,
                overwrite=True,
                device=self.device,
                progress=self.progress,
            )
        check_kept(self.target, needed=self.pairs)

    def as_json(self) -> dict[str, Any]:
        """Everything by name, path or number."""
        places = {name: str(getattr(self, name).resolve()) for name in ("dataset", "drawn", "folder")}
        return {"kind": KIND, **vars(self), **places, "split": asdict(self.split)}

    def began(self) -> str:
        """Nothing: curation speaks for itself."""
        return ""

    def failed(self) -> None:
        """Nothing."""

    def ended(self, *, trained: bool) -> None:
        """Say so."""
        done = "curated" if trained else "kept from before"
        Console(stderr=True, quiet=not self.progress).print(f"{self.title}: {done}", highlight=False)


def read_curation_job(content: Mapping[str, Any]) -> CurationJob:
    """The job that `CurationJob.as_json` told of."""
    plain = ("title", "size", "axis", "pairs", "steps", "batch", "device", "progress")
    return CurationJob(
        dataset=Path(content["dataset"]),
        drawn=Path(content["drawn"]),
        folder=Path(content["folder"]),
        split=Split(**{part: tuple(subjects) for part, subjects in content["split"].items()}),
        **{key: content[key] for key in plain},
    )
