"""`segmint sample`: pairs of a run as a dataset on the source's grid, in the source's intensities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.data.case import Provenance
from segmint.data.dataset import Dataset, open_dataset
from segmint.data.intensity import IntensityMap
from segmint.data.label_names import find_label
from segmint.data.placement import Placement
from segmint.data.slices import open_slices
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.outputs import check_target, staged_folder, write_json
from segmint.synthesis.open_run import SEEN_LISTS, open_run
from segmint.training.run_folder import RunFolder

BLOCK = 64
FOLDS = 5


def sample(
    run: Path,
    *,
    n: int,
    seed: int = 0,
    out: Path,
    truncation: float = 1.0,
    mask_source: str | None = None,
    masks: Path | None = None,
    balance: Mapping[str, float] | None = None,
    checkpoint: str = "best",
    with_real: bool = False,
    overwrite: bool = False,
    device: str = "auto",
) -> Path:
    """Draw `n` pairs and write them to `out` as an nnU-Net v2 dataset.

    Images come on the source's grid (padding cut off, scale undone) and in its intensities (the training set's median map);
    pairs of volumes are single-slice NIfTI with the source's spacing, for nnU-Net's 2-D configuration.

    Args:
        truncation: in (0, 1]; smaller draws nearer to the mean latent: less varied, fewer odd samples.
        mask_source: for runs that paint masks: "real", "deformed", or a run that draws masks; default: as in training.
        masks: a dataset whose label maps are painted, in its own order.
        balance: {label: share}: that share of the pairs holds the label, by name or id; one label.
        checkpoint: "best" or "last".
        with_real: also write the real training and validation cases, and a splits_final.json (five folds by subject) that
            keeps synthetic cases out of every validation part.

    Raises:
        UserError: the run cannot be read, a number is out of range, or `out` exists.
    """
    if n < 1 or not 0 < truncation <= 1:
        raise UserError(f"--n {n} must be at least 1 and --truncation {truncation:g} above 0 and at most 1.")
    config = RunFolder(run).config
    opened = open_run(
        run,
        checkpoint=checkpoint,
        device=device,
        mask_source=mask_source,
        masks=masks,
        balance=read_balance(balance, config["dataset"]["label_names"]),
        truncation=truncation,
    )
    sampler = opened.sampler
    source, grid = config["dataset"], config["grid"]
    provenance = Provenance(
        run=str(opened.run.folder.root.resolve()),
        checkpoint_sha256=sampler.checkpoint_sha256,
        seed=seed,
        recipe=config["recipe"],
        **{key: _pairs(opened.seen[key]) for key in SEEN_LISTS},
        stands_on=opened.stands_on,
    )
    check_target(out, overwrite=overwrite, inputs=[Path(run)])
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
            # Real cases need not have the maps that were computed or predicted.
            conditions={} if with_real else {name: config["conditions"][name] for name in sampler.condition_names},
        )
        names = [f"synthetic_s{seed}_{i:06d}" for i in range(n)]
        grid_writer = _GridWriter(writer, grid, axis=config["axis"], size=config["size"])
        for first in range(0, n, BLOCK):
            drawn = sampler.draw(min(BLOCK, n - first), seed, first=first, truncation=truncation)
            for offset, (image, label) in enumerate(zip(drawn.images, drawn.labels, strict=True)):
                maps = dict(zip(sampler.condition_names, drawn.conditions[offset], strict=True))
                grid_writer.add(names[first + offset], image, label, {} if with_real else maps)
        split = _add_real(writer, staging, config, names) if with_real else None
        writer.finish(split=split)
    return Path(out)


class _GridWriter:
    """Puts pairs of the square training grid back on the source's grid and hands them to the dataset's writer."""

    def __init__(self, writer: DatasetWriter, grid: dict[str, Any], *, axis: int | None, size: int) -> None:
        self.writer, self.axis = writer, axis
        self.placement = Placement(size, grid["scale"])
        self.shape = (int(grid["reference_shape"][0]), int(grid["reference_shape"][1]))
        self.spacing = tuple(grid["spacing"])
        self.intensity = tuple(IntensityMap(**entry) for entry in grid["intensity"])

    def add(
        self,
        name: str,
        image: NDArray[np.float32],
        label: NDArray[np.uint8],
        conditions: Mapping[str, NDArray[np.uint8]],
    ) -> None:
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
            intensity=self.intensity,
            conditions={key: self._map(ids) for key, ids in conditions.items()},
        )

    def _map(self, ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
        restored = self.placement.undo(ids, self.shape, order=0)
        return restored if self.axis is None else np.expand_dims(restored, self.axis)


def read_balance(balance: Mapping[str, float] | None, label_names: Sequence[str]) -> tuple[int, float] | None:
    """{label name or id: share} as (id, share).

    Raises:
        UserError: several labels, an unknown one, or a share outside 0 to 1.
    """
    if not balance:
        return None
    if len(balance) > 1:
        raise UserError("--balance: one label can be balanced at a time.")
    ((name, share),) = balance.items()
    label = find_label(name, label_names, option="--balance")
    if not 0 <= share <= 1:
        raise UserError(f"--balance {name}={share:g}: the share must lie between 0 and 1.")
    return label, share


def _pairs(seen: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(dataset), str(subject)) for dataset, subject in seen)


def _add_real(writer: DatasetWriter, staging: Path, config: dict[str, Any], synthetic: Sequence[str]) -> Split:
    """Write the real training and validation cases beside the synthetic ones, and the folds."""
    dataset = open_dataset(Path(config["dataset"]["path"]))
    if dataset.identity != config["dataset"]["identity"]:
        raise UserError(
            f"{dataset.root} has changed since the run was trained: restore it, or sample without --with-real."
        )
    parts = config["split"]
    subjects = [*parts["train"], *parts["validation"]]
    maps = open_slices(dataset, size=config["size"], axis=config["axis"]).case_intensity
    for case in dataset.cases_of(subjects):
        writer.add(
            case.id,
            dataset.read_image(case),
            dataset.read_label(case),
            subject=case.subject,
            spacing=dataset.spacing(case),
            affine=dataset.affine(case),
            intensity=maps[case.id],
        )
    write_json(staging / "splits_final.json", mixed_folds(dataset, subjects, synthetic, seed=config["seed"]))
    return Split(train=(*sorted(parts["train"]), *synthetic), validation=tuple(parts["validation"]))


def mixed_folds(
    dataset: Dataset, subjects: Sequence[str], synthetic: Sequence[str], *, seed: int
) -> list[dict[str, list[str]]]:
    """nnU-Net's splits_final.json: folds over real subjects; synthetic cases are in every training part and no validation part."""
    order = np.random.default_rng([seed, 5]).permutation(sorted(subjects))
    folds = []
    for k in range(min(FOLDS, len(order))):
        held = set(order[k::FOLDS].tolist())
        cases = dataset.cases_of(subjects)
        folds.append(
            {
                "train": [case.id for case in cases if case.subject not in held] + list(synthetic),
                "val": [case.id for case in cases if case.subject in held],
            }
        )
    return folds
