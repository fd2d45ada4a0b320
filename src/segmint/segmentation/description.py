"""`segmenter.json`: what a segmenter was trained on and where it comes from, and what prediction must know of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError

from segmint.data.intensity import IntensityMap
from segmint.data.segmenter_description import DESCRIPTION
from segmint.data.sidecar import first_complaint
from segmint.errors import UserError
from segmint.outputs import read_json


class Description(BaseModel):
    """What prediction must know.

    Attributes:
        channel_names, label_names: in order.
        dimensions: of the images; axis: along which volumes are cut, None for 2-D images.
        size: side of the training slices in pixels; scale: their pixels per pixel of the source.
        spacing: median millimetres per array axis of the source; None where it does not tell.
        orientation: of all training volumes, such as "RAS"; None where they differ or do not tell.
        intensity: one map a channel, the median of the training's: what is no percentile holds for every image.
    """

    model_config = ConfigDict(frozen=True)

    channel_names: Annotated[tuple[str, ...], Field(min_length=1)]
    label_names: Annotated[tuple[str, ...], Field(min_length=2, max_length=256)]
    dimensions: Literal[2, 3]
    axis: Annotated[int, Field(ge=0, le=2)] | None
    size: Annotated[int, Field(ge=1)]
    scale: Annotated[float, Field(gt=0, le=1)]
    spacing: tuple[PositiveFloat, ...] | None
    orientation: Annotated[str, Field(pattern="^[LRAPSI]{3}$")] | None
    intensity: tuple[IntensityMap, ...]


def read_description(segmenter: Path) -> Description:
    """Of the folder that `train_for_use` wrote, or of a run that gives a segmenter.

    Raises:
        UserError: it is no such folder, its training is not finished, or the file is damaged.
    """
    path = segmenter / DESCRIPTION
    if not path.is_file():
        raise UserError(
            f"{segmenter} is no finished segmenter (it has no {DESCRIPTION}): give the folder that segmint segment train"
            " wrote, or a finished run of a recipe that gives a segmenter (segmint recipes)."
        )
    try:
        found = Description.model_validate(read_json(path))
    except ValidationError as error:
        raise UserError(f"{path} is not valid: {first_complaint(error)}; train again.") from error
    fits = found.spacing is None or len(found.spacing) == found.dimensions
    if not fits or (found.axis is None) != (found.dimensions == 2) or len(found.intensity) != len(found.channel_names):
        raise UserError(f"{path} is not valid: its parts do not fit one another; train again.")
    return found
