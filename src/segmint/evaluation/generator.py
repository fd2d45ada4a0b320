"""Generators that a trial trains for itself, and the pairs they draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from segmint.data.subjects import Split
from segmint.errors import UserError, WaitingForPerson
from segmint.recipes import find_recipe
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


def check_generator(
    orders: GeneratorOrders,
    dataset: Path,
    *,
    split: Split,
    subset: str | None,
    size: int,
    axis: int | None,
    beside: Path,
    device: str,
) -> None:
    """Whether a generator can be trained so, and gives what a trial needs; nothing is written.

    Args:
        beside: some path in whose place nothing is written.

    Raises:
        UserError: it cannot, or does not.
    """
    if not find_recipe(orders.recipe).gives & {"pairs", "images"}:
        raise UserError(f"--recipe {orders.recipe} draws no pairs: choose a recipe that does (segmint recipes).")
    _train(
        orders,
        dataset,
        out=beside.with_name(f".{beside.name}.checked"),
        split=split,
        subset=subset,
        size=size,
        axis=axis,
        seed=0,
        device=device,
        progress=False,
        dry_run=True,
    )


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
        try:
            _train(
                orders,
                dataset,
                out=run,
                split=split,
                subset=subset,
                size=size,
                axis=axis,
                seed=seed,
                device=device,
                progress=progress,
                resume=begun,
                # A call that was stopped before it wrote its configuration has left nothing to keep.
                overwrite=not begun,
            )
        except WaitingForPerson as error:
            raise UserError(
                f"{orders.recipe} waits for labels that a person gives, which a trial cannot: train it with segmint train, and "
                "give the trial what segmint sample draws from it."
            ) from error
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


def _train(orders: GeneratorOrders, dataset: Path, *, out: Path, **options: Any) -> None:
    train(
        orders.recipe,
        dataset,
        out=out,
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
        **options,
    )
