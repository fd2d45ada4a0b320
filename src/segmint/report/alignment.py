"""The section on alignment: findings, sentences, Dice by label as a table, the pairs that agree least."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segmint.evaluation.alignment_findings import duration_sentence
from segmint.report.material import Material
from segmint.report.pictures import embed_picture
from segmint.report.sections import label_colours

_COLUMNS = (("synthetic", "dice"), ("holdout", "dice"), ("ratio", "value"))


def alignment_section(material: Material) -> Mapping[str, Any] | None:
    """What the page shows of the section `alignment` of evaluation.json; None where it was not measured.

    Raises:
        UserError: its picture cannot be read.
    """
    alignment = (material.evaluation or {}).get("alignment")
    if not isinstance(alignment, Mapping):
        return None
    picture = (
        material.evaluation_folder / str(alignment["picture"])
        if material.evaluation_folder and alignment.get("picture")
        else None
    )
    labels = alignment["labels"]
    # Evaluations of earlier versions have none.
    forecast = (material.evaluation or {}).get("forecast") or {"sentences": [], "notes": []}
    rows = [*labels.items(), *([("mean over labels", alignment["mean"])] if len(labels) > 1 else [])]
    return {
        "findings": alignment["findings"],
        "sentences": [*alignment["sentences"], *forecast["sentences"]],
        "notes": [*alignment["notes"], *forecast["notes"]],
        "durations": duration_sentence(alignment),
        "picture": embed_picture(picture) if picture is not None and picture.is_file() else None,
        "examples": {
            kind: [f"{example['dice']:.2f}" for example in alignment["examples"] if example["kind"] == kind]
            for kind in ("lowest", "median")
        },
        "legend": label_colours(labels),
        "rows": [(name, [_cell(one[side], key) for side, key in _COLUMNS]) for name, one in rows],
    }


def _cell(one: Mapping[str, Any] | None, key: str) -> dict[str, str]:
    """A number with its interval, as the page's table takes it."""
    if one is None or one[key] is None:
        return {"text": "–", "interval_text": ""}
    low, high = one["interval"]
    return {
        "text": f"{one[key]:.2f}",
        "interval_text": "" if low is None or high is None else f"{low:.2f} to {high:.2f}",
    }
