"""What is known of a synthetic set, as a part of its datasheet: of each audit a group of sentences, and the trial's verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segmint.data.dataset import Dataset
from segmint.errors import UserError
from segmint.synthesis.sheet_file import read_sheet, sheets_beside, write_sheet

DATASHEET = "DATASHEET.md"
HEADING = "What is known of it"
# Sections of evaluation.json, then the trial, with the title of each group.
_TITLES = {
    "masks": "Masks",
    "fidelity": "Images",
    "alignment": "Alignment of images and masks",
    "forecast": "What may be gained",
    "privacy": "Privacy",
}
_TRIAL = "Trial"
_MISSING, _OLD_TRIAL = ("- Not audited yet:", "- Not tried yet:"), "- Trial: "
# What stands in a sheet of an earlier version, which does not say which audit found it; it goes once all of these are known.
_EARLIER = "Said by earlier versions or by hand"
_REPLACE = frozenset(title for name, title in _TITLES.items() if name != "forecast")


def known_of(evaluation: Mapping[str, Any] | None, trial: Mapping[str, Any] | None, folders: str) -> str:
    """Markdown below the heading.

    Args:
        evaluation: content of evaluation.json; trial: of trial.json; folders: of the real and the synthetic set, for commands.
    """
    groups = _audited(evaluation) if evaluation is not None else {}
    if trial is not None:
        groups[_TRIAL] = f"- {trial['verdict']['sentence']}\n"
    return _written(groups, folders)


def refresh_known(dataset: Dataset, evaluation: Mapping[str, Any], *, real: Path) -> str:
    """Put what an evaluation found into the datasheet of a synthetic dataset; of what it did not measure the old stays.

    A sheet that somebody has edited stays as it is, and the new one is written beside it; it keeps what any of the sheets there
    tells, the newest of segmint's own before others. Where there is none, a sheet with this part alone is written.

    Returns:
        One sentence on where it was written, or why it was not.
    """
    folder = dataset.root
    target = folder / DATASHEET
    old = read_sheet(target) or f"# Datasheet: {dataset.name}\n\n## {HEADING}\n\n"
    start, _, rest = old.partition(f"\n## {HEADING}\n")
    _, below, after = rest.partition("\n## ")
    groups: dict[str, str] = {}
    for sheet in sheets_beside(folder, DATASHEET):
        groups |= _groups(sheet.partition(f"\n## {HEADING}\n")[2].partition("\n## ")[0])
    groups |= _audited(evaluation)
    if groups.keys() >= _REPLACE:
        groups.pop(_EARLIER, None)
    new = f"{start}\n## {HEADING}\n\n{_written(groups, f'{real.name} {folder.name}')}{below}{after}"
    try:
        written = write_sheet(folder, DATASHEET, new)
    except (OSError, UserError):
        return f"The datasheet of {folder} does not tell of this audit: it cannot be written there."
    if written != target:
        return (
            f"{target} was edited by hand, or is of an earlier version, and stays as it is: a datasheet that tells of this audit"
            f" is in {written.name} beside it."
        )
    return f"{target} tells of this audit."


def _audited(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """By title, sentences, findings and notes of each section that was measured."""
    groups = {}
    for name, title in _TITLES.items():
        if section := evaluation.get(name):
            sentences = [
                *section["sentences"],
                *(f"Warning, {one['code']}: {one['message']}" for one in section["findings"]),
                *(f"Note: {note}" for note in section["notes"]),
            ]
            groups[title] = "".join(f"- {sentence}\n" for sentence in sentences)
    return groups


def _groups(body: str) -> dict[str, str]:
    """What stands below each title; sheets of earlier versions have none, and one line on the trial."""
    head, *parts = re.split(r"^### (.*)\n+", body, flags=re.MULTILINE)
    groups = {title.strip(): text.strip("\n") + "\n" for title, text in zip(parts[::2], parts[1::2], strict=True)}
    said = [line for line in head.splitlines() if line.strip() and not line.startswith(_MISSING)]
    if earlier := [line for line in said if not line.startswith(_OLD_TRIAL)]:
        groups.setdefault(_EARLIER, "\n".join(earlier) + "\n")
    if trial := [line for line in said if line.startswith(_OLD_TRIAL)]:
        groups.setdefault(_TRIAL, f"- {trial[0].removeprefix(_OLD_TRIAL)}\n")
    return groups


def _written(groups: Mapping[str, str], folders: str) -> str:
    missing = []
    if not groups.keys() & set(_TITLES.values()):
        missing.append(f"{_MISSING[0]} segmint evaluate {folders} --out evaluation.\n")
    if _TRIAL not in groups:
        missing.append(f"{_MISSING[1]} segmint trial {folders} --out trial.\n")
    order = [*_TITLES.values(), _TRIAL]
    titles = sorted(groups, key=lambda title: order.index(title) if title in order else len(order))
    parts = ["".join(missing), *(f"### {title}\n\n{groups[title]}" for title in titles)]
    return "\n".join(part for part in parts if part)
