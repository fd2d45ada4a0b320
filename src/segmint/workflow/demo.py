"""`segmint demo`: the whole road on the built-in brain phantom, small enough for a laptop."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console

from segmint.data.phantoms.brain import write_brain_phantom
from segmint.errors import UserError
from segmint.evaluation.arms import DEFAULT_ARMS
from segmint.workflow.orders import Orders
from segmint.workflow.road import Road
from segmint.workflow.steps import Step, command, opened_workflow

SEED = 0


@dataclass(frozen=True)
class Budget:
    """What a demonstration spends: `size` in pixels, `kimg` of the generator, `steps` of each segmenter."""

    subjects: int
    size: int
    kimg: float
    batch: int
    arms: tuple[str, ...]
    seeds: int
    steps: int | None
    trial_batch: int
    settings: Mapping[str, str] = field(default_factory=dict)


_THREE_ARMS = ("100R", "100F", "100R+300F")

BUDGETS: dict[str, Budget] = {
    # A minute: every step works, the pictures are worth nothing.
    "tiny": Budget(subjects=6, size=32, kimg=0.064, batch=8, arms=_THREE_ARMS, seeds=1, steps=10, trial_batch=8),
    # About ten minutes on two cores. A heavier R1 makes a better start (docs/results).
    "small": Budget(
        subjects=34,
        size=64,
        kimg=7,
        batch=8,
        arms=_THREE_ARMS,
        seeds=2,
        steps=150,
        trial_batch=16,
        settings={"r1_gamma": "0.5"},
    ),
    # Hours on two cores, minutes on a GPU.
    "full": Budget(subjects=60, size=64, kimg=60, batch=8, arms=DEFAULT_ARMS, seeds=5, steps=None, trial_batch=16),
}


def demo(
    out: Path,
    *,
    budget: str = "small",
    resume: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    progress: bool = True,
) -> Path:
    """Draw a brain phantom with a tumour, then do what `segmint.run` does with a dataset.

    The report says that it is a demonstration, not evidence.

    Args:
        out: folder for everything: `dataset/`, `run/`, `synthetic/`, `evaluation/`, `trial/`, `report.html`, `steps.json`.
        budget: "tiny" (a minute, to try the installation), "small" (about ten minutes on two cores), "full" (hours).
        resume, overwrite, device, precision, threads, progress: as in `segmint.run`.

    Returns:
        Path of the report.

    Raises:
        UserError: unknown budget, or `out` exists.
        KeyboardInterrupt: stopped by Ctrl-C; the same call with `resume` goes on.
    """
    if budget not in BUDGETS:
        raise UserError(f"--budget {budget} is unknown: choose one of {', '.join(BUDGETS)}.")
    spent = BUDGETS[budget]
    orders = Orders(
        size=spent.size,
        kimg=float(spent.kimg),
        batch=spent.batch,
        seed=SEED,
        arms=spent.arms,
        seeds=spent.seeds,
        steps=spent.steps,
        trial_batch=spent.trial_batch,
        settings=spent.settings,
        device=device,
        precision=precision,
        threads=threads,
    )
    out = Path(out)
    record = json.loads(json.dumps({"budget": budget, "subjects": spent.subjects, **asdict(orders)}))
    dataset = out / "dataset"
    line = command("data", "phantom", "brain", subjects=spent.subjects, seed=SEED, size=spent.size, out=dataset)
    road = Road(
        dataset=dataset,
        out=out,
        orders=orders,
        verb="demo",
        record_settings=record,
        demonstration=True,
        progress=progress,
        steps=[Step("Draw the brain phantom", "dataset", line)],
    )
    with opened_workflow(out, record, verb="demo", resume=resume, overwrite=overwrite):
        if not (dataset / "dataset.json").is_file():
            Console(stderr=True, quiet=not progress).print(
                f"Draw the brain phantom: {line}", highlight=False, soft_wrap=True
            )
            write_brain_phantom(dataset, subjects=spent.subjects, seed=SEED, size=spent.size, overwrite=True)
        return road.travel()
