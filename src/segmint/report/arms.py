"""The arms of a trial as a report shows them: read from trial.json, put into words, given a colour and a marker."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from segmint.evaluation.arms import GATE, REAL_ARM
from segmint.report import vector

Kind = Literal["real", "fake", "mixed", "flipped"]

COLOURS: Mapping[Kind, str] = {
    "real": vector.REAL,
    "fake": vector.FAKE,
    "mixed": vector.MIXED,
    "flipped": vector.FLIPPED,
}
MARKERS: Mapping[Kind, str] = {"real": "s", "fake": "o", "mixed": "D", "flipped": "^"}
_NOUNS = {"R": "real", "F": "synthetic", "C": "curated synthetic", "A": "flipped real", "B": "repeated real"}


@dataclass(frozen=True)
class Estimate:
    """A mean Dice (0 to 1) with its confidence interval; None where it could not be computed."""

    mean: float | None
    low: float | None
    high: float | None

    @property
    def text(self) -> str:
        return "not measured" if self.mean is None else f"{self.mean:.3f}"

    @property
    def interval_text(self) -> str:
        """Empty where there is none, or where it has no width: a single subject and seed leave nothing to resample."""
        if self.low is None or self.high is None or self.low == self.high:
            return ""
        return f"{self.low:.3f} to {self.high:.3f}"


@dataclass(frozen=True)
class Arm:
    """One arm: its slices by origin, its mean Dice over labels, its Dice for each label, its ratio to the real arm."""

    name: str
    kind: Kind
    real: int
    synthetic: int
    flipped: int
    repeated: int
    overall: Estimate
    labels: Mapping[str, Estimate]
    ratio: float | None
    difference: Estimate | None

    @property
    def gain(self) -> str:
        """Difference from 100R in points; empty for 100R itself."""
        if self.difference is None or self.difference.mean is None or self.is_reference:
            return ""
        return signed_points(self.difference.mean)

    @property
    def gain_interval(self) -> str:
        if self.difference is None or not self.difference.interval_text:
            return ""
        assert self.difference.low is not None
        assert self.difference.high is not None
        return f"{signed_points(self.difference.low)} to {signed_points(self.difference.high)}"

    @property
    def is_reference(self) -> bool:
        """Whether it is what the others are held against: all real slices and nothing else."""
        return self.name == REAL_ARM

    @property
    def words(self) -> str:
        return describe_arm(self.name)


def read_arms(trial: Mapping[str, Any]) -> tuple[Arm, ...]:
    """The arms of a trial.json, in its order."""
    return tuple(_read_arm(arm) for arm in trial.get("arms", []))


def _read_arm(arm: Mapping[str, Any]) -> Arm:
    real, synthetic = int(arm.get("real_slices") or 0), int(arm.get("synthetic_slices") or 0)
    flipped = int(arm.get("augmented_slices") or 0)
    kind: Kind = "mixed" if synthetic and real else "fake" if synthetic else "flipped" if flipped else "real"
    return Arm(
        name=str(arm["name"]),
        kind=kind,
        real=real,
        synthetic=synthetic,
        flipped=flipped,
        repeated=int(arm.get("repeated_slices") or 0),
        overall=_estimate(arm),
        labels={str(name): _estimate(value) for name, value in (arm.get("labels") or {}).items()},
        ratio=arm.get("ratio_to_real"),
        difference=_difference(arm.get("difference_to_real")),
    )


def _estimate(content: Mapping[str, Any]) -> Estimate:
    low, high = content.get("interval") or (None, None)
    return Estimate(content.get("mean"), low, high)


def _difference(content: Mapping[str, Any] | None) -> Estimate | None:
    if not content:
        return None
    low, high = content.get("interval") or (None, None)
    return Estimate(content.get("difference"), low, high)


def signed_points(difference: float) -> str:
    """A difference of Dice (-1 to 1) in points with its sign, such as "+1.8" or "−0.4"."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def describe_arm(name: str) -> str:
    """An arm's name in words: `100R+300F` is "all real slices + 3 times as many synthetic"."""
    if name == GATE:
        return "what the gate chose"
    parts = re.findall(r"(\d+)([RFCAB])", name)
    if not parts or "+".join(share + letter for share, letter in parts) != name:
        return name
    phrases: list[str] = []
    for share, letter in parts:
        times = int(share) / 100
        if letter == "R":
            phrases.append("all real slices" if times == 1 else f"{share}% of the real slices")
        else:
            amount = "as many" if times == 1 else f"{times:g} times as many"
            phrases.append(f"{amount} {_NOUNS[letter]}" + ("" if phrases else " as there are real"))
    return " + ".join(phrases)
