"""How long does `segmint evaluate --alignment` take, and how much memory? By part: masks, fidelity, privacy, alignment; forecast.

Usage: python benchmarks/evaluate_time.py [--images N] [--size N] [--subjects N] [--others N] [--steps N]

A phantom is drawn as the real dataset, 70 percent of whose subjects train; slices of other subjects stand for synthetic
pairs. Each part runs in a process of its own, so that its peak is its own; the slices are cut and the segmenters trained before.
How well those see does not matter to the time, so few steps do; with as many as `evaluate` takes, the time of their training is
what a first evaluation takes longer. The forecast rests on the alignment: its line holds both.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segmint.data.case import Provenance
from segmint.data.dataset import open_dataset
from segmint.data.intensity import IntensityMap
from segmint.data.phantoms import write_phantom
from segmint.data.slices import open_slices
from segmint.data.writer import DatasetWriter
from segmint.evaluation.alignment_audit import Learner, audit_alignment
from segmint.evaluation.evaluate import SEGMENTER
from segmint.evaluation.evidence import Evidence, open_evidence
from segmint.evaluation.fidelity_audit import audit_fidelity
from segmint.evaluation.forecast import forecast
from segmint.evaluation.mask_audit import audit_masks
from segmint.evaluation.privacy_audit import audit_privacy


def _forecast(evidence: Evidence, folder: Path, learner: Learner) -> None:
    forecast(audit_alignment(evidence, folder, learner=learner), evidence)


PARTS: dict[str, Callable[[Evidence, Path, Learner], Any]] = {
    "masks": lambda evidence, folder, _: audit_masks(evidence, folder),
    "fidelity": lambda evidence, folder, learner: audit_fidelity(evidence, folder, learner=learner),
    "privacy": lambda evidence, folder, learner: audit_privacy(evidence, folder, learner=learner),
    "alignment": lambda evidence, folder, learner: audit_alignment(evidence, folder, learner=learner),
}


FORECAST = "forecast"


def main() -> None:
    """Draw, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=500, help="synthetic pairs, at most")
    parser.add_argument("--size", type=int, default=128, help="side of the slices, pixels")
    parser.add_argument("--subjects", type=int, default=60, help="of the real dataset")
    parser.add_argument("--others", type=int, default=42, help="subjects that stand for synthetic pairs")
    parser.add_argument("--phantom", default="brain")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=20, help="of each segmenter, trained before the clock starts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SEGMINT_CACHE"] = str(Path(folder) / "cache")
        real, synthetic = _draw(Path(folder), options)
        evidence, learner = _open(real, synthetic, options.size), Learner(SEGMENTER, options.steps, None, "cpu", False)
        began = time.perf_counter()
        learner.cross_fitted(evidence)
        trained = time.perf_counter() - began
        held = len(evidence.holdout.indices) if evidence.holdout is not None else 0
        print(
            f"{options.phantom} phantom, {options.size} px: {len(evidence.training.indices)} training, {held} held-out,"
            f" {len(evidence.synthetic.indices)} synthetic slices; segmenters of {options.steps} steps trained before in"
            f" {trained:.0f} s",
            flush=True,
        )
        context, sums = multiprocessing.get_context("spawn"), [0.0, 0.0, 0.0]
        for part in PARTS:
            with context.Pool(1) as pool:
                found = pool.apply(_measure, (part, real, synthetic, options.size, learner))
            sums = [sums[0] + found[0], sums[1] + found[1], max(sums[2], found[2])]
            _say(part, found)
        _say("together", sums)
        with context.Pool(1) as pool:
            _say("forecast, with alignment", pool.apply(_measure, (FORECAST, real, synthetic, options.size, learner)))


def _say(part: str, found: Sequence[float]) -> None:
    passed, given, peak = found
    print(f"{part}: {passed:.1f} s, {given:.1f} s of processors, peak {peak:.2f} GB", flush=True)


def _draw(folder: Path, options: argparse.Namespace) -> tuple[Path, Path]:
    """The real dataset, and single slices of the other subjects as `sample` writes them."""
    real, other = (
        write_phantom(options.phantom, folder / name, subjects=subjects, seed=options.seed + number, size=options.size)
        for number, (name, subjects) in enumerate((("real", options.subjects), ("other", options.others)))
    )
    truth = open_dataset(real)
    assert truth.split is not None
    trained, validation = (
        tuple((truth.identity, subject) for subject in part) for part in (truth.split.train, truth.split.validation)
    )
    made = Provenance("run", "0", options.seed, "joint-stylegan2", trained, trained, validation)
    slices = open_slices(open_dataset(other), size=options.size)
    count = min(options.images, len(slices.images))
    chosen = np.sort(np.random.default_rng(options.seed).choice(len(slices.images), count, replace=False))
    (folder / "synthetic").mkdir()
    writer = DatasetWriter(
        folder / "synthetic",
        name="synthetic",
        channel_names=truth.channel_names,
        label_names=truth.label_names,
        file_ending=".nii.gz",
        provenance=made,
    )
    ranges = [IntensityMap("window", -1.0, 1.0)] * len(truth.channel_names)
    for number, position in enumerate(chosen):
        image, label = (np.asarray(one[position])[..., None] for one in (slices.images, slices.labels))
        name = f"synthetic_{number:06d}"
        writer.add(name, image, label, subject=name, spacing=(1.0, 1.0, 3.0), intensity=ranges)
    writer.finish()
    return real, folder / "synthetic"


def _open(real: Path, synthetic: Path, size: int) -> Evidence:
    return open_evidence(real, synthetic, holdout=None, size=size, axis=None, device="cpu")


def _measure(part: str, real: Path, synthetic: Path, size: int, learner: Learner) -> tuple[float, float, float]:
    """Seconds that passed, seconds given to this process, and its peak memory in GB."""
    evidence = _open(real, synthetic, size)
    with tempfile.TemporaryDirectory() as folder:
        passed, given = time.perf_counter(), time.process_time()
        (_forecast if part == FORECAST else PARTS[part])(evidence, Path(folder), learner)
        passed, given = time.perf_counter() - passed, time.process_time() - given
    # Not `ru_maxrss`, which a new process takes over from the one that started it.
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return passed, given, peak * 1024 / 1e9


if __name__ == "__main__":
    main()
