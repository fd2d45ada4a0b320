"""The section on curation: what was kept and dropped for what, the labels before and after, pictures of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segmint.evaluation.curation.shown import COPIES, DROPPED, KEPT, least_asked, sentences
from segmint.report.material import Material
from segmint.report.pictures import embed_picture

_PICTURES = {
    KEPT: (
        "Kept",
        "Images, the same with their masks, and with what a segmenter of real slices sees, least agreement first.",
    ),
    DROPPED: ("Dropped", "The same of pairs whose masks it disagrees with, or whose label maps are least certain."),
    COPIES: ("Near-copies", "Above, synthetic images; in the middle, brought in line; below, the training images."),
}
_ALONE = "Image channels, and the last one with the mask."


def curation_section(material: Material) -> Mapping[str, Any] | None:
    """What the page shows of curation.json; None where pairs were not curated.

    Raises:
        UserError: a picture cannot be read.
    """
    content, folder = material.curation, material.curation_folder
    if content is None or folder is None:
        return None
    pictures = []
    for name in content["pictures"]:
        title, caption = _PICTURES[name]
        seen = content["segmenter"] is not None or name == COPIES
        if (folder / name).is_file():
            pictures.append((embed_picture(folder / name), title, caption if seen else _ALONE))
    return {
        "sentences": sentences(content),
        "warnings": content["warnings"],
        "notes": content["notes"],
        "rows": [
            (name, [*(f"{100 * one['share'][side]:.1f}%" for side in ("before", "after")), least_asked(content, name)])
            for name, one in content["balance"].items()
        ],
        "pictures": pictures,
    }
