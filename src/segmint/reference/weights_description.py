"""What a file of weights belongs to: a known architecture, and how images are brought to it, in JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from segmint.data.sidecar import first_complaint
from segmint.errors import UserError
from segmint.outputs import parse_json, read_json

Architecture = Literal[
    "resnet10",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "densenet121",
    "densenet169",
    "densenet201",
]
METADATA = "segmint"
"""The key of the safetensors file's metadata that may hold the JSON text instead of a file."""


class WeightsDescription(BaseModel):
    """The JSON beside a file of weights.

    Attributes:
        architecture: of the network, in two dimensions, with the names of its weights as in torchvision or in MONAI.
        channels: of the images it takes.
        range: what the darkest and the brightest intensity become, -1 and 1 here, before `mean` and `std`.
        mean, std: taken from every channel, and what it is divided by then; one number stands for all channels.
        size: side of the images in pixels; None: as they are.
        prefix: what stands before every name of a weight of the network, such as "backbone.".
        stride: of the first convolution, in pixels, which neither names nor shapes tell: 2 in torchvision's networks, 1 in MONAI's
            residual ones unless they were built with another; None: 2, where the weights do not show that they are MONAI's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    architecture: Architecture
    channels: int = Field(ge=1, le=64)
    range: tuple[float, float]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: int | None = Field(default=None, ge=32, le=1024)
    prefix: str = ""
    stride: Literal[1, 2] | None = None

    @field_validator("mean", "std", mode="before")
    @classmethod
    def _of_all(cls, value: Any) -> Any:
        return [value] if isinstance(value, int | float) else value

    @model_validator(mode="after")
    def _check(self) -> WeightsDescription:
        if not self.range[0] < self.range[1]:
            raise ValueError("range holds the lower number first, then the higher one")
        for name in ("mean", "std"):
            if len(getattr(self, name)) not in (1, self.channels):
                raise ValueError(f"{name} holds one number, or one for each of the {self.channels} channels")
        if self.stride == 1 and self.architecture.startswith("densenet"):
            raise ValueError("stride is 2 in every densely connected network; leave it out")
        if min(self.std) <= 0:
            raise ValueError("std holds numbers above 0")
        return self


def description_beside(path: Path) -> Path:
    """Where the JSON of a file of weights lies: the same name with the ending .json."""
    return path.with_suffix(".json")


def read_description(path: Path, metadata: dict[str, str] | None) -> WeightsDescription:
    """What the JSON beside a file of weights says, or without one the file's metadata.

    Args:
        path: the file of weights; metadata: its own.

    Raises:
        UserError: there is neither, or it does not say what it should.
    """
    beside = description_beside(path)
    if beside.exists():
        place, content = str(beside), read_json(beside)
    elif metadata and METADATA in metadata:
        place = f'the entry "{METADATA}" in the metadata of {path}'
        try:
            content = parse_json(metadata[METADATA])
        except (ValueError, RecursionError) as error:
            raise UserError(f"--features: {place} cannot be read as JSON ({error}).") from error
    else:
        example = {"architecture": "resnet50", "channels": 3, "range": [0, 1], "mean": 0.5, "std": 0.25, "size": 224}
        raise UserError(
            f"--features {path} says nothing of the network its weights belong to: write {beside}, such as"
            f" {json.dumps(example)}."
        )
    try:
        return WeightsDescription.model_validate(content)
    except ValidationError as error:
        raise UserError(f"--features: {place} is not valid: {first_complaint(error)}; mend that entry.") from error
