"""What the gate chooses of what it looked at, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.arms import REAL_ARM, Arm, parse_arm
from segmint.evaluation.convergence import Curve, all_converged, describe_convergence, has_converged, last_fifth_gain
from segmint.evaluation.false_alarms import compare_false_alarms, surely_more
from segmint.evaluation.points import points
from segmint.evaluation.statistics import Estimate, bootstrap_difference
from segmint.metrics import dice

# Chance that a set which does nothing is added, over all its shares.
_ALARM = 0.05


@dataclass(frozen=True)
class Looked:
    """What an arm did inside the training subjects.

    Attributes:
        scores: Dice [seeds, subjects, labels], subjects of all folds beside each other.
        curves: validation Dice of every segmenter of the arm, in all folds, as it learned.
    """

    arm: Arm
    scores: NDArray[np.float64]
    curves: Sequence[Curve] = ()


@dataclass(frozen=True)
class Candidate:
    """An arm that the gate looked at, held against 100R inside the training subjects.

    Attributes:
        gain: in Dice.
        alarms: in how often labels are found that a subject does not have; None where every subject has every label.
        rise: what its validation Dice still gained over the last fifth of the steps; NaN where that was not measured.
    """

    arm: Arm
    gain: Estimate
    alarms: Estimate | None = None
    rise: float = float("nan")

    @property
    def gained(self) -> bool:
        """Whether it gained for sure."""
        return self.gain.low > 0

    @property
    def more_alarms(self) -> bool:
        """Whether its segmenters surely find more of what is not there."""
        return surely_more(self.alarms)

    def as_json(self) -> dict[str, Any]:
        """What trial.json says of it."""
        return {
            "arm": self.arm.name,
            "gain": self.gain.value,
            "interval": self.gain.interval,
            "false_alarms": None
            if self.alarms is None
            else {"difference": self.alarms.value, "interval": self.alarms.interval},
        }


@dataclass(frozen=True)
class Choice:
    """What the gate chose.

    Attributes:
        arm: 100R where no candidate gained for sure, without surely more false alarms.
        subjects: how many the candidates were tested on; confidence: of each two-sided interval, by their number.
        missing: arms that could not be looked at, since curation left too few pairs for them.
        unchanged: arms of curated pairs that are those without curation, since it dropped none of them.
        rise: of 100R, as of a candidate.
    """

    arm: Arm
    candidates: tuple[Candidate, ...]
    subjects: int
    confidence: float
    missing: tuple[Arm, ...] = ()
    unchanged: tuple[Arm, ...] = ()
    rise: float = float("nan")

    @property
    def opened(self) -> bool:
        """Whether any pairs are added."""
        return self.arm.synthetic > 0

    @property
    def best(self) -> Candidate:
        """The candidate with the largest gain, of which there is at least one."""
        return max(self.candidates, key=lambda one: one.gain.value)

    @property
    def shown(self) -> Candidate:
        """The candidate that was chosen, or else the best."""
        return next((one for one in self.candidates if one.arm == self.arm), self.best)

    @property
    def rises(self) -> dict[str, float]:
        """What validation Dice of the arms that decided, 100R and the shown one, gained over the last fifth of the steps."""
        return {REAL_ARM: self.rise} | ({self.shown.arm.name: self.shown.rise} if self.candidates else {})

    @property
    def converged(self) -> bool | None:
        """Whether the arms that decided had converged inside; None where that was not measured."""
        return all_converged(self.rises.values())

    @property
    def _looked(self) -> str:
        """What it chose of."""
        arms = [one.arm for one in self.candidates]
        drawn, curated = (sum(arm.curated == kind for arm in arms) for kind in (False, True))
        parts = [
            f"{number} share{'s' if number > 1 else ''}{words}"
            for number, words in ((drawn, ""), (curated, " of curated pairs"))
            if number
        ]
        return " and ".join(parts)

    @property
    def sentence(self) -> str:
        """What was chosen and why."""
        if not self.candidates:
            return "The gate added no synthetic pairs: curation left too few for any share"
        shown, looked = self.shown, self._looked
        gained = (
            f"{shown.arm.name} {points(shown.gain.value, signed=True)} points, {100 * self.confidence:.1f}% interval "
            f"{points(shown.gain.low, signed=True)} to {points(shown.gain.high, signed=True)}"
        )
        where, more = f"cross-validated on {self.subjects} training subjects", f"{self._left_out}{self._rising}"
        if self.opened:
            return f"The gate chose {self.arm.name} of {looked}, {where} ({gained}){more}"
        alarmed = " without more false alarms" if any(one.gained for one in self.candidates) else ""
        return (
            f"The gate added no synthetic pairs: of {looked}, {where}, none gained for sure{alarmed} (at best {gained})"
            f"{more}"
        )

    @property
    def _left_out(self) -> str:
        """Arms that were not chosen of."""
        alarmed = ", ".join(
            f"{one.arm.name} ({points(one.alarms.value, signed=True)} percent)"
            for one in self.candidates
            if one.alarms is not None and one.gained and one.more_alarms
        )
        parts = [
            f"left out, as they surely find labels in more of the subjects that do not have them: {alarmed}"
            if alarmed
            else "",
            f"curation left too few pairs for {', '.join(arm.name for arm in self.missing)}" if self.missing else "",
            f"curation dropped none of the pairs of {', '.join(arm.name for arm in self.unchanged)}"
            if self.unchanged
            else "",
        ]
        return "".join(f"; {part}" for part in parts if part)

    @property
    def _rising(self) -> str:
        """Whether more steps might choose otherwise."""
        if self.converged:
            return ""
        rising = [
            f"{name} still gained {points(rise)} points"
            for name, rise in self.rises.items()
            if has_converged(rise) is False
        ]
        if not rising:
            return "; whether the segmenters it chose by had converged was not measured"
        return (
            f"; the segmenters it chose by had not converged (validation Dice of {' and that of '.join(rising)} over the last"
            " fifth of the steps), so more --steps may choose otherwise"
        )

    def as_json(self) -> dict[str, Any]:
        """What trial.json says of it."""
        rises = {REAL_ARM: self.rise} | {one.arm.name: one.rise for one in self.candidates}
        return {
            "chosen": self.arm.name,
            "sentence": f"{self.sentence}.",
            "subjects": self.subjects,
            "confidence": self.confidence,
            "candidates": [one.as_json() for one in self.candidates],
            "missing": [arm.name for arm in self.missing],
            "unchanged": [arm.name for arm in self.unchanged],
            "convergence": describe_convergence(rises, judged=self.rises),
        }


def choose(
    candidates: Sequence[Looked],
    real: Looked,
    *,
    absent: NDArray[np.bool_],
    missing: Sequence[Arm] = (),
    unchanged: Sequence[Arm] = (),
    seed: int = 0,
) -> Choice:
    """Take the candidate that gained most among those whose gain has its lower bound above 0; else 100R.

    Only lower bounds decide, so each is one-sided, at a level that keeps the chance of adding a set that does nothing at 5%
    over all candidates [Bonferroni]. Gains are over the labels that a subject has. As in the verdict, a gain does not count
    that comes with surely more false alarms on subjects without the label (95% interval).

    Args:
        candidates: what the arms with pairs did; real: what 100R did, on the same subjects.
        absent: [subjects, labels], the labels that a subject does not have.
        missing, unchanged: arms that could not, or need not, be looked at.
        seed: of the bootstrap.
    """
    confidence = 1 - 2 * _ALARM / max(len(candidates), 1)
    control = dice.mean_over_labels(real.scores, absent=absent)
    judged = []
    for one in candidates:
        treated = dice.mean_over_labels(one.scores, absent=absent)
        gain = bootstrap_difference(treated, control, within=dice.DIFFERENCES, confidence=confidence, seed=seed)
        alarms = compare_false_alarms(one.scores, real.scores, absent)
        judged.append(
            Candidate(one.arm, gain, None if alarms is None else alarms.difference, last_fifth_gain(one.curves))
        )
    certain = [one for one in judged if one.gained and not one.more_alarms]
    chosen = max(certain, key=lambda one: one.gain.value).arm if certain else parse_arm(REAL_ARM)
    tested = int((~np.isnan(control)).any(axis=0).sum())
    rise = last_fifth_gain(real.curves)
    return Choice(chosen, tuple(judged), tested, confidence, tuple(missing), tuple(unchanged), rise)
