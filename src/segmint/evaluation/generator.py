"""Generators that a trial trains for itself, and the pairs they draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from segmint.data.subjects import Split
from segmint.synthesis.sample import sample
from segmint.training.run_folder import RunFolder
from segmint.training.train import train

RUN, PAIRS = "run", "synthetic"


@dataclass(frozen=True)
class GeneratorOrders:
    """How generators are trained and drawn from: arguments of `segmint.train` and `segmint.sample`; None is their default."""

    recipe: str
    kimg: float | None = None
    batch: int | None = None
    preset: str = "repaired"
    capacity: str | None = None
    mask_source: str | None = None
    auxiliary: str | None = None
    conditions: tuple[str, ...] | None = None
    tile: int | None = None
    unlabelled: str = "auto"
    settings: Mapping[str, str] = field(default_factory=dict)
    balance: Mapping[str, float] = field(default_factory=dict)
    truncation: float | None = None
    precision: str = "auto"
    threads: int | None = None

    def as_json(self) -> dict[str, Any]:
        """All that decides what the pairs are; the number of threads does not belong to it."""
        content = asdict(self)
        del content["threads"]
        return content


class DrawsPairs(Protocol):
    """How a trial comes by its pairs."""

    def __call__(
        self,
        orders: GeneratorOrders,
        dataset: Path,
        *,
        split: Split,
        subset: str | None,
        size: int,
        axis: int | None,
        seed: int,
        pairs: int,
        folder: Path,
        device: str,
        progress: bool,
    ) -> Path:
        """As `drawn_pairs`."""


def drawn_pairs(
    orders: GeneratorOrders,
    dataset: Path,
    *,
    split: Split,
    subset: str | None,
    size: int,
    axis: int | None,
    seed: int,
    pairs: int,
    folder: Path,
    device: str,
    progress: bool,
) -> Path:
    """Train a generator on the training subjects of `split` and draw pairs from it, going on from what is there.

    Args:
        subset: name of a stored subset of the training subjects or slices that it is to know alone.
        seed: of the training and of the pairs.
        folder: gets the run (`run`) and the synthetic dataset (`synthetic`).

    Returns:
        The synthetic dataset.

    Raises:
        UserError: the recipe does not fit the dataset, or the training diverged.
        KeyboardInterrupt: stopped by Ctrl-C; the same call goes on.
    """
    run, target = folder / RUN, folder / PAIRS
    begun = (run / "config.json").is_file()
    if not begun or RunFolder(run).status != "done":
        train(
            orders.recipe,
            dataset,
            out=run,
            size=size,
            axis=axis,
            kimg=orders.kimg,
            batch=orders.batch,
            preset=orders.preset,
            capacity=orders.capacity,
            mask_source=orders.mask_source,
            auxiliary=orders.auxiliary,
            conditions=orders.conditions,
            tile=orders.tile,
            unlabelled=orders.unlabelled,
            settings=orders.settings,
            precision=orders.precision,
            threads=orders.threads,
            split=split,
            subset=subset,
            seed=seed,
            resume=begun,
            # A call that was stopped before it wrote its configuration has left nothing to keep.
            overwrite=not begun,
            device=device,
            progress=progress,
        )
    if not (target / "dataset.json").is_file():
        sample(
            run,
            n=pairs,
            seed=seed,
            out=target,
            truncation=orders.truncation,
            balance=orders.balance or None,
            overwrite=True,
            device=device,
        )
    return target
