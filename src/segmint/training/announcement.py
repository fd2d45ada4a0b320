"""What a training says before it begins: the data, the networks, the cost."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from segmint.data.dataset import Dataset
from segmint.data.layout import UNLABELLED as UNLABELLED_FOLDER
from segmint.data.orientation import orientation_remark, orientations_of
from segmint.recipes import RECIPES
from segmint.recipes.contract import Stage
from segmint.recipes.recipe import DataFacts
from segmint.training.estimate import estimate
from segmint.training.material import TrainingData
from segmint.training.parts import Part
from segmint.training.precision import Hardware
from segmint.training.progress import clock


def cannot_use_unlabelled(recipe: str, dataset: Dataset) -> str:
    """Why a recipe is refused for a dataset with images without labels, and what to do."""
    facts = DataFacts(
        pairs=len(dataset.cases),
        subjects=len(dataset.subjects),
        channels=len(dataset.channel_names),
        labels=len(dataset.label_names),
        # As if most images had none, which only recipes suit that learn from them.
        unlabelled=max(len(dataset.unlabelled), len(dataset.cases) + 1),
    )
    suited = " or ".join(one.name for one in RECIPES if one.suits(facts))
    return (
        f"{recipe} learns from labelled pairs alone and cannot use the {len(dataset.unlabelled)} images that {dataset.root} has in"
        f" {UNLABELLED_FOLDER}: leave them out with --unlabelled ignore, or take a recipe that learns from them ({suited})."
    )


def _hidden(data: TrainingData) -> str:
    """How many more subjects give images alone."""
    more = len(set(data.image_subjects) & set(data.split.train)) - len(data.subjects)
    return f" (labels of {more} more hidden)" if more else ""


def _without_labels(data: TrainingData, unlabelled_slices: int | None) -> str:
    """What becomes of the images in imagesUnlabelled."""
    if unlabelled_slices:
        return f", {unlabelled_slices} slices without labels"
    return f" ({data.images_alone} slices without labels left out)" if data.images_alone else ""


def _narrowed(part: Part) -> str:
    """How a part that is trained as published is not: the widths of a CPU's networks."""
    if part.preset != "faithful":
        return ""
    recipe = part.recipe
    full = recipe.settings(preset=part.preset, capacity="full", changes={})
    widths = {name for of in recipe.preset_capacities.get(part.preset, recipe.capacities).values() for name in of}
    other = {name: getattr(part.settings, name) for name in sorted(widths)}
    told = [
        f"{name} {value} for {getattr(full, name)}" for name, value in other.items() if value != getattr(full, name)
    ]
    return (
        f"{recipe.name} as published, but for its widths ({', '.join(told)}): --capacity full has those" if told else ""
    )


def announce(
    console: Console,
    data: TrainingData,
    hardware: Hardware,
    stages: Sequence[tuple[Part, Stage]],
    *,
    seed: int,
    unlabelled_slices: int | None,
) -> None:
    """Say on the console what is trained on what, and, unless it is quiet, what that takes."""
    task = stages[-1][0].task
    console.print(
        f"{stages[-1][0].recipe.name} on {data.dataset.name}: {len(data.training)} slices of {len(data.subjects)} "
        f"subjects{_hidden(data)}{_without_labels(data, unlabelled_slices)}, "
        f"{len(data.validation)} validation slices of {len(data.split.validation)}; "
        f"{task.image_channels} channels, {task.label_count} labels, {task.size} px; "
        f"{hardware.device}, {hardware.precision}, {hardware.threads} threads",
        highlight=False,
    )
    turned = orientation_remark(orientations_of(data.dataset))
    if turned is not None:
        console.print(turned, highlight=False)
    for narrowed in dict.fromkeys(_narrowed(part) for part, _ in stages):
        if narrowed:
            console.print(narrowed, highlight=False)
    if console.quiet:
        return  # an estimate takes some steps
    for part, stage in stages:
        guess = estimate(stage, stage.task, hardware, seed=seed)
        console.print(
            f"{part.recipe.name}, {stage.name}: {stage.task.total_images / 1000:g} k{stage.unit} in batches of "
            f"{stage.task.batch}; "
            f"about {guess.memory_mb:.0f} MB of tensors, {clock(guess.seconds)} at the speed just probed",
            highlight=False,
        )
