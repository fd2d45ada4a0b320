"""From the cells of a trial to its numbers: arms, labels, differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.arms import REAL_ARM, Arm, ArmCounts
from segmint.evaluation.cells import CellResult
from segmint.evaluation.convergence import Peak, find_peak, last_fifth_gain
from segmint.evaluation.false_alarms import compare_false_alarms
from segmint.evaluation.primary import default_primary
from segmint.evaluation.signed_rank import signed_ranks
from segmint.evaluation.statistics import CONFIDENCE, Estimate, bootstrap_difference, bootstrap_mean
from segmint.evaluation.subject_metrics import METRICS
from segmint.evaluation.verdict import EQUIVALENCE_CONFIDENCE, MARGIN, Primary
from segmint.metrics import dice


@dataclass(frozen=True)
class Scores:
    """Dice and all other metrics of one trial.

    Attributes:
        arms: in the trial's order; subjects: sorted; labels: names without the background.
        dice: by arm name [seeds, subjects, labels], NaN where a label is absent from truth and prediction.
        curves: by arm name, for each seed (images shown, validation Dice).
        units: by arm name, for each seed the generator of the synthetic set it used, or the set itself where all are of one
            generator; None where the seeds are independent.
        metrics: by arm name and metric [seeds, subjects, labels], NaN where there is no value.
    """

    arms: tuple[Arm, ...]
    subjects: tuple[str, ...]
    labels: tuple[str, ...]
    dice: dict[str, NDArray[np.float64]]
    curves: dict[str, list[list[tuple[int, float]]]]
    units: dict[str, list[int] | None]
    metrics: dict[str, dict[str, NDArray[np.float64]]]

    @property
    def seeds(self) -> int:
        """Seeds of each arm."""
        return len(self.curves[self.arms[0].name])

    @property
    def absent(self) -> NDArray[np.bool_]:
        """[subjects, labels], the labels that a subject does not have."""
        found = self.metrics[self.arms[0].name]["sensitivity"]
        return np.asarray(np.isnan(found).all(axis=0))

    def by_subject(self, arm: str) -> NDArray[np.float64]:
        """Mean over labels [seeds, subjects]; a label that is found where it is absent counts as 0."""
        return dice.mean_over_labels(self.dice[arm])

    def compared(self, arm: str) -> NDArray[np.float64]:
        """Mean over the labels that the subject has [seeds, subjects], NaN where it has none: what arms are compared by."""
        return dice.mean_over_labels(self.dice[arm], absent=self.absent)


def collect_scores(
    results: Sequence[CellResult], *, label_names: Sequence[str], generators: Sequence[int] | None = None
) -> Scores:
    """Arrange the results of all cells, given seed by seed in the order of the arms.

    Args:
        generators: by number of a synthetic set that of its generator; default: each is of another.
    """
    arms = tuple(dict.fromkeys(result.cell.arm for result in results))
    subjects = tuple(sorted(results[0].counts))
    of_arm = {arm: [result for result in results if result.cell.arm == arm] for arm in arms}
    sets = {arm: [result.cell.synthetic for result in found] for arm, found in of_arm.items()}
    return Scores(
        arms=arms,
        subjects=subjects,
        labels=tuple(label_names[1:]),
        dice={
            arm.name: np.array([[result.dice(subject) for subject in subjects] for result in found])
            for arm, found in of_arm.items()
        },
        curves={arm.name: [result.curve for result in found] for arm, found in of_arm.items()},
        units={arm.name: _units(numbers, generators) for arm, numbers in sets.items()},
        metrics={arm.name: _arranged(found, subjects) for arm, found in of_arm.items()},
    )


def _arranged(found: Sequence[CellResult], subjects: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """By metric [seeds, subjects, labels]."""
    measured = [[result.measured(subject) for subject in subjects] for result in found]
    return {metric.name: np.array([[one[metric.name] for one in row] for row in measured]) for metric in METRICS}


def _units(sets: Sequence[int | None], generators: Sequence[int] | None) -> list[int] | None:
    """What seeds share: sets of one generator are no more independent of each other than it lets them be."""
    numbers = [number for number in sets if number is not None]
    drawn_by = numbers if generators is None else [generators[number] for number in numbers]
    units = drawn_by if len(set(drawn_by)) > 1 else numbers
    return units if len(set(units)) > 1 else None


def describe_arms(
    scores: Scores, *, real_slices: int, counts: Mapping[str, ArmCounts] | None = None
) -> list[dict[str, Any]]:
    """What trial.json says of each arm: slices, mean Dice over labels, subjects and seeds, each label, against 100R.

    Args:
        real_slices: 100 percent; counts: slices of each arm by name, where its shares do not tell.
    """
    real = scores.compared(REAL_ARM) if REAL_ARM in scores.dice else None
    others = {arm.name: scores.compared(arm.name) for arm in scores.arms if arm.name != REAL_ARM}
    ranks = {} if real is None else signed_ranks(others, real)
    described = []
    for arm in scores.arms:
        slices, units = (counts or {}).get(arm.name) or arm.counts(real_slices), scores.units[arm.name]
        by_subject = scores.by_subject(arm.name)
        mean = mean_dice(by_subject, units)
        labels = {
            label: mean_dice(scores.dice[arm.name][:, :, number], units) for number, label in enumerate(scores.labels)
        }
        entry: dict[str, Any] = {
            "name": arm.name,
            "real_slices": slices.real,
            "synthetic_slices": slices.synthetic,
            "augmented_slices": slices.flipped,
            "repeated_slices": slices.repeated,
            "mean": mean.value,
            "interval": mean.interval,
            "labels": {label: {"mean": one.value, "interval": one.interval} for label, one in labels.items()},
            "ratio_to_real": None,
            "difference_to_real": None,
            "wilcoxon": None,
        }
        if real is not None:
            difference = dice_difference(scores.compared(arm.name), real, units)
            of_real = scores.by_subject(REAL_ARM)
            entry["ratio_to_real"] = mean.value / float(np.nanmean(of_real)) if np.nansum(of_real) > 0 else None
            entry["difference_to_real"] = {"difference": difference.value, "interval": difference.interval}
        if arm.name in ranks:
            found = ranks[arm.name]
            entry["wilcoxon"] = {"p": found.p, "p_holm": found.adjusted, "subjects": found.subjects}
        described.append(entry)
    return described


def mean_dice(values: NDArray[np.float64], units: list[int] | None = None) -> Estimate:
    """Mean with interval, which stays where Dice can be."""
    return bootstrap_mean(values, units=units, within=dice.RANGE)


def dice_difference(
    treated: NDArray[np.float64],
    control: NDArray[np.float64],
    units: list[int] | None = None,
    *,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Paired difference with interval, which stays where differences of Dice can be."""
    return bootstrap_difference(treated, control, units=units, within=dice.DIFFERENCES, confidence=confidence)


