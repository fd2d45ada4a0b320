"""The parts of the page that are drawn: the trial, the sample grids, the training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from segmint.evaluation.augment_words import augmentation_of
from segmint.evaluation.cost import cost_sentence
from segmint.evaluation.secondary import convergence_sentence, secondary_sentences
from segmint.evaluation.table import segmenter_words
from segmint.report.arms import Arm, signed_points
from segmint.report.facts import counted
from segmint.report.health import gather_warnings
from segmint.report.material import RunRecord
from segmint.report.mixture_figure import mixture_figure
from segmint.report.pictures import Picture, embed_grid, spread
from segmint.report.training_figures import counts_pixels, loss_figure, shown_unit, stages_of, validation_figure
from segmint.report.trial_figures import forest, forest_by_label, learning_curves, subject_differences, subject_figure
from segmint.report.trial_metrics import metric_table
from segmint.training.previews import LABEL_COLOURS

_GLYPHS = {"real": "■", "fake": "●", "mixed": "◆", "flipped": "▲"}
_MIXTURE = (
    "Mixtures: difference in mean Dice from real slices alone (100R, the dashed line), in points with its 95% interval, by the"
    " share of synthetic pairs. F pairs as they were drawn, C curated ones. Which share is best was not tested."
)
_ROWS_LATEST, _ROWS_EARLIER, _EARLIER_SHOWN = 6, 3, 4


def trial_section(
    trial: Mapping[str, Any], arms: tuple[Arm, ...], numbers: Iterator[int], *, cost: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """The design in words, the tables, the figures with their numbers, the notes."""
    figures = {
        "forest": forest(arms),
        "by_label": forest_by_label(arms),
        "mixture": mixture_figure(arms),
        "subjects": subject_figure(trial),
        "curves": learning_curves(trial, arms),
    }
    return {
        "design": f"{_design(trial, arms)} {cost_sentence(cost)}".rstrip(),
        "caption": "Each training set, its slices, and how well a segmentation network trained on it does on the test"
        " subjects. Dice from 0 to 1; subject mean over labels, all seeds together.",
        "arms": arms,
        "glyphs": _GLYPHS,
        "counts": _counts,
        "label_names": list(dict.fromkeys(name for arm in arms for name in arm.labels)),
        "metrics": metric_table(trial),
        **figures,
        "numbers": {name: next(numbers) for name, figure in figures.items() if figure is not None},
        "forest_caption": "Mean Dice of each training set with its 95% interval. ■ real slices alone, ● synthetic"
        " alone,"
        " ◆ real and synthetic, ▲ real and flipped real. The dashed line stands at real slices alone.",
        "mixture_caption": _MIXTURE,
        "subjects_caption": _subjects_caption(trial),
        "curves_caption": _curves_caption(trial),
        "gate": _gate(trial),
        "secondary": secondary_sentences(trial),
        "notes": [str(note) for note in trial.get("notes") or []],
    }


def _gate(trial: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the gate chose, and what each candidate gained inside the training subjects."""
    gate = trial.get("gate")
    if not gate:
        return None
    lines = []
    for one in gate["candidates"]:
        low, high = one["interval"]
        # Of folds, each has its own.
        confidence = one.get("confidence") or gate["confidence"]
        interval = (
            f" ({100 * confidence:.1f}% interval {signed_points(low)} to {signed_points(high)})"
            if low is not None and high is not None
            else ""
        )
        gain = "not measured" if one["gain"] is None else f"{signed_points(one['gain'])} points"
        lines.append(f"{one['arm']}: {gain}{interval}{_alarms(one.get('false_alarms'))}")
    convergence = convergence_sentence(gate)
    return {"sentence": gate["sentence"], "lines": [*lines, *([convergence] if convergence else [])]}


def _alarms(alarms: Mapping[str, Any] | None) -> str:
    """What a candidate of the gate does to false alarms; empty where every subject has every label."""
    difference = (alarms or {}).get("difference")
    if alarms is None or difference is None:
        return ""
    low, high = alarms.get("interval") or (None, None)
    interval = "" if low is None or high is None else f" (95% interval {signed_points(low)} to {signed_points(high)})"
    return f"; labels found where a subject does not have them: {signed_points(difference)} percent{interval}"


def _design(trial: Mapping[str, Any], arms: tuple[Arm, ...]) -> str:
    seeds = trial.get("seeds")
    often = "once" if seeds == 1 else f"{seeds} times with different seeds"
    if trial.get("steps") is None and "steps" in trial:
        return (
            f"Segmentation networks trained outside segmint on {counted(len(arms), 'training set')},"
            f" {counted(seeds, 'seed')} each, predicted the label maps that were scored; whether the networks were treated alike"
            f" is not known here. {_tested(trial)}"
        )
    return (
        f"A segmentation network ({segmenter_words(trial) or 'unet'}) was trained from scratch on each of"
        f" {counted(len(arms), 'training set')}, {often}, for the same {counted(trial.get('steps'), 'optimiser step')} of"
        f" {counted(trial.get('batch'), 'image')} at {trial.get('size')} pixels (augmentation of all of them:"
        f" {augmentation_of(trial)}). {_tested(trial)}"
    )


