"""The section on privacy: findings, sentences, shares nearer than the threshold as a table, the nearest pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segmint.evaluation.privacy_shown import share_cells
from segmint.report.material import Material
from segmint.report.pictures import embed_picture


def privacy_section(material: Material) -> Mapping[str, Any] | None:
    """What the page shows of the section `privacy` of evaluation.json; None where it was not measured.

    Raises:
        UserError: its picture cannot be read.
    """
    privacy = (material.evaluation or {}).get("privacy")
    if not isinstance(privacy, Mapping):
        return None
    picture = (
        material.evaluation_folder / str(privacy["picture"])
        if material.evaluation_folder and privacy.get("picture")
        else None
    )
    ways = [("aligned pixels", privacy["pixels"]), *privacy["features"].items()]
    return {
        "findings": privacy["findings"],
        "sentences": privacy["sentences"],
        "notes": privacy["notes"],
        "picture": embed_picture(picture) if picture is not None and picture.is_file() else None,
        "pairs": privacy["nearest"],
        "rows": [(name, share_cells(one)) for name, one in ways],
        "threshold": privacy["pixels"]["threshold"],
        "membership": [
            (name, _estimate(privacy["membership"][key]))
            for key, name in (("auc", "AUC"), ("control", "Control"), ("excess", "Difference"))
        ]
        if privacy["membership"] is not None
        else [],
    }


def _estimate(one: Mapping[str, Any]) -> dict[str, str]:
    """A number with its interval, as the page's table takes it."""
    low, high = one["interval"]
    return {
        "text": f"{one['value']:.2f}".replace("-", "−"),
        "interval_text": f"{low:.2f} to {high:.2f}".replace("-", "−") if low is not None and high is not None else "",
    }
