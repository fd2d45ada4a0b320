"""Whether segmint.json fits the files beside it."""

from __future__ import annotations

from pathlib import Path

from segmint.data.dataset_json import DATASET_JSON_NAME, Description
from segmint.data.layout import Found
from segmint.data.sidecar import SIDECAR_NAME, Sidecar


def sidecar_problems(root: Path, description: Description, found: Found, sidecar: Sidecar | None) -> list[str]:
    """One sentence for everything in which segmint.json does not fit the files beside it."""
    path = root / SIDECAR_NAME
    if sidecar is None:
        return [_missing(path)] if description.sidecar and not path.exists() else []
    problems = []
    ids = {case.id for case in found.cases}
    unrecorded, vanished = sorted(ids - set(sidecar.cases)), sorted(set(sidecar.cases) - ids)
    if unrecorded:
        problems.append(
            f'{path} does not know the case "{unrecorded[0]}"{others(unrecorded)}: add its subject under "cases".'
        )
    if vanished and not found.problems:
        problems.append(
            f'{path} records the case "{vanished[0]}"{others(vanished)}, which has no files: remove it there.'
        )
    gone = sorted(set(sidecar.unlabelled) - {case.id for case in found.unlabelled})
    if gone and not found.problems:
        problems.append(
            f'{path} records the unlabelled case "{gone[0]}"{others(gone)}, which has no files in imagesUnlabelled: remove it '
            "there."
        )
    subjects = {entry.subject for entry in sidecar.cases.values()}
    if sidecar.split is not None:
        unknown = sorted(sidecar.split.subjects - subjects)
        if unknown:
            problems.append(
                f'{path} splits the subject "{unknown[0]}"{others(unknown)}, which no case has: remove it there.'
            )
    for name, subset in sidecar.subsets.items():
        allowed = subjects if sidecar.split is None else set(sidecar.split.train)
        strangers = sorted(set(subset.subjects) - allowed)
        if strangers:
            problems.append(
                f'{path} has the subject "{strangers[0]}"{others(strangers)} in the subset "{name}", but not in '
                "train: a subset "
                "is made of training subjects."
            )
        strange_cases = sorted({case for case, _ in subset.slices or ()} - set(sidecar.cases))
        if strange_cases:
            problems.append(f'{path} has slices of the unknown case "{strange_cases[0]}" in the subset "{name}".')
    return problems


def others(names: list[str]) -> str:
    """ " and 3 more" for a list of four."""
    return f" and {len(names) - 1} more" if len(names) > 1 else ""


def _missing(path: Path) -> str:
    return (
        f"{path} is missing, though {DATASET_JSON_NAME} names it: it holds subjects, splits, and what pairs have seen. Put it"
        f' back, or remove "sidecar" from {DATASET_JSON_NAME} to do without.'
    )
