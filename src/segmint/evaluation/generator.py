"""Generators that a trial trains for itself, and the pairs they draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from segmint.data.dataset import open_dataset
from segmint.data.subjects import Split
from segmint.errors import UserError, WaitingForPerson
from segmint.evaluation.curation.curate import RESULT, NothingKept, curate
from segmint.outputs import read_json, write_json
from segmint.recipes import find_recipe
from segmint.synthesis.drawing_check import check_drawing
from segmint.synthesis.sample import sample
from segmint.training.run_folder import RunFolder
from segmint.training.train import train

RUN, PAIRS, DRAWN, CURATED, KEPT = "run", "synthetic", "drawn", "curated", "kept.json"
# Pairs drawn for each that curation should leave; the second number where the first left too few.
_DRAWN_A_PAIR, _DRAWN_THEN = 1.5, 4


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

    @property
    def inputs(self) -> list[Path]:
        """Folders that are read beside the dataset."""
        return [] if self.auxiliary is None else [Path(self.auxiliary.rpartition(":")[0])]

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
    check_drawing(
        orders.recipe,
        preset=orders.preset,
        mask_source=orders.mask_source,
        truncation=orders.truncation,
        balance=orders.balance,
        label_names=open_dataset(dataset).label_names,
    )
    _train(
        orders,
        dataset,
        out=beside.resolve().with_name(f".{beside.resolve().name}.checked"),
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
        curated: int,
        folder: Path,
        steps: int,
        batch: int,
        device: str,
        progress: bool,
    ) -> None:
        """As `draw_pairs`."""


def draw_pairs(
    orders: GeneratorOrders,
    dataset: Path,
    *,
    split: Split,
    subset: str | None,
    size: int,
    axis: int | None,
    seed: int,
    pairs: int,
    curated: int,
    folder: Path,
    steps: int,
    batch: int,
    device: str,
    progress: bool,
) -> None:
    """Train a generator on the training subjects of `split` and draw pairs from it, going on from what is there.

    Args:
        subset: name of a stored subset of the training subjects or slices that it is to know alone.
        seed: of the training and of the pairs.
        pairs: how many are needed; curated: how many curated ones beside them.
        folder: gets the run (`run`) and the synthetic dataset (`synthetic`), the curated one (`curated`), and how many pairs that
            one holds (`kept.json`), which may be too few. Where the orders say that all pairs are curated, `synthetic` holds
            those that are kept, at least `pairs`, and `drawn` all.
        steps, batch: of the segmenter that curates.

    Raises:
        UserError: the recipe does not fit the dataset, the training diverged, or curation keeps fewer than `pairs`.
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

    def draw(n: int, out: Path) -> None:
        sample(
            run,
            n=n,
            seed=seed,
            out=out,
            truncation=orders.truncation,
            balance=orders.balance or None,
            overwrite=True,
            device=device,
        )

    options: dict[str, Any] = {
        "size": size,
        "axis": axis,
        "steps": steps,
        "batch": batch,
        "split": split,
        "device": device,
        "progress": progress,
    }
    if are_drawn(orders, folder, pairs=pairs, curated=curated):
        return
    if orders.curate:
        curate_enough(dataset, draw, needed=pairs, places=(folder / DRAWN, folder / DRAWN), out=target, **options)
        check_kept(target, needed=pairs)
        return
    needed = max(pairs, to_draw(curated))
    if not _holds(target, needed):
        draw(needed, target)
    if curated:
        kept = folder / CURATED
        curate_enough(dataset, draw, needed=curated, places=(target, folder / DRAWN), out=kept, **options)
        write_json(folder / KEPT, {"kept": _count(kept)})


def curate_enough(
    dataset: Path,
    draw: Callable[[int, Path], None],
    *,
    needed: int,
    places: tuple[Path, Path],
    out: Path,
    **options: Any,
) -> None:
    """Curate pairs until enough are kept: of half as many again as are needed, then of four times as many.

    Args:
        draw: writes so many pairs to a folder.
        places: folders for the first and the second set of pairs; what they hold already is not drawn again.
        out: folder for those that are kept, which may be too few, or for none at all: then nothing is written.
        options: of `segmint.curate`.
    """
    for n, drawn in zip((to_draw(needed), _DRAWN_THEN * needed), places, strict=True):
        if not _holds(drawn, n):
            draw(n, drawn)
        with suppress(NothingKept):
            curate(dataset, drawn, out=out, overwrite=True, **options)
        if _holds(out, needed):
            return


def are_drawn(orders: GeneratorOrders, folder: Path, *, pairs: int, curated: int) -> bool:
    """Whether `draw_pairs` has nothing left to do."""
    if orders.curate:
        return _holds(folder / PAIRS, pairs)
    return (folder / PAIRS / "dataset.json").is_file() and (not curated or (folder / KEPT).is_file())


def kept_pairs(folder: Path) -> int:
    """How many curated pairs `draw_pairs` left in a folder."""
    return int(read_json(folder / KEPT)["kept"])


def drops_none(folder: Path, pairs: int) -> bool:
    """Whether the first curated pairs that `draw_pairs` left in a folder are the first ones drawn."""
    result = folder / CURATED / RESULT
    return result.is_file() and all(one["kept"] for one in read_json(result)["pairs"][:pairs])


def to_draw(pairs: int) -> int:
    """How many pairs are drawn so that so many are likely to be left by curation."""
    return math.ceil(_DRAWN_A_PAIR * pairs)


def check_kept(curated: Path, *, needed: int) -> None:
    """Whether curation left as many pairs as the arms take.

    Raises:
        UserError: it did not.
    """
    kept = _count(curated)
    if kept < needed:
        raise UserError(
            f"{curated}: curation kept {kept} pairs, and the arms take {needed}: look at its pictures and curation.json; have"
            " pairs left as they were drawn, or name arms with fewer synthetic pairs."
        )


def _holds(dataset: Path, pairs: int) -> bool:
    return (dataset / "dataset.json").is_file() and _count(dataset) >= pairs


def _count(dataset: Path) -> int:
    return len(open_dataset(dataset).cases) if (dataset / "dataset.json").is_file() else 0


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
