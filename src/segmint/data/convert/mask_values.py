"""From the numbers people store in masks (0 and 255, 1 and 3, ...) to consecutive label ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmint.errors import UserError

_MOST_LABELS = 256
_MOST_SCATTERED = 32
_NEAR = 16


@dataclass(frozen=True)
class LabelMapping:
    """Which stored value becomes which id, and what the ids are called.

    Args:
        values: Stored value of every id; id 0 is background. None for an id that no mask holds.
        names: Name of every id.
    """

    values: tuple[int | None, ...]
    names: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Every stored value is its own id already."""
        return all(value in (None, number) for number, value in enumerate(self.values))

    def apply(self, mask: NDArray[np.int64]) -> NDArray[np.uint8]:
        """[*spatial] stored values -> ids."""
        ids = np.zeros(mask.shape, dtype=np.uint8)
        for number, value in enumerate(self.values):
            if value is not None and number:
                ids[mask == value] = number
        return ids

    def sentence(self) -> str:
        """What was mapped, to be printed."""
        listed = ", ".join(
            f"{value} -> {number} {name}"
            for number, (value, name) in enumerate(zip(self.values, self.names, strict=True))
            if value is not None
        )
        verb = "are the label ids already" if self.identical else "were mapped to consecutive ids"
        return f"Mask values {verb}: {listed}."


def map_values(
    found: Mapping[int, Path], *, labels: Mapping[str, int] | Sequence[str] | None, where: Path
) -> LabelMapping:
    """Decide on the mapping.

    Args:
        found: Every value in any mask, and a file that holds it.
        labels: Names: either name -> stored value (in the order of the ids), or names of the labels in ascending order
            of their values, with or without "background" in front.
        where: Folder of the masks, for messages.

    Raises:
        UserError: all masks are empty, the values look like the traces of lossy compression or of smoothing, or the
            names do not fit the values.
    """
    if isinstance(labels, Mapping):
        return _named_values(found, labels)
    foreground = sorted(value for value in found if value != 0)
    if not foreground:
        raise UserError(f"All masks in {where} are empty (every pixel is 0): check that these are the masks.")
    consecutive = foreground[0] > 0 and foreground[-1] <= len(foreground)
    if not consecutive:
        _refuse_traces(found, foreground)
    if len(foreground) + 1 > _MOST_LABELS:
        raise UserError(
            f"The masks in {where} hold {len(foreground)} different labels, more than the {_MOST_LABELS - 1} that can "
            "be stored: "
            "number what should be learned, not single objects."
        )
    if consecutive:
        # Ids stay what they are even if some are absent, as in a part of a larger dataset.
        values: list[int | None] = [number if number in found else None for number in range(foreground[-1] + 1)]
    else:
        values = [0 if 0 in found else None, *foreground]
    return LabelMapping(tuple(values), _names(labels, len(values), where))


def _named_values(found: Mapping[int, Path], labels: Mapping[str, int]) -> LabelMapping:
    background = labels.get("background", 0)
    named = {name: value for name, value in labels.items() if name != "background"}
    if not named:
        raise UserError("No label is named beside the background: name at least one.")
    if len({background, *named.values()}) != len(named) + 1:
        raise UserError(f"Two labels have the same value ({dict(labels)}): give each its own.")
    unnamed = sorted(set(found) - {background, *named.values()})
    if unnamed:
        raise UserError(
            f"{found[unnamed[0]]} holds the value {unnamed[0]}, which no label is named for (named: "
            f"{', '.join(f'{name}={value}' for name, value in labels.items())}): name it too."
        )
    if not set(found) & set(named.values()):
        raise UserError("No mask holds any of the named values: all masks would be empty.")
    return LabelMapping((background, *named.values()), ("background", *named))


def _refuse_traces(found: Mapping[int, Path], foreground: Sequence[int]) -> None:
    """Values scattered over the scale, or close to 0 or 255 beside it, are no labels."""
    near = [value for value in foreground if 0 < value < _NEAR or 255 - _NEAR < value < 255] if 255 in found else []
    if not near and len(foreground) <= _MOST_SCATTERED:
        return
    odd = near[0] if near else foreground[0]
    shown = ", ".join(str(value) for value in [*foreground[:4], "...", foreground[-1]]) if len(foreground) > 5 else None
    raise UserError(
        f"{found[odd]} holds the value {odd}, one of {len(foreground) + 1} values over all masks "
        f"({shown or ', '.join(map(str, foreground))}): that looks like lossy compression or smoothing rather than "
        "labels; save the "
        "masks without it, cut them with --threshold 128, or name the values that are labels."
    )


def _names(labels: Sequence[str] | None, count: int, where: Path) -> tuple[str, ...]:
    if labels is None:
        return (
            ("background", "foreground") if count == 2 else ("background", *(f"label {one}" for one in range(1, count)))
        )
    names = tuple(labels) if labels and labels[0] == "background" else ("background", *labels)
    if len(names) != count or len(set(names)) != len(names):
        raise UserError(
            f"{len(names) - 1} different label names are given but the masks in {where} hold {count - 1} labels "
            "beside the "
            "background: give one name for each, in ascending order of their values."
        )
    return names
