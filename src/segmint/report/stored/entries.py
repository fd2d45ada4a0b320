"""Kinds of entries that the files of a folder share, and the check that names the file and the entry that is wrong."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from segmint.data.sidecar import first_complaint
from segmint.errors import UserError

# Beyond every 32-bit float; figures and sums overflow long after it.
LARGEST = 1e39
# Results are nested about eight deep.
_DEEPEST = 50


class Entry(BaseModel):
    """What a report relies on; entries that it does not name may be anything, as in files of other versions.

    Kinds are exact: "0.5" is no number, and 1 is no bool.
    """

    model_config = ConfigDict(strict=True)


def _as_arrays_hold_it(value: Any) -> Any:
    """A whole number of 64 bits, or anything else."""
    if isinstance(value, int) and value.bit_length() > 63:
        raise ValueError("a whole number is too large")
    return value


Value = Annotated[float, BeforeValidator(_as_arrays_hold_it)]
"""Infinite or no number at all, too."""
Number = Annotated[Value, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Amount = Annotated[Value, Field(ge=0, le=LARGEST, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**15)]
Interval = Annotated[list[Number | None], Field(min_length=2, max_length=2)]
Names = list[str]
Subject = Annotated[list[str], Field(min_length=2, max_length=2)]
"""(dataset, subject)."""
PictureName = Annotated[str, Field(pattern=r"^[^/\\\x00]+$")]
"""A file beside the results: another's folder is not looked into."""


class Finding(Entry):
    """What is wrong, and what to try."""

    code: str
    message: str
    advice: str


class Dataset(Entry):
    """What a result says of its dataset."""

    channel_names: Names = []
    label_names: Names = []


class Measured(Entry):
    """A number with its interval, None where there is none."""

    value: Number | None
    interval: Interval


def check_entries(kind: type[Entry], content: Any, where: object) -> None:
    """Refuse what segmint would not have written.

    Args:
        kind: what the content must fit; where: the file, for the sentence.

    Raises:
        UserError: an entry is missing, of another kind, or impossible; it is named.
    """
    complaint = "it is nested too deeply" if _deeper(content, _DEEPEST) else None
    if complaint is None:
        try:
            kind.model_validate(content)
        except ValidationError as error:
            complaint = first_complaint(error)
    if complaint is not None:
        raise UserError(
            f"{where} is not as segmint writes it ({complaint}): make it anew, with the command that made it."
        )


def _deeper(content: Any, levels: int) -> bool:
    """Whether lists and objects lie in one another more than `levels` deep."""
    layer = [content]
    for _ in range(levels):
        inner: list[Any] = []
        for one in layer:
            if isinstance(one, dict):
                inner += [each for each in one.values() if isinstance(each, dict | list)]
            elif isinstance(one, list):
                inner += [each for each in one if isinstance(each, dict | list)]
        if not inner:
            return False
        layer = inner
    return True
