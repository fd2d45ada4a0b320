"""What a folder holds that a report can tell of: a run, an evaluation, a trial, a curve, a synthetic dataset, the steps of a
workflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmint.errors import UserError
from segmint.evaluation.cost import COST
from segmint.outputs import parse_json, read_json
from segmint.report.stored.curation import StoredCuration
from segmint.report.stored.curve import StoredCurve
from segmint.report.stored.entries import Entry, check_entries
from segmint.report.stored.evaluation import StoredEvaluation
from segmint.report.stored.run import StoredRun, StoredSynthetic, StoredTick
from segmint.report.stored.trial import StoredCost, StoredTrial
from segmint.report.stored.workflow import StoredInspection, StoredSteps
from segmint.synthesis.certain import PICTURE


@dataclass(frozen=True)
class RunRecord:
    """A training's folder, read.

    `log` holds one entry a tick, in order; `fakes` the sample grids, earliest first; `state` is "running", "done" or
    "interrupted".
    """

    folder: Path
    config: Mapping[str, Any]
    environment: Mapping[str, Any]
    log: tuple[Mapping[str, Any], ...]
    state: str
    reals: Path | None
    fakes: tuple[Path, ...]


@dataclass(frozen=True)
class Material:
    """Everything found in a folder; what is absent is None, never made up."""

    folder: Path
    steps: Mapping[str, Any] | None
    inspection: Mapping[str, Any] | None
    run: RunRecord | None
    synthetic: Mapping[str, Any] | None
    trial: Mapping[str, Any] | None
    trial_folder: Path | None
    cells_begun: int
    trial_cost: Mapping[str, Any] | None = None
    evaluation: Mapping[str, Any] | None = None
    evaluation_folder: Path | None = None
    curve: Mapping[str, Any] | None = None
    curation: Mapping[str, Any] | None = None
    curation_folder: Path | None = None
    certainty: Path | None = None
    """Picture of pairs kept and of those dropped as least certain."""


def gather(folder: Path) -> Material:
    """Read what `folder` holds: a run, an evaluation, a trial, a curve, or the folder of `segmint run` or `segmint demo`.

    Raises:
        UserError: the folder is absent, holds none of these, or holds a file that is not as segmint writes it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder: give the folder of a run, a trial, or of segmint run or demo.")
    run_folder = next((place for place in (folder, folder / "run") if _is_run(place)), None)
    trial_folder = next((place for place in (folder, folder / "trial") if _is_trial(place)), None)
    evaluation_folder = next(
        (place for place in (folder, folder / "evaluation") if (place / "evaluation.json").is_file()), None
    )
    synthetic_file = next(
        (file for file in (folder / "synthetic" / "segmint.json", folder / "segmint.json") if file.is_file()), None
    )
    steps_file = folder / "steps.json"
    curve_file = folder / "curve.json"
    nothing_else = run_folder is None and trial_folder is None and evaluation_folder is None
    if nothing_else and not steps_file.is_file() and not curve_file.is_file():
        raise UserError(
            f"{folder} holds neither a run (config.json), an evaluation (evaluation.json), a trial (trial.json), a finished"
            " curve (curve.json) nor the steps of segmint run or demo (steps.json): give one of these folders."
        )
    curation_folder = next(
        (place for place in (folder / "synthetic", folder) if (place / "curation.json").is_file()), None
    )
    certainty = next((file for file in (folder / "synthetic" / PICTURE, folder / PICTURE) if file.is_file()), None)
    return Material(
        folder=folder,
        steps=_read(steps_file, StoredSteps),
        inspection=_read(folder / "inspection.json", StoredInspection),
        run=_read_run(run_folder) if run_folder else None,
        synthetic=_read(synthetic_file, StoredSynthetic) if synthetic_file else None,
        trial=_read(trial_folder / "trial.json", StoredTrial) if trial_folder else None,
        trial_folder=trial_folder,
        trial_cost=_read(trial_folder / COST, StoredCost) if trial_folder else None,
        cells_begun=sum(cell.is_dir() for cell in _cells(trial_folder)) if trial_folder else 0,
        evaluation=_read(evaluation_folder / "evaluation.json", StoredEvaluation) if evaluation_folder else None,
        evaluation_folder=evaluation_folder,
        curve=_read(curve_file, StoredCurve),
        curation=_read(curation_folder / "curation.json", StoredCuration) if curation_folder else None,
        curation_folder=curation_folder,
        certainty=certainty,
    )


def _is_run(folder: Path) -> bool:
    return (folder / "config.json").is_file()


def _is_trial(folder: Path) -> bool:
    return (folder / "trial.json").is_file() or any(True for _ in _cells(folder))


def _cells(trial: Path) -> Iterator[Path]:
    """Of a trial, those of its folds included."""
    for pattern in ("cells/*", "fold*/cells/*"):
        yield from trial.glob(pattern)


def _read(path: Path, kind: type[Entry]) -> Mapping[str, Any] | None:
    """A JSON object that fits `kind`; None where there is no file."""
    if not path.is_file():
        return None
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{path} does not hold a JSON object: it was not written by segmint.")
    check_entries(kind, content, path)
    return content


def _read_run(folder: Path) -> RunRecord:
    previews = folder / "previews"
    return RunRecord(
        folder=folder,
        config=_read(folder / "config.json", StoredRun) or {},
        environment=_read(folder / "environment.json", Entry) or {},
        log=read_log(folder / "log.jsonl"),
        state=str((_read(folder / "state.json", Entry) or {}).get("status", "unknown")),
        reals=previews / "reals.png" if (previews / "reals.png").is_file() else None,
        fakes=tuple(sorted(previews.glob("fakes_*.png"))),
    )


def read_log(path: Path) -> tuple[Mapping[str, Any], ...]:
    """The ticks of a `log.jsonl`; a last line cut short by a killed process is left out.

    Raises:
        UserError: a line before the last is not JSON, or a line is not as a training writes it.
    """
    if not path.is_file():
        return ()
    lines = [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    ticks: list[Mapping[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            tick = parse_json(line)
        except (RecursionError, ValueError) as error:
            if number == len(lines):
                break
            raise UserError(f"{path} line {number} is not JSON: restore the file or train again.") from error
        check_entries(StoredTick, tick, f"{path} line {number}")
        ticks.append(tick)
    return tuple(ticks)
