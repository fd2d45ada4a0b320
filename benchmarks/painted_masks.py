"""Are masks to be seen in the images painted for them? By cross-validation over subjects.

python benchmarks/painted_masks.py DATASET --out DIR

For each fold: trains a painter of masks on the training subjects, paints masks with it, and shows the painted images to
segmenters that have learned from real training subjects (half of them each). Their Dice with the masks painted is held
against their Dice on real images of the fold's test subjects, which nobody has learned from. Printed are both for each
fold, how the painted masks compare with real ones, and, over all folds, the ratio of the two with an interval over test
subjects. A stopped call goes on where it stopped. Each segmenter has learned from half of the subjects that the painter
has learned from too, which lifts the painted side a little; seeds are not resampled.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

import segmint
from segmint.data.dataset import open_dataset
from segmint.data.pool import PoolPart
from segmint.data.slices import open_slices
from segmint.data.subjects import Split
from segmint.evaluation.alignment import Agreement, measure_agreement, together
from segmint.evaluation.budget import BATCH
from segmint.evaluation.chosen import Chosen
from segmint.evaluation.folds import outer_splits
from segmint.evaluation.mask_comparison import compare_masks
from segmint.evaluation.mask_set import MaskSet
from segmint.metrics.dice import dice
from segmint.reference.cross_fitted import cross_fitted_segmenters
from segmint.training.run_folder import RunFolder

_RESAMPLES = 10_000


def main() -> None:
    """A line a fold, then one of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder that keeps runs and painted sets")
    parser.add_argument("--folds", type=int, default=7)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of folds, from 0; default: all")
    parser.add_argument("--recipe", default="vess2image")
    parser.add_argument("--preset", default="repaired")
    parser.add_argument("--mask-source", default="deformed", help="where painted masks come from")
    parser.add_argument(
        "--screen-masks", action="store_true", help="paint masks that are like the training masks alone"
    )
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--kimg", type=float, help="default: the recipe's")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--n", type=int, default=200, help="masks painted")
    parser.add_argument("--steps", type=int, default=300, help="of the segmenters")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    dataset = open_dataset(given.dataset)
    assert dataset.split is not None, "segmint data split first"
    splits = outer_splits(dataset.split, given.folds)
    source = given.mask_source + (", screened" if given.screen_masks else "")
    print(
        f"{given.dataset.name}, {given.size} px, {given.recipe} ({given.preset}), masks: {source}; {given.n} painted,"
        f" {given.folds} folds, seed {given.seed}; segmenters of {given.steps} steps"
    )
    given.out.mkdir(parents=True, exist_ok=True)
    settings = {key: str(value) for key, value in vars(given).items() if key not in ("out", "only")}
    stored = given.out / "settings.json"
    if stored.exists() and json.loads(stored.read_text()) != settings:
        raise SystemExit(f"{given.out} holds results of other settings ({stored}): give another --out.")
    stored.write_text(json.dumps(settings, indent=1))
    done = []
    for number in given.only if given.only is not None else range(given.folds):
        result = given.out / f"fold{number}" / "result.json"
        if not result.exists():
            result.write_text(json.dumps(_one_fold(given, splits[number], result.parent), indent=1))
        done.append(json.loads(result.read_text()))
        _print_fold(number, done[-1])
    _print_all(done, np.random.default_rng(given.seed))


def _one_fold(given: argparse.Namespace, split: Split, folder: Path) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    run, painted = folder / "run", folder / "painted"
    if not (run / "config.json").is_file() or RunFolder(run).status != "done":
        segmint.train(
            given.recipe,
            given.dataset,
            out=run,
            split=split,
            size=given.size,
            kimg=given.kimg,
            preset=given.preset,
            mask_source=given.mask_source,
            settings=dict(one.split("=", 1) for one in given.set),
            seed=given.seed,
            resume=(run / "config.json").is_file(),
            progress=False,
        )
    if not painted.exists():
        segmint.sample(run, n=given.n, seed=given.seed, screen_masks=given.screen_masks, out=painted)
    dataset = open_dataset(given.dataset)
    real = open_slices(dataset, size=given.size)
    drawn = open_slices(open_dataset(painted), size=given.size)
    training = PoolPart(real, real.indices(split.train))
    fitted = cross_fitted_segmenters(
        training,
        PoolPart(real, real.indices(split.validation)),
        seed=given.seed,
        recipe="unet",
        steps=given.steps,
        batch=BATCH,
        device="auto",
        progress=False,
    )
    tested = Chosen(real, real.indices(split.test))
    every = Chosen(drawn, np.arange(len(drawn.records)))
    on_painted, on_real = (
        together([measure_agreement(one.segmenter, part) for one in fitted]) for part in (every, tested)
    )
    masks, ours, held = (
        MaskSet(np.asarray(part.slices.labels[part.indices]), part.subjects, part.names)
        for part in (every, Chosen(real, training.indices), tested)
    )
    names = dataset.label_names
    return {
        "painted": _dice(on_painted),
        "subjects": {subject: _dice(on_real, subject) for subject in split.test},
        "masks": compare_masks(masks, ours, label_names=names),
        "held_out_masks": compare_masks(held, ours, label_names=names)["labels"],
    }


def _dice(agreement: Agreement, subject: str | None = None) -> float:
    """Mean over labels, all pixels of the slices together."""
    chosen = np.array([subject in (None, one) for one in agreement.chosen.subjects])
    return float(np.nanmean(dice(agreement.counts[chosen].sum(axis=0))[1:]))


def _print_fold(number: int, fold: dict[str, Any]) -> None:
    real = float(np.mean(list(fold["subjects"].values())))
    print(
        f"fold {number}: Dice on painted {fold['painted']:.3f}, on real test images {real:.3f}, ratio {fold['painted'] / real:.2f}"
    )
    masks = fold["masks"]
    for name in ("distinct", "pairwise", "nearest"):
        words = {key: value for key, value in (masks[name] or {}).items() if key != "examples"}
        print(f"  {name}: {json.dumps(words)}")
    for label, measures in masks["labels"].items():
        inside = {
            name: f"{one['inside']:.2f} ({fold['held_out_masks'][label][name]['inside']:.2f})"
            for name, one in measures.items()
            if isinstance(one, dict) and "inside" in one
        }
        print(f"  {label}, inside the range of real ones, painted (held out): {json.dumps(inside)}", flush=True)


def _print_all(folds: list[dict[str, Any]], generator: np.random.Generator) -> None:
    """Ratio of means over test subjects, each beside the painted Dice of its fold, resampled by subject."""
    values = np.array([(fold["painted"], value) for fold in folds for value in fold["subjects"].values()])
    drawn = values[generator.integers(len(values), size=(_RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    painted, real = values.mean(axis=0)
    print(
        f"{len(folds)} folds, {len(values)} test subjects: Dice on painted {painted:.3f}, on real {real:.3f}, ratio"
        f" {painted / real:.2f} ({low:.2f} to {high:.2f}, 95% over subjects)"
    )


if __name__ == "__main__":
    main()
