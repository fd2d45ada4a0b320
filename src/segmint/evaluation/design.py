"""What a trial is before its first cell: data, arms, seeds and budget, resolved and checked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from segmint.data.dataset import Dataset, open_dataset
from segmint.data.label_names import find_label
from segmint.data.orientation import orientation_remark, orientations_of
from segmint.data.slices import open_slices
from segmint.data.split import make_split
from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.arm_pool import holding
from segmint.evaluation.arms import DEFAULT_ARMS, Arm, parse_arms
from segmint.evaluation.budget import BATCH, default_steps
from segmint.evaluation.primary import choose_primary
from segmint.evaluation.regime import Regime, choose_regime
from segmint.evaluation.shared_images import check_shared
from segmint.evaluation.subject_grids import plan_grids
from segmint.evaluation.synthetic_sets import SyntheticSet, generator_count, generator_runs, open_synthetic_sets
from segmint.recipes import find_recipe
from segmint.recipes.contract import Stage, Task
from segmint.recipes.recipe import RecipeSettings
from segmint.training.material import default_size
from segmint.training.precision import choose_hardware
from segmint.training.segmenter import default_capacity

SPLIT_SEED = 0
# Fewer seeds than this say little of how much seeds differ.
_FEW_SEEDS = 5


@dataclass(frozen=True)
class Design:
    """All that decides the result of a trial, and notes that belong beside it."""

    regime: Regime
    synthetic: tuple[SyntheticSet, ...]
    arms: tuple[Arm, ...]
    primary: str | None
    seeds: int
    steps: int
    batch: int
    segmenter: str
    segmenter_preset: str
    segmenter_capacity: str
    segmenter_settings: Mapping[str, str]
    augment: tuple[str, ...]
    subset: str | None
    real_slices: int | None
    repeat: int | None
    surface_tolerance: float | None
    demonstration: bool
    notes: tuple[str, ...]

    @property
    def segmenter_changes(self) -> dict[str, str]:
        """What the segmenter's recipe is told, augmentation included."""
        return segmenter_changes(self.segmenter_settings, self.augment)

    @property
    def inputs(self) -> list[Path]:
        """Folders that are read: the datasets, and the runs of the synthetic ones, as far as they are still there."""
        runs = [Path(one.provenance.run) for one in self.synthetic]
        return [
            self.regime.dataset.root,
            *(one.dataset.root for one in self.synthetic),
            *(run for run in runs if (run / "config.json").is_file()),
        ]

    def settings(self) -> dict[str, Any]:
        """The same as JSON, without paths and machines: an interrupted trial may go on elsewhere."""
        return {
            "dataset": self.regime.dataset.identity,
            "split": {part: list(subjects) for part, subjects in asdict(self.regime.split).items()},
            "synthetic": [one.dataset.identity for one in self.synthetic],
            "checkpoints": [one.provenance.checkpoint_sha256 for one in self.synthetic],
            "size": self.regime.slices.size,
            "axis": self.regime.slices.axis,
            "arms": [arm.name for arm in self.arms],
            "primary": self.primary,
            "seeds": self.seeds,
            "steps": self.steps,
            "batch": self.batch,
            "segmenter": self.segmenter,
            "segmenter_preset": self.segmenter_preset,
            "segmenter_capacity": self.segmenter_capacity,
            "segmenter_settings": dict(self.segmenter_settings),
            "augment": list(self.augment),
            "subset": self.subset,
            "real_slices": self.real_slices,
            "training": self.regime.described_training(),
            "repeat": self.repeat,
            "surface_tolerance": self.surface_tolerance,
            "demonstration": self.demonstration,
        }


