"""What the health watch says of trainings that fail as their sources report, of planted failures, and of sound ones.

python benchmarks/health_watch.py DATASET --out DIR

Trains on DATASET (retina: vessels) under several seeds: vessgan and vess2image as published, which their source saw collapse and
lose to the discriminator; vess2image with a discriminator ten times as fast; vessgan repaired on a set whose training masks
are all one; and sound trainings, the repaired ones. Failing ones are stopped after a third of their budget, in which they should
have been named; sound ones run to their end and should not be. A stopped call goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmint.data.dataset import open_dataset

_THIRD = 1 / 3


@dataclass(frozen=True)
class Kind:
    """Trainings of one kind: arguments of `segmint train`, and whether they fail."""

    name: str
    recipe: str
    arguments: tuple[str, ...]
    fails: bool
    one_mask: bool = False


_PAINTER = ("--mask-source", "real")
KINDS = (
    Kind("vessgan, as published", "vessgan", ("--preset", "faithful"), True),
    Kind("vess2image, as published", "vess2image", ("--preset", "faithful", *_PAINTER), True),
    Kind(
        "discriminator ten times as fast",
        "vess2image",
        ("--preset", "faithful", *_PAINTER, "--set", "discriminator_learning_rate=0.002"),
        True,
    ),
    Kind("one mask repeated", "vessgan", (), True, one_mask=True),
    Kind("vessgan, repaired", "vessgan", (), False),
    Kind("vess2image, repaired", "vess2image", (*_PAINTER, "--kimg", "1"), False),
)


def main() -> None:
    """Print one line a kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder that keeps the runs")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    planted = given.out / "one-mask"
    if not planted.exists():
        _repeat_one_mask(given.dataset, planted)
    print(f"{given.dataset.name}, {given.size} px, {given.seeds} seeds; failing ones to a third of their budget")
    for number, kind in enumerate(KINDS):
        named = []
        for seed in range(given.seeds):
            run = given.out / f"kind{number}-seed{seed}"
            _train(kind, planted if kind.one_mask else given.dataset, run, size=given.size, seed=seed)
            named.append(_first_finding(run))
        count = sum(one is not None for one in named)
        asked = "should be named" if kind.fails else "should not be"
        shown = "; ".join("-" if one is None else f"{one[0]} at {one[1]:.0%}" for one in named)
        print(f"{kind.name} ({asked}): {count} of {len(named)} named: {shown}", flush=True)


def _repeat_one_mask(source: Path, target: Path) -> None:
    """A copy of a dataset in which every training image has the first one's mask."""
    dataset = open_dataset(source)
    assert dataset.split is not None
    training = [case for case in dataset.cases if case.subject in dataset.split.train]
    shutil.copytree(source, target)
    kept = training[0].label_path
    for case in training[1:]:
        assert kept is not None
        assert case.label_path is not None
        shutil.copyfile(kept, target / case.label_path.relative_to(source))


def _train(kind: Kind, dataset: Path, run: Path, *, size: int, seed: int) -> None:
    """To the end, or where it fails to a third of the budget."""
    if _share(run) >= (_THIRD if kind.fails else 1):
        return
    command = [str(Path(sys.executable).with_name("segmint")), "train", kind.recipe, str(dataset), "--out", str(run)]
    command += ["--size", str(size), "--seed", str(seed), "--threads", "1", *kind.arguments, "--overwrite"]
    with (run.with_suffix(".txt")).open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        while process.poll() is None:
            time.sleep(1)
            if kind.fails and _share(run) >= _THIRD:
                process.send_signal(signal.SIGINT)
                process.wait()
    if process.returncode and not (kind.fails and _share(run) >= _THIRD):
        raise SystemExit(f"{' '.join(command)} failed: see {run.with_suffix('.txt')}")


def _lines(run: Path) -> list[dict[str, Any]]:
    log = run / "log.jsonl"
    # The last line may be in the middle of being written.
    return [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")] if log.exists() else []


def _share(run: Path) -> float:
    lines = _lines(run)
    return float(lines[-1]["share_done"]) if lines else 0.0


def _first_finding(run: Path) -> tuple[str, float] | None:
    """Its code, and the share of the budget after which it came."""
    for line in _lines(run):
        if line["health"]:
            return str(line["health"][0]["code"]), float(line["share_done"])
    return None


if __name__ == "__main__":
    main()
