"""evaluation.json: the sections on masks, images, alignment, what may be gained, and privacy."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from segmint.evaluation.fidelity_words import METRIC_WORDS
from segmint.report.stored.entries import Amount, Entry, Finding, Interval, Measured, Names, Number, PictureName


class _Section(Entry):
    findings: list[Finding]
    sentences: Names
    notes: Names


class _Shape(Entry):
    real: Annotated[list[Number], Field(min_length=3, max_length=3)]
    drawn: Annotated[list[Number], Field(min_length=3, max_length=3)]
    inside: Number


class Shapes(Entry):
    """Of one label; there are all of them or none. Those with a default are newer than the others."""

    area_share: _Shape | None
    components: _Shape | None
    holes: _Shape | None
    skeleton_length: _Shape | None
    branch_points: _Shape | None
    solidity: _Shape | None = None
    centre_row: _Shape | None = None
    centre_column: _Shape | None = None

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        if len({getattr(self, name) is None for name in self.model_fields_set & Shapes.model_fields.keys()}) > 1:
            raise ValueError("some of its measures are missing")
        return self


class _Example(Entry):
    dice: Number


class _Nearest(Entry):
    examples: list[_Example]


class _Together(Entry):
    labels: Names
    real: Number
    drawn: Number


class _Held(Entry):
    labels: dict[str, Shapes]


class _Masks(_Section):
    labels: dict[str, Shapes]
    holdout: _Held | None = None
    nearest: _Nearest | None = None
    together: list[_Together] | None = None
    picture: PictureName | None = None

    @model_validator(mode="after")
    def _same_labels(self) -> Self:
        if self.holdout is not None and (absent := self.labels.keys() - self.holdout.labels.keys()):
            raise ValueError(f"{min(absent)} is not among the labels of held-out masks")
        return self


class _Sides(Entry):
    training: list[Amount]
    real: list[Amount]
    synthetic: list[Amount]

    @model_validator(mode="after")
    def _as_long(self) -> Self:
        lengths = {len(self.training), len(self.real), len(self.synthetic)}
        # The two darkest intensities are left out of an axis.
        if len(lengths) > 1 or min(lengths) < 3:
            raise ValueError("its curves are not equally long, or shorter than 3")
        return self

    def __len__(self) -> int:
        return len(self.training)


class _Spectra(Entry):
    cycles_a_pixel: list[Number]
    power: Annotated[dict[str, _Sides], Field(min_length=1)]

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if any(len(sides) != len(self.cycles_a_pixel) for sides in self.power.values()):
            raise ValueError("there are not as many powers as frequencies")
        return self


class _Nothing(Entry, extra="forbid"):
    """Where there were too few images."""


class _Kind(Entry):
    kind: str | None


class _Metric(Entry):
    direction: Literal["lower", "higher", "as real", "zero"]


class _Row(Entry):
    group: str
    of: str
    inside: str | None
    metric: str
    synthetic: Measured
    real: Measured
    p_value: Number | None


class _Fidelity(_Section):
    real: _Kind
    metrics: dict[str, _Metric]
    measures: list[_Row]
    spectra: _Spectra | _Nothing
    histograms: dict[str, Annotated[dict[str, _Sides], Field(min_length=1)]]

    @model_validator(mode="after")
    def _known(self) -> Self:
        for row in self.measures:
            if row.metric not in self.metrics or row.metric not in METRIC_WORDS:
                raise ValueError(f'"{row.metric}" is not one of its metrics')
        return self


class _Dice(Entry):
    dice: Number | None
    interval: Interval


class _Agreement(Entry):
    synthetic: _Dice | None
    holdout: _Dice | None
    ratio: Measured | None


class _Pair(Entry):
    dice: Number
    kind: str


class _Durations(Entry):
    training: Amount | None
    measuring: Amount


class _Alignment(_Section):
    mean: _Agreement
    labels: dict[str, _Agreement]
    examples: list[_Pair]
    seconds: _Durations | None = None
    picture: PictureName | None = None


class _Rate(Entry):
    share: Number


class _Excess(_Rate):
    interval: Annotated[list[Number], Field(min_length=2, max_length=2)]


class _Rates(Entry):
    threshold: Number
    copies: _Rate
    false_positives: _Rate
    excess: _Excess


class _NoThreshold(Entry):
    threshold: None


class _Known(Entry):
    value: Number
    interval: Interval


class _Membership(Entry):
    auc: _Known
    control: _Known
    excess: _Known


class _Near(Entry):
    similarity: Number
    copy_: bool | None = Field(alias="copy")


class _Privacy(_Section):
    pixels: _Rates | _NoThreshold
    features: dict[str, _Rates | _NoThreshold]
    membership: _Membership | None
    nearest: list[_Near]
    picture: PictureName | None = None


class StoredEvaluation(Entry):
    """What a report tells of an evaluation; a section that was not asked for is absent."""

    real: dict[str, Any] | None = None
    notes: Names | None = None
    masks: _Masks | None = None
    fidelity: _Fidelity | None = None
    alignment: _Alignment | None = None
    forecast: _Section | None = None
    privacy: _Privacy | None = None
