"""How well a condition map learnt on one dataset is predicted on another, with and without noise on the input.

python benchmarks/map_transfer.py SOURCE TARGET --map membranes --out DIR

Trains mask-transfer on the training subjects of SOURCE under each setting and seed, predicts the map for TARGET, which has it
withheld, and prints Dice with the truth: of all subjects of TARGET, or of SOURCE's own test subjects where the two are one.
`--brightness` and `--contrast` change the images that are predicted on: images in [-1, 1] are multiplied by the contrast, then
the brightness is added. A stopped call goes on where it stopped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import segmint
from segmint.data.conditioned_pool import ConditionedPool
from segmint.data.dataset import open_dataset
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import open_slices
from segmint.metrics.dice import dice, overlap_counts
from segmint.recipes import find_recipe
from segmint.recipes.contract import Task, TransferStage
from segmint.training.auxiliary import predict_condition
from segmint.training.build import build_stages
from segmint.training.checkpoint import freeze
from segmint.training.precision import choose_hardware
from segmint.training.run_folder import RunFolder

RECIPE = "mask-transfer"
# Noise: standard deviation up to this; shift: brightness and contrast moved by up to this while training.
SETTINGS = {
    "plain": {"noise": "0", "intensity_shift": "0"},
    "noise (published)": {"noise": "0.5", "intensity_shift": "0"},
    "brightness and contrast": {"noise": "0", "intensity_shift": "0.5"},
    "both (repaired)": {"noise": "0.5", "intensity_shift": "0.5"},
}


def main() -> None:
    """Print one line a setting: mean Dice over subjects and seeds, and the range over seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--map", required=True, help="name of the condition map")
    parser.add_argument("--out", type=Path, required=True, help="folder that keeps the runs")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--kimg", type=float, default=8.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--brightness", type=float, default=0.0)
    parser.add_argument("--contrast", type=float, default=1.0)
    given = parser.parse_args()
    same = given.source.resolve() == given.target.resolve()
    print(
        f"{given.source.name} to {'its test subjects' if same else given.target.name}, {given.size} px, {given.kimg:g} kimg,"
        f" {given.seeds} seeds; images times {given.contrast:g} plus {given.brightness:g}"
    )
    for name, settings in SETTINGS.items():
        by_seed = []
        for seed in range(given.seeds):
            run = _trained(given, settings, seed, given.out / f"{name.split()[0]}-seed{seed}")
            by_seed.append(float(np.nanmean(_scores(given, run, same=same))))
        print(f"{name}: {np.mean(by_seed):.3f} ({min(by_seed):.3f} to {max(by_seed):.3f})", flush=True)


def _trained(given: argparse.Namespace, settings: dict[str, str], seed: int, out: Path) -> RunFolder:
    begun = (out / "config.json").is_file()
    if begun and RunFolder(out).status == "done":
        return RunFolder(out)
    return segmint.train(
        RECIPE,
        given.source,
        out=out,
        size=given.size,
        kimg=given.kimg,
        conditions=[given.map],
        settings=settings,
        seed=seed,
        resume=begun,
        device="cpu",
        progress=False,
    )


def _scores(given: argparse.Namespace, run: RunFolder, *, same: bool) -> list[float]:
    """Dice of the map's ids but the background, by subject of the target."""
    config, hardware = run.config, choose_hardware(device="cpu", precision="float32")
    recipe = find_recipe(RECIPE)
    settings = type(recipe.presets["repaired"]).model_validate(config["settings"])
    (stage,) = build_stages(recipe, Task.from_json(config["task"]), settings, hardware, seed=0)
    assert isinstance(stage, TransferStage)
    freeze(stage, run.checkpoints(run.stage_folder(0, stage.name)))
    target = open_dataset(given.target)
    slices = open_slices(target, size=given.size)
    subjects = config["split"]["test"] if same else target.subjects
    scores = []
    for subject in subjects:
        pool = Changed(
            PairPool([PoolPart(slices, slices.indices([subject]))]),
            [given.map],
            brightness=given.brightness,
            contrast=given.contrast,
        )
        truth = pool.read_conditions(np.arange(len(pool)))[:, 0]
        found = predict_condition(stage, pool, "cpu")
        count = len(target.conditions[given.map])
        scores.append(float(np.nanmean(dice(overlap_counts(found, truth, label_count=count))[1:])))
    return scores


class Changed(ConditionedPool):
    """A pool whose images come brighter or with more contrast, as from another microscope."""

    def __init__(self, pool: PairPool, names: list[str], *, brightness: float, contrast: float) -> None:
        super().__init__(pool, names)
        self.brightness, self.contrast = brightness, contrast

    def read(self, positions: NDArray[np.integer]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """As the pool's, changed and cut to [-1, 1]."""
        images, labels = super().read(positions)
        changed = np.clip(images * self.contrast + self.brightness, -1, 1)
        return changed.astype(np.float32), labels


if __name__ == "__main__":
    main()
