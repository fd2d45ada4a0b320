"""The augmentation that all arms of a trial had, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NONE, UNKNOWN = "none", "not known"


def augmentation_words(augment: Sequence[str] | None) -> str:
    """Kinds of `--augment` joined by "and"; "none" where there are none, "not known" for None."""
    return UNKNOWN if augment is None else " and ".join(augment) or NONE


def augmentation_of(trial: Mapping[str, Any]) -> str:
    """The same of a trial.json: not known where the segmenters were trained elsewhere; the earliest trials had none."""
    return UNKNOWN if trial.get("steps") is None else augmentation_words(trial.get("augment") or ())
