"""`segmenter.json` beside a trained segmenter: what prediction must know of the data it was trained on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from segmint.data.dataset import Dataset
from segmint.data.orientation import common_orientation
from segmint.data.slices import SliceSet

DESCRIPTION = "segmenter.json"


def description_of(slices: SliceSet) -> dict[str, Any]:
    """Channels, labels, grid and intensity maps of the training's slices, as `segmint.segmentation` reads them back."""
    dataset = slices.dataset
    return {
        "format": 1,
        "channel_names": list(dataset.channel_names),
        "label_names": list(dataset.label_names),
        "dimensions": dataset.dimensions,
        "size": slices.size,
        "axis": slices.axis,
        "scale": slices.scale,
        "spacing": list(slices.spacing) if _knows_spacing(dataset) else None,
        "orientation": common_orientation(dataset),
        "intensity": [asdict(one) for one in slices.intensity],
    }


def _knows_spacing(dataset: Dataset) -> bool:
    return all(dataset.known_spacing(case) is not None for case in dataset.cases)
