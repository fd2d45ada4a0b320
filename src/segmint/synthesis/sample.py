"""`segmint sample`: pairs of a run as a dataset on the source's grid, in the source's intensities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.data.case import Provenance
from segmint.data.dataset import is_colour
from segmint.data.intensity import IntensityMap
from segmint.data.orientation import affine_along
from segmint.data.placement import Placement
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.outputs import check_target, staged_folder
from segmint.recipes import find_recipe
from segmint.seeds import check_seed
from segmint.synthesis.cards import write_cards
from segmint.synthesis.certain import PICTURE, candidates, drawn_candidates, most_certain
from segmint.synthesis.draw import Drawn, Sampler
from segmint.synthesis.drawing_check import check_truncation, read_balance
from segmint.synthesis.open_run import open_run
from segmint.synthesis.real_cases import RealCases
from segmint.training.run_folder import RunFolder
from segmint.training.stored_config import read_config

BLOCK = 64


def sample(
    run: Path,
    *,
    n: int,
    seed: int = 0,
    out: Path,
    truncation: float | None = None,
    keep: float | None = None,
    mask_source: str | None = None,
    masks: Path | None = None,
    balance: Mapping[str, float] | None = None,
    screen_masks: bool = False,
    checkpoint: str = "auto",
    with_real: bool = False,
    overwrite: bool = False,
    device: str = "auto",
) -> Path:
    """Draw `n` pairs and write them to `out` as an nnU-Net v2 dataset, with a datasheet and a model card.

    Images come on the source's grid, or that of given masks (padding cut off, scale undone), and in its intensities (the
    training set's median map); pairs of volumes are single-slice NIfTI with the source's spacing, and the orientation that its
    training volumes share, for nnU-Net's 2-D configuration.

    Args:
        truncation: in (0, 1]; smaller draws nearer to the mean latent: less varied, fewer odd samples; default: the recipe's.
        keep: in (0, 1]: more pairs are drawn than asked for and this share kept, those with the most certain label maps;
            only for runs that tell uncertainty; default: the recipe's, or 1 with `balance`. `kept_and_dropped.png` shows both.
        mask_source: for runs that paint masks: "real", "deformed", or a run that draws masks; default: as in training.
        masks: a dataset whose label maps are painted, in its own order; its slices must be stored as the run's volumes are.
        balance: {label: share}: that share of the pairs holds the label, by name or id; one label.
        screen_masks: for runs that paint masks: a mask is drawn again until its shapes lie in the range of the training masks,
            and it is no nearer to one of them than masks of different subjects are (see `Yardstick`).
        checkpoint: "best" (by the validation measure), "last", or "auto": the last, unless it is far worse than the best.
        with_real: also copy the real training and validation cases, and write a splits_final.json (five folds by subject) that
            keeps synthetic cases out of every validation part.

    Raises:
        UserError: the run cannot be read, a number is out of range, the real cases have changed since the training or cannot
            lie beside the drawn ones, or `out` exists.
    """
    check_seed(seed)
    config = read_config(RunFolder(run))
    if truncation is None:
        truncation = _by_recipe(config, "truncation")
    if n < 1:
        raise UserError(f"--n {n} must be at least 1.")
    check_truncation(truncation)
    if keep is not None and not 0 < keep <= 1:
        raise UserError(f"--keep {keep:g} must be above 0 and at most 1.")
    if keep is not None and keep < 1 and balance:
        raise UserError("--keep and --balance exclude each other: dropping pairs would undo the balance.")
    real = RealCases(config, seed=seed) if with_real else None
    opened = open_run(
        run,
        checkpoint=checkpoint,
        device=device,
        mask_source=mask_source,
        masks=masks,
        balance=read_balance(balance, config["dataset"]["label_names"]),
        screen_masks=screen_masks,
        truncation=truncation,
    )
    sampler = opened.sampler
    if keep is None:
        keep = 1.0 if balance else _by_recipe(config, "keep")
    if keep < 1 and not sampler.tells_uncertainty:
        raise UserError(f"--keep {keep:g}: runs of {config['recipe']} do not tell how certain a pair is: leave it out.")
    source, grid = config["dataset"], opened.grid
    provenance = Provenance(
        run=str(opened.run.folder.root.resolve()),
        checkpoint_sha256=sampler.checkpoint_sha256,
        seed=seed,
        recipe=config["recipe"],
        labels_seen=read_pairs(opened.seen["labels_seen"]),
        images_seen=read_pairs(opened.seen["images_seen"]),
        selected_on=read_pairs(opened.seen["selected_on"]),
        marks_seen=read_marks(opened.seen["marks_seen"]),
        stands_on=opened.stands_on,
        truncation=truncation,
        keep=keep,
        screened=screen_masks,
    )
    # Real cases need not have the maps that were computed or predicted.
    condition_names = [name for name in sampler.condition_names if real is None or real.has_condition(name)]
    read = [Path(run), *([] if real is None else [real.dataset.root]), *([] if masks is None else [Path(masks)])]
    check_target(out, overwrite=overwrite, inputs=read)
    with staged_folder(out, overwrite=overwrite) as staging:
        writer = DatasetWriter(
            staging,
            name=f"{source['name']} by {config['recipe']}",
            channel_names=source["channel_names"],
            label_names=source["label_names"],
            file_ending=source["file_ending"],
            licence=source["licence"],
            provenance=provenance,
            rgb=source["rgb"],
            conditions={name: config["conditions"][name] for name in condition_names},
        )
        names: list[str] = []
        colour = is_colour(source["channel_names"])
        grid_writer = GridWriter(writer, grid, axis=config["axis"], size=config["size"])
        for number, pair in _drawn_pairs(
            sampler, n, seed, truncation=truncation, keep=keep, beside=staging, colour=colour
        ):
            names.append(f"synthetic_s{seed}_{number:06d}")
            drawn = dict(zip(sampler.condition_names, pair.conditions[0], strict=True))
            maps = {name: drawn[name] for name in condition_names}
            uncertainty = None if pair.uncertainty is None else float(pair.uncertainty[0])
            grid_writer.add(names[-1], pair.images[0], pair.labels[0], maps, uncertainty=uncertainty)
        writer.finish(split=None if real is None else real.add(writer, names))
        write_cards(staging, Path(run), at=Path(out))
    return Path(out)


def _by_recipe(config: dict[str, Any], what: str) -> float:
    """Truncation, or share to keep, unless told otherwise."""
    recipe = find_recipe(config["recipe"])
    by_preset: Mapping[str, float] = getattr(recipe, what)
    return by_preset.get(config["preset"], 1.0)


def _drawn_pairs(
    sampler: Sampler, n: int, seed: int, *, truncation: float, keep: float, beside: Path, colour: bool
) -> Iterator[tuple[int, Drawn]]:
    """Number and pair, `n` of them, one at a time."""
    if keep == 1:
        for first in range(0, n, BLOCK):
            drawn = sampler.draw(min(BLOCK, n - first), seed, first=first, truncation=truncation)
            yield from ((first + place, drawn.only(place)) for place in range(len(drawn.images)))
        return
    total = candidates(n, keep)
    with drawn_candidates(sampler, total, seed, truncation=truncation, block=BLOCK, beside=beside) as held:
        kept = most_certain(held.uncertainty, n)
        held.write_picture(beside / PICTURE, kept, colour=colour)
        nothing = np.empty((1, 0, *held.labels.shape[1:]), dtype=np.uint8)
        for number in kept.tolist():
            one = slice(number, number + 1)
            yield number, Drawn(held.images[one], held.labels[one], nothing, held.uncertainty[one])


class GridWriter:
    """Puts pairs of the square training grid back on the source's grid and hands them to the dataset's writer."""

    def __init__(self, writer: DatasetWriter, grid: dict[str, Any], *, axis: int | None, size: int) -> None:
        self.writer, self.axis = writer, axis
        self.placement = Placement(size, grid["scale"])
        self.shape = (int(grid["reference_shape"][0]), int(grid["reference_shape"][1]))
        self.drawn = self.placement.inner_shape(self.shape)
        self.spacing = tuple(grid["spacing"])
        orientation = grid.get("orientation")
        self.affine = None if orientation is None else affine_along(orientation, self.spacing)
        self.intensity = tuple(IntensityMap(**entry) for entry in grid["intensity"])

    def add(
        self,
        name: str,
        image: NDArray[np.float32],
        label: NDArray[np.uint8],
        conditions: Mapping[str, NDArray[np.uint8]],
        *,
        uncertainty: float | None = None,
    ) -> None:
        """Write an image [C, S, S] in [-1, 1] with its maps [S, S]."""
        image = self.placement.undo(image, self.shape, order=1)
        image = np.stack([one.restore(channel) for one, channel in zip(self.intensity, image, strict=True)])
        if self.axis is not None:
            image = np.expand_dims(image, self.axis + 1)
        self.writer.add(
            name,
            image,
            self._map(label),
            subject=name,
            spacing=self.spacing,
            affine=self.affine,
            intensity=self.intensity,
            conditions={key: self._map(ids) for key, ids in conditions.items()},
            uncertainty=uncertainty,
            drawn=None if self.drawn == self.shape else self.drawn,
        )

    def _map(self, ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
        restored = self.placement.undo(ids, self.shape, order=0)
        return restored if self.axis is None else np.expand_dims(restored, self.axis)


def read_pairs(seen: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    """A seen-list of a run's configuration as provenance holds it."""
    return tuple((str(dataset), str(subject)) for dataset, subject in seen)


def read_marks(seen: Sequence[Sequence[str]]) -> tuple[tuple[str, str, str], ...]:
    """The marks of a run's configuration as provenance holds them."""
    return tuple((str(dataset), str(subject), str(marks)) for dataset, subject, marks in seen)
