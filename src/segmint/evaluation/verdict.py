"""What a trial allows us to say, in one plain sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from segmint.data.subjects import SubjectKind
from segmint.evaluation.arms import PRIMARY_ARM, REAL_ARM
from segmint.evaluation.augment_words import augmentation_words
from segmint.evaluation.convergence import LARGEST_GAIN, Peak
from segmint.evaluation.false_alarms import surely_more
from segmint.evaluation.points import points
from segmint.evaluation.statistics import CONFIDENCE, Estimate

# Below this number of tested subjects a trial describes and gives no verdict.
FEWEST_SUBJECTS = 15
# Below this number Student's t makes the interval over generators wide where they differ.
FEWEST_GENERATORS = 4
# Of each arm: one seed does not tell how much another would differ.
FEWEST_SEEDS = 2
COMPARISON = f"{PRIMARY_ARM} minus {REAL_ARM}"
# Two one-sided tests at 5%: arms are equivalent where the 90% interval lies inside this many Dice either way.
MARGIN, EQUIVALENCE_CONFIDENCE = 0.01, 0.9
_MARGIN = f"{100 * MARGIN:g} point"
_DEMONSTRATION = "A demonstration, not evidence: "

# Why results on what is no subject are only described.
NO_SUBJECTS: dict[SubjectKind, str] = {
    "block": "blocks of one stack are not subjects of their own",
    "image": "nobody knows which of the images come from one subject",
}

Kind = Literal["helps", "harms", "equivalent", "inconclusive", "none added", "descriptive", "not converged"]


@dataclass(frozen=True)
class Primary:
    """The comparison fixed beforehand: difference in mean Dice, `subjects` scored in both arms, seeds of each arm.

    `narrow` is the same difference with its 90% interval. `alarms`: where a subject does not have a label, so that there is no
    Dice to gain, the difference in how often it is found all the same; None where every subject has every label.
    """

    difference: Estimate
    subjects: int
    seeds: int
    comparison: str = COMPARISON
    narrow: Estimate | None = None
    alarms: Estimate | None = None

    @property
    def more_alarms(self) -> bool:
        """Whether the pairs surely make segmenters find what is not there."""
        return surely_more(self.alarms)

    @property
    def equivalent(self) -> bool:
        """Whether the arms differ by less than the margin [Schuirmann 1987, J Pharmacokinet Biopharm 15(6)]."""
        return self.narrow is not None and self.narrow.low > -MARGIN and self.narrow.high < MARGIN


class GateChoice(Protocol):
    """What the gate chose."""

    @property
    def opened(self) -> bool:
        """Whether any pairs are added."""

    @property
    def sentence(self) -> str:
        """What was chosen and why."""


@dataclass(frozen=True)
class Verdict:
    """Kind and sentence."""

    kind: Kind
    sentence: str


def decide(
    primary: Primary | None,
    *,
    gains: Mapping[str, float],
    steps: int,
    synthetic_sets: int,
    generators: int,
    demonstration: bool,
    augment: Sequence[str] | None,
    baselines: Sequence[str] = (),
    subject_kind: SubjectKind = "subject",
    gate: GateChoice | None = None,
    folds: int = 0,
    peaks: Mapping[str, Peak | None] | None = None,
    absent: str = f"the primary comparison, {COMPARISON}, is not in this trial",
) -> Verdict:
    """Decide what may be said.

    An arm of the comparison that has not converged comes before everything; then a gate that added nothing, so that there
    is nothing to compare; then a comparison that is missing or rests on too few subjects, on a single seed, or on blocks or
    images instead of subjects, is only described; else the interval decides: above 0 helps, below 0 harms. With 0
    inside it the arms are equivalent where two one-sided tests say so, else it is inconclusive. A sure gain or loss
    within the margin stays one, and is called small. A gain that comes with more false alarms is inconclusive.

    Args:
        primary: None where the trial lacks one of the two arms.
        gains: by arm of the primary comparison that of validation Dice over the last fifth of the steps; NaN where it was
            not measured.
        synthetic_sets: sets used; generators: different generators they came from.
        augment: kinds of augmentation that all arms had; None where that is not known.
        baselines: arms of flipped or repeated real slices, without synthetic pairs.
        subject_kind: what the tested "subjects" are.
        gate: what the gate chose, where the primary comparison is that of its arm.
        folds: of a cross-validated trial, 0 of another; then sets and generators are those of a fold.
        peaks: where validation Dice of these arms was highest; of those that ended far below it the sentence tells.
        absent: why there is no primary comparison.
    """
    kind, sentence = _decide(
        primary, gains=gains, steps=steps, augment=augment, subject_kind=subject_kind, gate=gate, absent=absent
    )
    if primary is not None and kind not in ("not converged", "none added"):
        sentence += _condition(synthetic_sets, generators, folds)
        if kind == "helps" and augment is not None and not augment:
            sentence += f". {_unrivalled(baselines)}"
        sentence += _over_trained(peaks or {}, steps=steps)
        if gate is not None:
            sentence += f". {gate.sentence}"
    if demonstration:
        sentence = _DEMONSTRATION + sentence[0].lower() + sentence[1:]
    return Verdict(kind, f"{sentence}.")


def _decide(
    primary: Primary | None,
    *,
    gains: Mapping[str, float],
    steps: int,
    augment: Sequence[str] | None,
    subject_kind: SubjectKind,
    gate: GateChoice | None,
    absent: str,
) -> tuple[Kind, str]:
    rising = [f"{name} still gained {points(gain)} points" for name, gain in gains.items() if gain > LARGEST_GAIN]
    if rising:
        return "not converged", (
            f"Not converged, no verdict: validation Dice of {' and that of '.join(rising)} over the last fifth of {steps} "
            "steps, so give the trial more with --steps"
        )
    if gate is not None and not gate.opened:
        return "none added", f"{gate.sentence}; what the segmenter learns from stays as it was"
    if primary is None:
        return "descriptive", f"Descriptive, no verdict, as {absent}"
    difference = primary.difference
    if primary.subjects == 0:
        return (
            "descriptive",
            f"Descriptive, no verdict, as no test {subject_kind} has a Dice in both arms of {primary.comparison}",
        )
    seeds = f"{primary.seeds} seed{'s' if primary.seeds > 1 else ''}"
    augmented = f"augmentation of all arms: {augmentation_words(augment)}"
    interval = f"{primary.comparison}, {_interval(difference)}, {seeds}, {augmented}"
    tested = f"mean Dice on {primary.subjects} test {subject_kind}{'s' if primary.subjects > 1 else ''}"
    changed = f"{tested} changes by {points(difference.value, signed=True)} points ({interval})"
    if subject_kind in NO_SUBJECTS:
        return (
            "descriptive",
            f"Descriptive, no verdict, as {NO_SUBJECTS[subject_kind]}: with synthetic pairs added, {changed}",
        )
    if primary.subjects < FEWEST_SUBJECTS:
        return (
            "descriptive",
            f"Descriptive, no verdict below {FEWEST_SUBJECTS} test subjects: with synthetic pairs added, {changed}",
        )
    if primary.seeds < FEWEST_SEEDS:
        return (
            "descriptive",
            f"Descriptive, no verdict from one seed, as another might say otherwise: with synthetic pairs added, {changed}",
        )
    if primary.more_alarms and difference.low > 0:
        assert primary.alarms is not None
        return "inconclusive", (
            f"Inconclusive: with synthetic pairs added, {changed}, but labels are found in"
            f" {points(primary.alarms.value, signed=True)} percent more of the subjects that do not have them"
            f" ({_interval(primary.alarms)})"
        )
    if difference.low > 0:
        helps = f"Synthetic pairs help: they raise {tested} by {points(difference.value)} points ({interval})"
        return "helps", f"{helps}{_small(primary)}"
    if difference.high < 0:
        harms = f"Synthetic pairs harm: they lower {tested} by {points(-difference.value)} points ({interval})"
        return "harms", f"{harms}{_small(primary)}"
    if primary.equivalent:
        return "equivalent", (
            f"Equivalent within {_MARGIN}: with synthetic pairs added, {changed}, which is less than {_MARGIN} either way "
            f"({_narrow(primary)})"
        )
    return "inconclusive", f"Inconclusive: with synthetic pairs added, {changed}{_unseen(difference)}"


def _interval(difference: Estimate, *, confidence: float = CONFIDENCE) -> str:
    if math.isnan(difference.low):
        return "no interval from one subject"
    ends = f"{points(difference.low, signed=True)} to {points(difference.high, signed=True)}"
    return f"{100 * confidence:g}% interval {ends}"


def _narrow(primary: Primary) -> str:
    return "" if primary.narrow is None else _interval(primary.narrow, confidence=EQUIVALENCE_CONFIDENCE)


def _small(primary: Primary) -> str:
    """What a sure difference is called that hardly matters."""
    return f", sure but less than {_MARGIN} ({_narrow(primary)})" if primary.equivalent else ""


def _unseen(difference: Estimate) -> str:
    """What the trial could not have told from nothing."""
    seen = difference.smallest_seen
    return (
        "" if math.isnan(seen) or not seen else f"; 80% of such trials would find a difference of {points(seen)} points"
    )


def _unrivalled(baselines: Sequence[str]) -> str:
    """What a gain over slices that nothing was done to is worth."""
    rivals = (
        f"the only baselines without a generator beside {REAL_ARM} were flipped or repeated real slices ({', '.join(baselines)})"
        if baselines
        else f"no baseline without a generator but {REAL_ARM} was in the trial"
    )
    return (
        "No arm was augmented: the gain counts only once it holds against augmentation of real slices (--augment strong), as"
        f" {rivals}"
    )


def _over_trained(peaks: Mapping[str, Peak | None], *, steps: int) -> str:
    """Which arms were better before the end, so that another number of steps would give another difference."""
    spoiled = {name: peak for name, peak in peaks.items() if peak is not None and peak.over_trained}
    if not spoiled:
        return ""
    told = [
        f"that of {name} by {points(peak.fall)} points after {round(peak.share * steps)}"
        for name, peak in spoiled.items()
    ]
    return (
        f". Over-trained: validation Dice was higher before the end of {steps} steps, {', '.join(told)}, so that fewer steps or"
        " stronger augmentation may give another difference"
    )


def _condition(synthetic_sets: int, generators: int, folds: int) -> str:
    where = f" in each of {folds} folds" if folds else ""
    if synthetic_sets == 1 and not folds:
        return ", conditional on one synthetic set"
    if generators == 1:
        return f", conditional on one generator{where}"
    few = 1 < generators < FEWEST_GENERATORS
    return f", over {generators} generators{where}, so few that the interval is wide where they differ" if few else ""
