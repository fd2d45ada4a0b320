"""An inspection of a dataset in words, for the page and for the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def inspection_facts(inspection: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What `inspect_dataset` found as (name, value), channels, labels, remarks and problems apart."""
    sizes, spacing, split = inspection["sizes"], inspection["spacing"], inspection["split"]
    facts = [
        ("dataset", f"{inspection['name']} ({inspection['path']})"),
        ("licence", inspection["licence"] or "not recorded"),
        ("pairs", f"{inspection['pairs']} of {inspection['subjects']} subjects, {inspection['dimensions']}-D"),
        ("masks without any label", str(inspection["empty_masks"])),
    ]
    if inspection.get("unlabelled_images"):
        facts.append(("images without a mask", _unlabelled(inspection)))
    if sizes is not None:
        smallest, largest = _shape(sizes["smallest"]), _shape(sizes["largest"])
        facts.append(("size", smallest if smallest == largest else f"{smallest} to {largest}"))
    if spacing is not None:
        facts.append(("spacing (mm)", " x ".join(f"{value:.3g}" for value in spacing["median"])))
    if split is not None:
        facts.append(("split (subjects)", ", ".join(f"{number} {part}" for part, number in split.items())))
    for name, subset in inspection["subsets"].items():
        slices = "" if subset["slices"] is None else f", {subset['slices']} slices"
        facts.append((f"subset {name}", f"{subset['subjects']} subjects{slices}"))
    return facts


def _unlabelled(inspection: Mapping[str, Any]) -> str:
    told = str(inspection["unlabelled_images"])
    if inspection.get("unlabelled_subjects"):  # earlier versions counted images alone
        told += f" of {inspection['unlabelled_subjects']} subjects"
    if inspection.get("unlabelled_held_out"):
        told += f", {inspection['unlabelled_held_out']} of them of validation or test subjects, which no training sees"
    return told


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(str(side) for side in shape)
