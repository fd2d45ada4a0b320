"""What a curve is before its first training: levels, arms, generators and budgets, resolved and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from segmint.data.dataset import Dataset, open_dataset
from segmint.data.slices import open_slices
from segmint.data.split import make_split, nested_subsets
from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.arms import PRIMARY_ARM, REAL_ARM, Arm, parse_arm
from segmint.evaluation.budget import BATCH, default_steps
from segmint.evaluation.design import check_segmenter, checked_settings, note_stages, segmenter_changes, told_by
from segmint.evaluation.regime import Regime, choose_regime
from segmint.evaluation.shared_images import check_shared
from segmint.recipes import find_recipe
from segmint.recipes.recipe import RecipeSettings
from segmint.training.material import default_size
from segmint.training.precision import choose_hardware

STRONG = "strong"
SEGMENTER = "unet"
# How segmenters are called in tables and pictures, where not by the recipe's name.
_CALLED = {SEGMENTER: "U-Net"}
# What decides of `GeneratorOrders`.
_OF_GENERATORS = ("kimg", "batch", "preset", "capacity", "settings", "precision")


@dataclass(frozen=True)
class CurveArm:
    """One line of the curve.

    Attributes:
        name: of its folders; title: in tables and pictures.
        arm: its training set; augment: what its segmenter's slices go through.
        recipe: whose pairs, or whose segmenter, it has.
        own: it is the segmenter that the recipe itself gives, not the curve's.
    """

    name: str
    title: str
    arm: Arm
    augment: tuple[str, ...] = ()
    recipe: str | None = None
    own: bool = False


@dataclass(frozen=True)
class CurveSegmenter:
    """What every segmenter is trained by: a recipe that gives one, its preset, capacity and settings."""

    recipe: str = SEGMENTER
    preset: str = "repaired"
    capacity: str = "small"
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def called(self) -> str:
        """In tables and pictures."""
        return _CALLED.get(self.recipe, self.recipe)

    def changes(self, augment: Sequence[str]) -> dict[str, str]:
        """What its recipe is told."""
        return segmenter_changes(self.settings, augment)


@dataclass(frozen=True)
class Level:
    """So many labelled subjects; `regime` holds them as all the real slices there are."""

    count: int
    regime: Regime

    @property
    def words(self) -> str:
        """As in "with 4 labelled subjects"."""
        return f"{self.count} labelled subject{'s' if self.count != 1 else ''}"

    @property
    def folder(self) -> str:
        """Name of its folder."""
        return f"labelled-{self.count}"


@dataclass(frozen=True)
class GeneratorOrders:
    """What every generator is told, beside how many labels it sees; None leaves a choice to the recipe."""

    kimg: float | None = None
    batch: int | None = None
    preset: str = "repaired"
    capacity: str | None = None
    settings: Mapping[str, Mapping[str, str]] | None = None
    precision: str = "auto"
    threads: int | None = None


@dataclass(frozen=True)
class CurvePlan:
    """All that decides the result of a curve, and notes that belong beside it."""

    dataset: Dataset
    split: Split
    levels: tuple[Level, ...]
    arms: tuple[CurveArm, ...]
    recipes: tuple[str, ...]
    seeds: int
    seed: int
    steps: int
    batch: int
    segmenter: CurveSegmenter
    augment: tuple[str, ...]
    orders: GeneratorOrders
    notes: tuple[str, ...]

    @property
    def size(self) -> int:
        """Side of the slices in pixels."""
        return self.levels[0].regime.slices.size

    @property
    def axis(self) -> int | None:
        """Slice axis of volumes."""
        return self.levels[0].regime.slices.axis

    def settings(self) -> dict[str, Any]:
        """The same as JSON, without paths and machines: an interrupted curve may go on elsewhere."""
        orders = asdict(self.orders)
        return {
            "dataset": self.dataset.identity,
            "split": {part: list(subjects) for part, subjects in asdict(self.split).items()},
            "size": self.size,
            "axis": self.axis,
            "labelled": [level.count for level in self.levels],
            "recipes": list(self.recipes),
            "arms": [arm.title for arm in self.arms],
            "training_sets": [arm.arm.name for arm in self.arms],
            "seeds": self.seeds,
            "seed": self.seed,
            "steps": self.steps,
            "batch": self.batch,
            "segmenter": self.segmenter.recipe,
            "segmenter_preset": self.segmenter.preset,
            "segmenter_capacity": self.segmenter.capacity,
            "segmenter_settings": dict(self.segmenter.settings),
            "augment": list(self.augment),
            **{f"generator_{key}": orders[key] for key in _OF_GENERATORS},
        }


def plan_curve(
    dataset: Path,
    *,
    recipes: Sequence[str],
    labelled: Sequence[int | str],
    seeds: int,
    seed: int,
    arm: str,
    size: int | None,
    axis: int | None,
    steps: int | None,
    batch: int | None,
    augment: Sequence[str],
    segmenter: CurveSegmenter = CurveSegmenter(),
    settings: Mapping[str, str],
    orders: GeneratorOrders,
    device: str,
) -> CurvePlan:
    """Resolve and check everything that `segmint.curve` is given; see there.

    Raises:
        UserError: anything in it is wrong, or test subjects have images of other subjects.
    """
    opened = open_dataset(dataset)
    if opened.provenance is not None:
        raise UserError(f"{dataset} is a synthetic dataset: a curve is drawn for a real one.")
    if seeds < 1:
        raise UserError(f"--seeds {seeds}: a curve needs at least one.")
    if not labelled:
        raise UserError("--labelled: name at least one number of labelled subjects, such as 4,8,all.")
    mixed = parse_arm(arm)
    if not (mixed.real and mixed.synthetic):
        raise UserError(f"--arm {arm}: the arm of real slices with pairs needs both R and F, such as {PRIMARY_ARM}.")
    if mixed.repeated:
        raise UserError(f"--arm {arm}: a curve repeats no slices of one label; leave B out.")
    for name in recipes:
        if not find_recipe(name).gives & {"pairs", "images"}:
            raise UserError(f"--recipes {name}: this recipe draws no pairs; choose others (segmint recipes).")
        if list(recipes).count(name) > 1:
            raise UserError(f"--recipes {name}: it is named twice; name each recipe once.")
    # Refused here rather than in the first cell.
    _resolved(segmenter, augment)
    notes = []
    split = opened.split
    if split is None:
        split = make_split(opened.subjects, seed=seed)
        notes.append(f"The dataset has no split of its own: one was made with seed {seed}.")
    if size is None:
        size = default_size(opened, device=choose_hardware(device=device).device, axis=axis)
    levels = _levels(opened, split, labelled, size=size, axis=axis, seed=seed)
    notes += check_shared(levels[0].regime.slices, split)
    batch = BATCH if batch is None else batch
    steps = default_steps(size) if steps is None else steps
    if steps < 1 or batch < 1:
        raise UserError(f"--steps {steps} and --trial-batch {batch} must be at least 1.")
    budgets = find_recipe(segmenter.recipe).budgets(steps * batch)
    segmenter = replace(segmenter, settings={**budgets, **segmenter.settings})
    resolved = _resolved(segmenter, augment)
    with told_by("--segmenter-set"):
        stages = check_segmenter(segmenter.recipe, resolved, opened, size=size, batch=batch, steps=steps)
    notes += note_stages(segmenter.recipe, stages)
    return CurvePlan(
        dataset=opened,
        split=split,
        levels=levels,
        arms=_arms(recipes, mixed, tuple(augment), segmenter, augments="augment" in type(resolved).model_fields),
        recipes=tuple(recipes),
        seeds=seeds,
        seed=seed,
        steps=steps,
        batch=batch,
        segmenter=segmenter,
        augment=tuple(augment),
        orders=GeneratorOrders(**{**vars(orders), "settings": _by_recipe(settings, recipes)}),
        notes=tuple(notes),
    )


def _resolved(segmenter: CurveSegmenter, augment: Sequence[str]) -> RecipeSettings:
    with told_by("--segmenter-set"):
        return checked_settings(
            segmenter.recipe, preset=segmenter.preset, capacity=segmenter.capacity, changes=segmenter.changes(augment)
        )


def _levels(
    dataset: Dataset, split: Split, labelled: Sequence[int | str], *, size: int, axis: int | None, seed: int
) -> tuple[Level, ...]:
    try:
        subsets = nested_subsets(split, labelled, seed=seed)
    except UserError as error:
        raise UserError(f"--labelled {','.join(map(str, labelled))}: {error}") from error
    slices = open_slices(dataset, size=size, axis=axis)
    # "all" may be one of the numbers too.
    by_count = {len(subset.subjects): subset for subset in subsets.values()}
    return tuple(
        Level(count, choose_regime(slices, split, subset=subset, real_slices=None))
        for count, subset in sorted(by_count.items())
    )


def _arms(
    recipes: Sequence[str], mixed: Arm, augment: tuple[str, ...], segmenter: CurveSegmenter, *, augments: bool
) -> tuple[CurveArm, ...]:
    real, called = parse_arm(REAL_ARM), segmenter.called
    arms = [CurveArm("real", called, real, augment)]
    if STRONG not in augment and augments:
        arms.append(CurveArm("real-strong", f"{called}, strong augmentation", real, (*augment, STRONG)))
    arms += [CurveArm(f"with-{name}", f"{called} with pairs of {name}", mixed, augment, name) for name in recipes]
    givers = [name for name in recipes if "segmenter" in find_recipe(name).gives]
    return (
        *arms,
        *(CurveArm(f"{name}-segmenter", f"segmenter of {name}", real, (), name, own=True) for name in givers),
    )


def _by_recipe(settings: Mapping[str, str], recipes: Sequence[str]) -> dict[str, dict[str, str]]:
    """`RECIPE.key` settings, sorted out."""
    sorted_out: dict[str, dict[str, str]] = {name: {} for name in recipes}
    for key, value in settings.items():
        recipe, dot, name = key.partition(".")
        if not dot or recipe not in sorted_out:
            named = " or ".join(recipes) or "none"
            raise UserError(f"--set {key}={value}: write it as RECIPE.KEY=VALUE, with one of --recipes ({named}).")
        sorted_out[recipe][name] = value
    return sorted_out