def compare(scores: Scores, primary: str | None = None) -> tuple[Primary | None, list[str]]:
    """The primary comparison, and notes on what it leaves out.

    Means over the labels that a subject has, paired by subject and seed. Labels that it does not have are left out of both arms,
    found or not: they are judged as false alarms.

    Args:
        primary: the arm held against 100R; default: that of `default_primary`.
    """
    name = primary or default_primary(scores.arms)
    if name is None:
        return None, []
    treated, control = scores.compared(name), scores.compared(REAL_ARM)
    difference = dice_difference(treated, control, scores.units[name])
    narrow = dice_difference(treated, control, scores.units[name], confidence=EQUIVALENCE_CONFIDENCE)
    paired = (~np.isnan(treated - control)).any(axis=0)
    notes = []
    if not paired.all():
        notes.append(
            f"{int((~paired).sum())} of {len(scores.subjects)} test subjects have none of the labels and are left out of"
            " comparisons of arms."
        )
    alarms = compare_false_alarms(scores.dice[name], scores.dice[REAL_ARM], scores.absent, units=scores.units[name])
    if alarms is not None:
        notes.append(
            "Subjects without a label have no Dice where it is not found, and 0 where it is: the means count such false alarms."
            " Comparisons of arms leave these labels out, found or not."
            f" {REAL_ARM} finds a label in {100 * alarms.control:.0f}% of the subjects without it, "
            f"{name} in {100 * alarms.treated:.0f}%."
        )
    return (
        Primary(
            difference,
            int(paired.sum()),
            scores.seeds,
            f"{name} minus {REAL_ARM}",
            narrow,
            alarms=None if alarms is None else alarms.difference,
        ),
        notes,
    )


def describe_primary(primary: Primary | None) -> dict[str, Any] | None:
    """What trial.json says of the primary comparison."""
    if primary is None:
        return None
    return {
        "comparison": primary.comparison,
        "difference": primary.difference.value,
        "interval": primary.difference.interval,
        "subjects": primary.subjects,
        "seeds": primary.seeds,
        "equivalence": None
        if primary.narrow is None
        else {"margin": MARGIN, "interval": primary.narrow.interval, "holds": primary.equivalent},
        "false_alarms": None
        if primary.alarms is None
        else {"difference": primary.alarms.value, "interval": primary.alarms.interval},
        "smallest_effect_seen": primary.difference.smallest_seen,
    }


def last_gains(scores: Scores) -> dict[str, float]:
    """By arm the validation Dice that it gained over the last fifth of the steps; NaN where that was not measured."""
    return {arm.name: last_fifth_gain(scores.curves[arm.name]) for arm in scores.arms}


def peaks_of(scores: Scores) -> dict[str, Peak | None]:
    """By arm where validation Dice was highest; None where that was not measured."""
    return {arm.name: find_peak(scores.curves[arm.name]) for arm in scores.arms}


def list_scores(scores: Scores) -> list[dict[str, Any]]:
    """Every Dice of the trial, one entry for each arm, seed, subject and label; `present`: whether the subject has the label."""
    absent = scores.absent
    return [
        {
            "arm": arm.name,
            "seed": seed,
            "subject": subject,
            "label": label,
            "dice": float(scores.dice[arm.name][seed, s, k]),
            "present": not absent[s, k],
        }
        for arm in scores.arms
        for seed in range(scores.seeds)
        for s, subject in enumerate(scores.subjects)
        for k, label in enumerate(scores.labels)
    ]
