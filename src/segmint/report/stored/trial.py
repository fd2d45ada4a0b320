"""trial.json, and cost.json beside it."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from segmint.report.stored.entries import Count, Entry, Interval, Names, Number

_Point = Annotated[list[Number | None], Field(min_length=2, max_length=2)]


class _Mean(Entry):
    mean: Number | None = None
    interval: Interval | None = None


class _Difference(Entry):
    difference: Number | None = None
    interval: Interval | None = None


class _Ranks(Entry):
    p_holm: Number | None


class _Arm(_Mean):
    name: str
    real_slices: Count | None = None
    synthetic_slices: Count | None = None
    augmented_slices: Count | None = None
    repeated_slices: Count | None = None
    labels: dict[str, _Mean] | None = None
    ratio_to_real: Number | None = None
    difference_to_real: _Difference | None = None
    wilcoxon: _Ranks | None = None


class _Values(Entry):
    values: Count


class _MetricOfArm(Entry):
    mean: Number | None
    interval: Interval
    labels: Annotated[dict[str, _Values], Field(min_length=1)]


class _Metric(Entry):
    arms: dict[str, _MetricOfArm]
    unit: str | None = None
    # Absent, but never null.
    tolerance: Number = 0.0


class _Score(Entry):
    arm: str
    subject: str
    dice: Number | None = None
    present: bool | None = None


class _Equivalence(Entry):
    margin: Number
    interval: Interval
    holds: bool


class _Primary(_Difference):
    comparison: str
    equivalence: _Equivalence | None = None
    smallest_effect_seen: Number | None = None


class _Convergence(Entry):
    gain_points: Number | None
    converged: bool | None
    judged: bool
    peak_share: Number | None = None
    fall_points: Number | None = None
    over_trained: bool | None = None


class _Candidate(Entry):
    arm: str
    gain: Number | None
    interval: Interval
    confidence: Number | None = None
    false_alarms: _Difference | None = None


class _Gate(Entry):
    sentence: str
    confidence: Number
    candidates: list[_Candidate]
    convergence: dict[str, _Convergence] | None = None


class StoredCost(Entry):
    """cost.json."""

    cells: Count
    seconds_a_cell: Number
    core_hours: Number


class _Verdict(Entry):
    kind: str
    sentence: str


class StoredTrial(Entry):
    """What a report tells of a trial; earlier versions wrote fewer entries."""

    dataset: dict[str, Any] | None = None
    synthetic: list[dict[str, Any]] | None = None
    augment: Names | None = None
    seeds: Count | None = None
    test_subjects: Names | None = None
    folds: list[Any] | None = None
    arms: list[_Arm]
    metrics: dict[str, _Metric] | None = None
    scores: list[_Score] | None = None
    curves: dict[str, list[list[_Point]]] | None = None
    convergence_gain_points: Number | None = None
    convergence: dict[str, _Convergence] | None = None
    primary: _Primary | None = None
    gate: _Gate | None = None
    verdict: _Verdict | None = None
    notes: Names | None = None

    @model_validator(mode="after")
    def _measured_in_every_arm(self) -> Self:
        if self.metrics and not (self.seeds and self.test_subjects):
            raise ValueError("it has metrics, and no seeds or test subjects")
        for name, metric in (self.metrics or {}).items():
            if absent := [arm.name for arm in self.arms if arm.name not in metric.arms]:
                raise ValueError(f'its metric "{name}" lacks the arm {absent[0]}')
        return self

    @model_validator(mode="after")
    def _curves_are_placed(self) -> Self:
        places = (point[0] for seeds in (self.curves or {}).values() for curve in seeds for point in curve)
        if any(place is None for place in places):
            raise ValueError("a point of its curves has no number of images")
        return self
