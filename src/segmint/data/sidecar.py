"""`segmint.json`: what the nnU-Net layout has no place for, beside `dataset.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, field_validator

from segmint.data.case import Provenance
from segmint.data.conditions import checked_conditions
from segmint.data.intensity import IntensityMap
from segmint.data.subjects import Split, SubjectKind, Subset
from segmint.errors import UserError
from segmint.outputs import read_json, write_json

SIDECAR_NAME = "segmint.json"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CaseEntry(_Strict):
    """What is recorded of one case; the fields mean what they mean in `Case`."""

    subject: str = Field(min_length=1)
    volume: str | None = None
    slice: int | None = Field(default=None, ge=0)
    axis: int | None = Field(default=None, ge=0, le=2)
    spacing: tuple[float, ...] | None = None
    affine: tuple[tuple[float, ...], ...] | None = None
    original_shape: tuple[int, ...] | None = None
    padding: tuple[tuple[int, int], ...] | None = None
    intensity: tuple[IntensityMap, ...] | None = None
    uncertainty: float | None = None
    drawn: tuple[PositiveInt, PositiveInt] | None = None


class Sidecar(_Strict):
    """The whole file."""

    format: Literal[1] = 1
    cases: dict[str, CaseEntry]
    unlabelled: dict[str, CaseEntry] = Field(default_factory=dict)
    conditions: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    subject_kind: SubjectKind = "subject"
    split: Split | None = None
    subsets: dict[str, Subset] = Field(default_factory=dict)
    licence: str | None = None
    provenance: Provenance | None = None

    @field_validator("conditions")
    @classmethod
    def _check_conditions(cls, conditions: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return checked_conditions(conditions)


def read_sidecar(folder: Path) -> Sidecar | None:
    """Read and check `folder/segmint.json`, or None where there is none.

    Raises:
        UserError: it is not JSON or does not hold what it should.
    """
    path = folder / SIDECAR_NAME
    if not path.exists():
        return None
    content = read_json(path)
    try:
        return Sidecar.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{path} is not valid: {first_complaint(error)}; mend that entry.") from error


def write_sidecar(folder: Path, sidecar: Sidecar) -> None:
    """Write `folder/segmint.json` atomically, leaving out what is not known."""
    write_json(folder / SIDECAR_NAME, sidecar.model_dump(mode="json", exclude_none=True))


def first_complaint(error: ValidationError) -> str:
    """The first complaint of pydantic as half a sentence that names the entry."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return f'"{place}": {message}' if place else message
