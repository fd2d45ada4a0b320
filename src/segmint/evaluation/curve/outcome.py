"""What a finished curve says: the content of curve.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.convergence import LARGEST_GAIN, last_fifth_gain
from segmint.evaluation.curve.plan import CurvePlan
from segmint.evaluation.curve.points import Point
from segmint.evaluation.design import note_few_seeds
from segmint.evaluation.outcome import describe_dataset
from segmint.evaluation.points import points
from segmint.evaluation.summary import dice_difference, mean_dice
from segmint.evaluation.verdict import FEWEST_SUBJECTS, NO_SUBJECTS
from segmint.metrics import dice
from segmint.outputs import without_nan

FORMAT = 1
_ONE_DRAW = (
    "Each point rests on one choice of labelled subjects and, where there are pairs, one generator: intervals tell of test"
    " subjects and of the segmenter's seeds, not of that choice; --seed draws another."
)


def conclude(plan: CurvePlan, drawn: Sequence[Point]) -> dict[str, Any]:
    """Put together curve.json from all points, in their order; Dice as a fraction, None where there is none."""
    dataset = plan.dataset
    subjects = sorted(drawn[0].results[0].counts)
    real = {point.level.count: _dice(point, subjects) for point in drawn if point.arm == plan.arms[0]}
    content = {
        "format": FORMAT,
        "dataset": describe_dataset(dataset),
        "metric": {"name": dice.NAME, "direction": dice.DIRECTION, "range": list(dice.RANGE)},
        "size": plan.size,
        "axis": plan.axis,
        "steps": plan.steps,
        "batch": plan.batch,
        "seeds": plan.seeds,
        "seed": plan.seed,
        "segmenter": plan.segmenter.recipe,
        "segmenter_preset": plan.segmenter.preset,
        "segmenter_capacity": plan.segmenter.capacity,
        "segmenter_settings": dict(plan.segmenter.settings),
        "augment": list(plan.augment),
        "recipes": list(plan.recipes),
        "label_names": list(dataset.label_names),
        "training_subjects": len(plan.split.train),
        "validation_subjects": sorted(plan.split.validation),
        "test_subjects": subjects,
        "labelled": [
            {
                "subjects": level.count,
                "slices": len(level.regime.training),
                "names": list(level.regime.labelled),
                "all": level.count == len(plan.split.train),
            }
            for level in plan.levels
        ],
        "arms": [
            {"name": arm.name, "title": arm.title, "training_set": arm.arm.name, "recipe": arm.recipe, "own": arm.own}
            for arm in plan.arms
        ],
        "points": [_described(point, subjects, real[point.level.count]) for point in drawn],
        "scores": [
            {
                "labelled": point.level.count,
                "arm": point.arm.name,
                "seed": result.cell.seed,
                "subject": subject,
                "label": label,
                "dice": float(value),
            }
            for point in drawn
            for result in point.results
            for subject in subjects
            for label, value in zip(dataset.label_names[1:], result.dice(subject), strict=True)
        ],
        "notes": [*plan.notes, *_notes(plan, drawn, subjects)],
    }
    described: dict[str, Any] = without_nan(content)
    return described


def _dice(point: Point, subjects: Sequence[str]) -> NDArray[np.float64]:
    """[seeds, subjects, labels]."""
    return np.array([[result.dice(subject) for subject in subjects] for result in point.results])


def _absent(point: Point, subjects: Sequence[str]) -> NDArray[np.bool_]:
    """[subjects, labels] whether the truth of a subject lacks a label."""
    counts = np.array([point.results[0].counts[subject][1:] for subject in subjects])
    return np.asarray(counts[:, :, 0] + counts[:, :, 2] == 0)


def _described(point: Point, subjects: Sequence[str], real: NDArray[np.float64]) -> dict[str, Any]:
    """Mean Dice with its interval, of each label too, and the paired difference from the first arm on the same subjects."""
    values = _dice(point, subjects)
    mean = mean_dice(dice.mean_over_labels(values))
    # Over the labels that a subject has, as in a trial: what either arm finds beside them is not of the comparison.
    absent = _absent(point, subjects)
    by_subject, of_real = (dice.mean_over_labels(one, absent=absent) for one in (values, real))
    labels = {
        name: mean_dice(values[:, :, number]) for number, name in enumerate(point.level.regime.dataset.label_names[1:])
    }
    # A segmenter trained once is held against each of the others.
    difference = dice_difference(np.broadcast_to(by_subject, of_real.shape), of_real)
    return {
        "labelled": point.level.count,
        "arm": point.arm.name,
        "slices": point.slices,
        "segmenters": len(point.results),
        "mean": mean.value,
        "interval": mean.interval,
        "labels": {name: {"mean": one.value, "interval": one.interval} for name, one in labels.items()},
        "difference_to_real": {"difference": difference.value, "interval": difference.interval},
        "convergence_gain_points": 100 * last_fifth_gain([result.curve for result in point.results]),
        "synthetic": point.synthetic,
    }


def _notes(plan: CurvePlan, drawn: Sequence[Point], subjects: Sequence[str]) -> list[str]:
    notes = [_ONE_DRAW, *note_few_seeds(plan.seeds)]
    kind = plan.dataset.subject_kind
    if kind in NO_SUBJECTS:
        notes.append(f"Descriptive, as {NO_SUBJECTS[kind]}.")
    if len(subjects) < FEWEST_SUBJECTS:
        notes.append(f"Descriptive: {len(subjects)} test subjects are fewer than {FEWEST_SUBJECTS}.")
    for point in drawn:
        gain = last_fifth_gain([result.curve for result in point.results])
        if point.arm == plan.arms[0] and gain > LARGEST_GAIN:
            notes.append(
                f"Not converged with {point.level.words}: validation Dice of the {plan.segmenter.called} still rose by"
                f" {points(gain)} points over the last fifth of the {plan.steps} steps."
            )
    for arm in plan.arms:
        if arm.own:
            notes.append(
                f"The {arm.title} was trained with its generator, once for each number of labels, for the recipe's budget rather"
                f" than for the steps of the {plan.segmenter.called}."
            )
    return [*notes, *_on_generators(plan, drawn)]


def _on_generators(plan: CurvePlan, drawn: Sequence[Point]) -> list[str]:
    """What the generators of each recipe have seen, said once where it is the same whatever the number of labels."""
    found: dict[tuple[str, str], list[Point]] = {}
    for point in drawn:
        for note in point.notes:
            found.setdefault((str(point.arm.recipe), _unnamed(note)), []).append(point)
    notes = []
    for (recipe, note), holding in found.items():
        always = len(holding) == len(plan.levels)
        notes += [f"{recipe}: {note}"] if always else [f"With {one.level.words}, {recipe}: {note}" for one in holding]
    return notes


def _unnamed(note: str) -> str:
    """A note on a synthetic set without the set's name, which is the same for all."""
    return note.partition(": ")[2] or note
