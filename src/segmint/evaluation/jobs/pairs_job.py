"""One generator of a trial, trained and drawn from, as a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from segmint.data.subjects import Split
from segmint.evaluation.generator import CURATED, PAIRS, DrawsPairs, GeneratorOrders, are_drawn, draw_pairs

KIND = "pairs"


@dataclass(frozen=True)
class PairsJob:
    """Arguments of `draw_pairs`; `draw` may be another one that does the same."""

    title: str
    orders: GeneratorOrders
    dataset: Path
    split: Split
    subset: str | None
    size: int
    axis: int | None
    seed: int
    pairs: int
    curated: int
    folder: Path
    steps: int
    batch: int
    device: str
    progress: bool
    draw: DrawsPairs = draw_pairs

    @property
    def target(self) -> Path:
        """Where the pairs lie."""
        return self.folder / PAIRS

    @property
    def curated_target(self) -> Path:
        """Where the curated ones lie, if there are any."""
        return self.folder / CURATED

    @property
    def finished(self) -> bool:
        """Whether the pairs were drawn."""
        return are_drawn(self.orders, self.folder, pairs=self.pairs, curated=self.curated)

    def run(self) -> None:
        """Train and draw, going on from what is there."""
        self.draw(self.orders, self.dataset, **self._options())

    def as_json(self) -> dict[str, Any]:
        """Everything by name, path or number."""
        options = self._options() | {"split": asdict(self.split), "folder": str(self.folder.resolve())}
        return {
            "kind": KIND,
            "title": self.title,
            "orders": asdict(self.orders),
            "dataset": str(self.dataset.resolve()),
            **options,
        }

    def began(self) -> str:
        """Nothing: a generator speaks for itself."""
        return ""

    def failed(self) -> None:
        """Nothing."""

    def ended(self, *, trained: bool) -> None:
        """Say so."""
        done = f"{self.pairs} pairs drawn" if trained else "kept from before"
        Console(stderr=True, quiet=not self.progress).print(f"{self.title}: {done}", highlight=False)

    def _options(self) -> dict[str, Any]:
        return {
            "split": self.split,
            "subset": self.subset,
            "size": self.size,
            "axis": self.axis,
            "seed": self.seed,
            "pairs": self.pairs,
            "curated": self.curated,
            "folder": self.folder,
            "steps": self.steps,
            "batch": self.batch,
            "device": self.device,
            "progress": self.progress,
        }


def read_pairs_job(content: Mapping[str, Any]) -> PairsJob:
    """The job that `PairsJob.as_json` told of."""
    orders = {**content["orders"]}
    if orders["conditions"] is not None:
        orders["conditions"] = tuple(orders["conditions"])
    return PairsJob(
        title=content["title"],
        orders=GeneratorOrders(**orders),
        dataset=Path(content["dataset"]),
        split=Split(**{part: tuple(subjects) for part, subjects in content["split"].items()}),
        folder=Path(content["folder"]),
        **{
            key: content[key]
            for key in ("subset", "size", "axis", "seed", "pairs", "curated", "steps", "batch", "device")
        },
        progress=content["progress"],
    )