def design_trial(
    real: Path,
    synthetic: Sequence[Path],
    *,
    size: int | None,
    axis: int | None,
    arms: Sequence[str] | None,
    seeds: int,
    steps: int | None,
    batch: int | None,
    segmenter: str,
    segmenter_preset: str = "repaired",
    segmenter_capacity: str | None = None,
    segmenter_settings: Mapping[str, str] | None = None,
    augment: Sequence[str] = (),
    subset: str | None,
    real_slices: int | None,
    repeat: str | None = None,
    surface_tolerance: float | None = None,
    device: str,
    demonstration: bool,
    primary: str | None = None,
    split: Split | None = None,
    curated: bool = False,
    inner: bool = False,
) -> Design:
    """Resolve and check everything that `segmint.trial` is given; see there.

    Args:
        split: takes the place of the dataset's own, as cross-validation needs.
        curated: `synthetic` was drawn and curated by the trial, for arms with C.
        inner: `split` is one of the gate's, inside the training subjects.

    Raises:
        UserError: anything in it is wrong.
    """
    parsed = parse_arms(DEFAULT_ARMS if arms is None else arms, curated=curated)
    chosen = choose_primary(parsed, primary)
    if seeds < 1:
        raise UserError(f"--seeds {seeds}: a trial needs at least one.")
    if len(synthetic) > seeds and any(arm.synthetic for arm in parsed):
        raise UserError(
            f"--seeds {seeds} cannot use all {len(synthetic)} synthetic datasets: give at least as many seeds."
        )
    given = dict(segmenter_settings or {})
    hardware = choose_hardware(device=device)
    capacity = segmenter_capacity or default_capacity(hardware.device)
    chosen_settings = partial(checked_settings, segmenter, preset=segmenter_preset, capacity=capacity)
    chosen_settings(changes=segmenter_changes(given, augment))
    dataset = open_dataset(real)
    if dataset.provenance is not None:
        raise UserError(f"{real} is a synthetic dataset: the first dataset of a trial is the real one.")
    runs = generator_runs(synthetic)
    axis = _agreed(runs, "axis") if axis is None and dataset.dimensions == 3 else axis
    if size is None:
        size = _agreed(runs, "size") or default_size(dataset, device=hardware.device, axis=axis)
    split_notes: list[str] = []
    if split is None:
        split, split_notes = _choose_split(dataset, runs)
    regime = choose_regime(open_slices(dataset, size=size, axis=axis), split, subset=subset, real_slices=real_slices)
    shared_notes = check_shared(regime.slices, split, inner=inner)
    for arm in parsed:
        arm.counts(len(regime.training))
    repeated, repeat_notes = _repeated(repeat, regime, parsed)
    sets, seen_notes = open_synthetic_sets(synthetic, regime, parsed)
    batch = BATCH if batch is None else batch
    steps = default_steps(size) if steps is None else steps
    if steps < 1 or batch < 1:
        raise UserError(f"--steps {steps} and --batch {batch} must be at least 1.")
    given = {**find_recipe(segmenter).budgets(steps * batch), **given}
    settings = chosen_settings(changes=segmenter_changes(given, augment))
    stages = check_segmenter(segmenter, settings, dataset, size=size, batch=batch, steps=steps)
    return Design(
        regime=regime,
        synthetic=sets,
        arms=parsed,
        primary=chosen,
        seeds=seeds,
        steps=steps,
        batch=batch,
        segmenter=segmenter,
        segmenter_preset=segmenter_preset,
        segmenter_capacity=capacity,
        segmenter_settings=given,
        augment=tuple(augment),
        subset=subset,
        real_slices=real_slices,
        repeat=repeated,
        surface_tolerance=_tolerance(surface_tolerance, regime),
        demonstration=demonstration,
        notes=(
            *split_notes,
            *shared_notes,
            *seen_notes,
            *repeat_notes,
            *note_stages(segmenter, stages),
            *_notes(regime, sets, parsed, seeds=seeds),
        ),
    )


@contextmanager
def told_by(flag: str) -> Iterator[None]:
    """Names settings of the segmenter in refusals by the option that a command has for them."""
    try:
        yield
    except UserError as error:
        raise UserError(str(error).replace("--set ", f"{flag} ")) from error


def checked_settings(segmenter: str, *, preset: str, capacity: str, changes: Mapping[str, str]) -> RecipeSettings:
    """Settings of a segmenter's recipe.

    Raises:
        UserError: the recipe gives no segmenter, or it has no such preset, capacity or setting.
    """
    recipe = find_recipe(segmenter)
    if "segmenter" not in recipe.gives:
        raise UserError(
            f"--segmenter {segmenter}: this recipe gives no segmenter; choose one that does (segmint recipes)."
        )
    for flag, value, known in (
        ("preset", preset, recipe.presets),
        ("capacity", capacity, recipe.preset_capacities.get(preset, recipe.capacities)),
    ):
        if value not in known:
            raise UserError(f"--segmenter-{flag} {value}: {segmenter} has {', '.join(known)}; choose one of them.")
    try:
        return recipe.settings(preset=preset, capacity=capacity, changes=changes)
    except UserError as error:
        raise UserError(str(error).replace("--set augment=", "--augment ")) from error


def check_segmenter(
    segmenter: str, settings: RecipeSettings, dataset: Dataset, *, size: int, batch: int, steps: int
) -> Sequence[Stage]:
    """The stages of a segmenter of a dataset, which are not trained.

    What does not fit is refused here rather than in the first cell, which may come after hours of training generators.

    Raises:
        UserError: something does not.
    """
    task = Task(size, len(dataset.channel_names), len(dataset.label_names), batch, steps * batch)
    with torch.random.fork_rng(devices=[]):
        return find_recipe(segmenter).stages(task, settings)