def _tested(trial: Mapping[str, Any]) -> str:
    subjects, folds = len(trial.get("test_subjects") or []), len(trial.get("folds") or [])
    drawn = bool(trial.get("synthetic"))
    if folds:
        generators, both = (", with generators of its own", " and generators") if drawn else ("", "")
        return (
            f"This was done in each of {folds} folds{generators}, so that each of"
            f" {counted(subjects, 'subject')} was tested once, by networks{both} that had not seen it."
        )
    unseen = "which neither it nor the generator had seen" if drawn else "which it had not seen"
    return f"Every network was then tested on the same {counted(subjects, 'held-out subject')}, {unseen}."


def _counts(arm: Arm) -> str:
    parts = ((arm.real, "real"), (arm.synthetic, "synthetic"), (arm.flipped, "flipped"), (arm.repeated, "repeated"))
    return " + ".join(f"{number:,} {noun}" for number, noun in parts if number).replace(",", "\u202f") + " slices"


def _subjects_caption(trial: Mapping[str, Any]) -> str:
    differences = subject_differences(trial)
    better = sum(value > 0 for value in differences.values())
    comparison = (trial.get("primary") or {}).get("comparison", "")
    return (
        f"{comparison}, subject by subject: difference in mean Dice over labels and seeds, in points. Better in"
        f" {better} of"
        f" {counted(len(differences), 'test subject')}."
    )


def _curves_caption(trial: Mapping[str, Any]) -> str:
    caption = "Dice on validation subjects while the segmenter trains; one line for each seed."
    by_arm, converged = convergence_sentence(trial), trial.get("converged")
    if by_arm:
        caption += f" {by_arm}"
    if converged is not None:
        judged = [name for name, one in (trial.get("convergence") or {}).items() if one["judged"]]
        # Earlier versions judged 100R alone.
        caption += (
            f" By {' and '.join(judged) or '100R'} the trial counts as {'converged' if converged else 'not converged'}."
        )
    return caption


def pairs_section(run: RunRecord) -> Mapping[str, Any]:
    """Real pairs beside the latest generated pairs, and a few earlier grids that show how they came to be."""
    size = int(run.config.get("size") or 0)
    channels = len((run.config.get("dataset") or {}).get("channel_names") or ())

    def grid(path: Path, rows: int) -> Picture:
        return embed_grid(path, channels=channels, size=max(1, size), most_rows=rows)

    return {
        "reals": grid(run.reals, _ROWS_LATEST) if run.reals else None,
        "latest": grid(run.fakes[-1], _ROWS_LATEST) if run.fakes else None,
        "earlier": [grid(path, _ROWS_EARLIER) for path in spread(run.fakes[:-1], _EARLIER_SHOWN)],
        "labels": label_colours(list((run.config.get("dataset") or {}).get("label_names") or ())[1:]),
        "shown": partial(_shown, unit=shown_unit(run.log)),
        "folder": str(run.folder / "previews"),
    }


def _shown(picture: Picture, *, unit: str) -> str:
    """How far the training was when a grid was drawn; most grids are named in whole thousands."""
    if picture.kimg is None:
        return ""
    return f"after {picture.kimg:g} {unit}" if picture.kimg else f"before the first {unit}"


def label_colours(names: Iterable[str]) -> list[tuple[str, str]]:
    """The name of each label but the background and the colour pictures give it; colours come round again after the last."""
    colours = [f"rgb({red:.0f} {green:.0f} {blue:.0f})" for red, green, blue in LABEL_COLOURS]
    return [(str(name), colours[place % len(colours)]) for place, name in enumerate(names)]


def training_section(run: RunRecord, numbers: Iterator[int]) -> Mapping[str, Any]:
    """A summary sentence, the figures of each stage, the health warnings."""
    stages = []
    for name, ticks in stages_of(run.log).items():
        losses, validation = loss_figure(ticks, name), validation_figure(ticks)
        stages.append(
            {
                "name": name,
                "losses": losses,
                "losses_number": next(numbers) if losses else None,
                "validation": validation,
                "validation_number": next(numbers) if validation else None,
            }
        )
    return {
        "summary": _training_summary(run),
        "stages": stages,
        "warnings": gather_warnings(run.log),
        "ticks": len(run.log),
    }


def _training_summary(run: RunRecord) -> str:
    if not run.log:
        return "The training has not reached its first tick; nothing is logged yet."
    lasts = [ticks[-1] for ticks in stages_of(run.log).values()]
    of_images = [last for last in lasts if not counts_pixels([last])]
    shown = sum(float(last.get("kimg") or 0) for last in of_images)
    seconds, of_images_seconds = (sum(float(last.get("seconds") or 0) for last in some) for some in (lasts, of_images))
    memory = max((float(tick.get("memory_mb") or 0) for tick in run.log), default=0.0)
    how = {
        "done": "finished",
        "running": "is still running, or was killed",
        "interrupted": "was interrupted",
        "diverged": "diverged",
    }
    sentence = f"The training {how.get(run.state, 'has an unknown state')} after {shown:g} thousand images"
    if of_images_seconds:
        sentence += f" in {duration(seconds)} ({1000 * shown / of_images_seconds:.1f} images a second)"
    return sentence + (f", using at most {memory / 1024:.1f} GB of memory." if memory else ".")


def duration(seconds: float) -> str:
    """Seconds in words: "48 s", "12 min", "3 h 05 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
