"""Generators that a trial trains for itself, and the pairs they draw."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from segmint.data.dataset import open_dataset
from segmint.data.subjects import Split
from segmint.errors import UserError, WaitingForPerson
from segmint.evaluation.curation.curate import curate
from segmint.recipes import find_recipe
from segmint.synthesis.sample import sample
from segmint.training.run_folder import RunFolder
from segmint.training.train import train

RUN, PAIRS, DRAWN = "run", "synthetic", "drawn"
_DRAWN_A_PAIR = 1.5


@dataclass(frozen=True)
class GeneratorOrders:
    """How generators are trained and drawn from: arguments of `segmint.train` and `segmint.sample`; None is their default.

    `curate`: more pairs are drawn than are needed, and those kept that `segmint.curate` keeps.
    """

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
    curate: bool = False

    def as_json(self) -> dict[str, Any]:
        """All that decides what the pairs are; the number of threads does not belong to it."""
        content = asdict(self)
        del content["threads"]
        if not self.curate:
            # Trials that were begun before there was a choice go on.
            del content["curate"]
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
        steps: int,
        batch: int,
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
    steps: int,
    batch: int,
    device: str,
    progress: bool,
) -> Path:
    """Train a generator on the training subjects of `split` and draw pairs from it, going on from what is there.

    Args:
        subset: name of a stored subset of the training subjects or slices that it is to know alone.
        seed: of the training and of the pairs.
        pairs: how many are needed.
        folder: gets the run (`run`) and the synthetic dataset (`synthetic`); where pairs are curated, all that were drawn
            (`drawn`) too.
        steps, batch: of the segmenter that curates.

    Returns:
        The synthetic dataset.

    Raises:
        UserError: the recipe does not fit the dataset, the training diverged, or curation keeps too few pairs.
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
    if (target / "dataset.json").is_file():
        return target
    drawn = folder / DRAWN if orders.curate else target
    if not (drawn / "dataset.json").is_file():
        sample(
            run,
            n=to_draw(pairs) if orders.curate else pairs,
            seed=seed,
            out=drawn,
            truncation=orders.truncation,
            balance=orders.balance or None,
            overwrite=True,
            device=device,
        )
    if orders.curate:
        curate(
            dataset,
            drawn,
            out=target,
            size=size,
            axis=axis,
            steps=steps,
            batch=batch,
            split=split,
            overwrite=True,
            device=device,
            progress=progress,
        )
        check_kept(target, needed=pairs)
    return target


def to_draw(pairs: int) -> int:
    """How many pairs are drawn so that so many are likely to be left by curation."""
    return math.ceil(_DRAWN_A_PAIR * pairs)


def check_kept(curated: Path, *, needed: int) -> None:
    """Whether curation left as many pairs as the arms take.

    Raises:
        UserError: it did not.
    """
    kept = len(open_dataset(curated).cases)
    if kept < needed:
        raise UserError(
            f"{curated}: curation kept {kept} of {to_draw(needed)} pairs, and the arms take {needed}: look at its pictures and"
            " curation.json; leave --curate out, or name arms with fewer synthetic pairs."
        )


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