def note_stages(segmenter: str, stages: Sequence[Stage]) -> list[str]:
    """What is trained in several parts, and for how long."""
    if len(stages) < 2:
        return []
    parts = [f"{stage.name} {stage.task.total_images // stage.task.batch} steps" for stage in stages]
    return [f"Each {segmenter} is trained in {len(parts)} parts, one after the other: {', '.join(parts)}."]


def segmenter_changes(settings: Mapping[str, str], augment: Sequence[str]) -> dict[str, str]:
    """What a segmenter's recipe is told: its settings, and how its slices are augmented.

    Raises:
        UserError: the settings tell of augmentation too.
    """
    if "augment" in settings:
        raise UserError("--set augment: augmentation of the arms is chosen with --augment; give that instead.")
    return {**settings, **({"augment": ",".join(augment)} if augment else {})}


def _agreed(runs: Sequence[Mapping[str, Any]], key: str) -> int | None:
    """What all generators were trained with; None where they differ, or are gone."""
    values = {run.get(key) for run in runs}
    return values.pop() if len(values) == 1 else None


def _choose_split(dataset: Dataset, runs: Sequence[Mapping[str, Any]]) -> tuple[Split, list[str]]:
    if dataset.split is not None:
        return dataset.split, []
    for run in runs:
        if run["dataset"]["identity"] == dataset.identity:
            parts = {part: tuple(subjects) for part, subjects in run["split"].items()}
            return Split(**parts), ["The dataset has no split of its own: that of the generator's run was used."]
    split = make_split(dataset.subjects, seed=SPLIT_SEED)
    return split, [f"The dataset has no split of its own: one was made with seed {SPLIT_SEED}."]


def _repeated(name: str | None, regime: Regime, arms: Sequence[Arm]) -> tuple[int | None, list[str]]:
    """Id of the label whose slices B repeats, and what balance each such arm comes to."""
    repeating = [arm for arm in arms if arm.repeated]
    if not repeating:
        if name is not None:
            raise UserError(f"--repeat {name}: no arm repeats real slices; name one, such as 100R+50B.")
        return None, []
    if name is None:
        raise UserError(
            f"The arm {repeating[0].name} repeats real slices: name the label they hold with --repeat LABEL."
        )
    label = find_label(name, regime.dataset.label_names, option="--repeat")
    found, total = len(holding(regime.slices, regime.training, label)), len(regime.training)
    if not found:
        raise UserError(f"--repeat {name}: no training slice holds it; repeat another label.")
    notes = [
        f"{arm.name}: {regime.dataset.label_names[label]} is in"
        f" {100 * (found + arm.counts(total).repeated) / (total + arm.counts(total).repeated):.0f}% of its real and repeated"
        f" slices, in {100 * found / total:.0f}% of the real ones."
        for arm in repeating
        if arm.real == 100
    ]
    return label, notes


def _tolerance(asked: float | None, regime: Regime) -> float | None:
    """In millimetres, which the data must have."""
    if asked is None:
        return None
    if not (math.isfinite(asked) and asked >= 0):
        raise UserError(f"--surface-tolerance {asked:g}: give millimetres, 0 or more.")
    if not plan_grids(regime.slices, regime.test).physical:
        raise UserError(
            f"--surface-tolerance {asked:g}: {regime.dataset.root} records no spacing for some of its cases, so nothing can be"
            " measured in millimetres: leave it out."
        )
    return float(asked)


def note_few_seeds(seeds: int) -> list[str]:
    """What few seeds do to intervals."""
    if seeds >= _FEW_SEEDS:
        return []
    if seeds == 1:
        return ["With one seed an arm the intervals leave out the chance that lies in training."]
    return [
        f"With {seeds} seeds an arm the intervals know little of how much seeds differ; {_FEW_SEEDS} are the default."
    ]


def _notes(regime: Regime, sets: Sequence[SyntheticSet], arms: Sequence[Arm], *, seeds: int) -> list[str]:
    turned = orientation_remark(orientations_of(regime.dataset))
    notes = [turned] if turned is not None else []
    partial = [arm.name for arm in arms if arm.synthetic and 0 < arm.real < 100]
    if partial:
        notes.append(f"{', '.join(partial)}: the generator has learned from real slices that the arm's R leaves out.")
    if regime.reduced and sets:
        notes.append(
            "Only some slices of the training subjects are R; what a generator has seen is recorded by subject, so it "
            "may have learned from more of their slices."
        )
    notes += note_few_seeds(seeds)
    if len(sets) > 1:
        generators = generator_count(sets)
        notes.append(
            f"{len(sets)} synthetic sets of {generators} generator{'s' if generators > 1 else ''}: seed k uses set k "
            f"modulo {len(sets)}, and the intervals of arms with F are over {'generators' if generators > 1 else 'sets'}."
        )
    return notes
