"""What stands at the top of a report: the verdict in one sentence, its caveats, and the few numbers behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segmint.report.arms import Arm, signed_points
from segmint.report.facts import counted
from segmint.report.material import Material
from segmint.report.training_figures import counts_pixels, shown_unit

_BADGES: Mapping[str, tuple[str, str]] = {
    "helps": ("▲", "Helps"),
    "harms": ("▼", "Harms"),
    "equivalent": ("■", "Equivalent"),
    "inconclusive": ("◆", "Inconclusive"),
    "none added": ("■", "No pairs added"),
    "descriptive": ("○", "Descriptive, no verdict"),
    "not converged": ("○", "Not converged, no verdict"),
}


@dataclass(frozen=True)
class KeyNumber:
    """One number with its unit in words and, where there is one, its interval."""

    value: str
    meaning: str
    detail: str = ""


@dataclass(frozen=True)
class Headline:
    """Badge, sentence and numbers; `kind` chooses the colour of the panel."""

    kind: str
    symbol: str
    badge: str
    sentence: str
    demonstration: bool
    numbers: tuple[KeyNumber, ...]


def make_headline(material: Material, arms: tuple[Arm, ...]) -> Headline:
    """The verdict of the trial, or a plain statement that there is none and how to get one."""
    demonstration = bool((material.trial or {}).get("demonstration") or (material.steps or {}).get("demonstration"))
    verdict = (material.trial or {}).get("verdict")
    if not isinstance(verdict, Mapping):
        return Headline("none", "○", "No verdict", _why_none(material), demonstration, _training_numbers(material))
    kind = str(verdict.get("kind", ""))
    symbol, badge = _BADGES.get(kind, ("○", kind or "No verdict"))
    return Headline(
        kind=kind.replace(" ", "-"),
        symbol=symbol,
        badge=badge,
        sentence=_without_banner(str(verdict.get("sentence", "")), demonstration=demonstration),
        demonstration=demonstration,
        numbers=_trial_numbers(material.trial or {}, arms),
    )


def _without_banner(sentence: str, *, demonstration: bool) -> str:
    """The sentence less its opening words where the page says them in a banner above it."""
    rest = sentence.removeprefix("A demonstration, not evidence: ") if demonstration else sentence
    return rest[:1].upper() + rest[1:]


def _why_none(material: Material) -> str:
    if material.trial_folder is not None:
        return (
            f"The trial in this folder is not finished ({counted(material.cells_begun, 'cell')} begun): run the same command"
            " again to"
            " go on, then make the report again."
        )
    if material.curve is not None:
        return (
            "A curve describes what labels and pairs are worth; it gives no verdict: segmint trial does, for one number of"
            " labelled subjects."
        )
    return (
        "No trial is in this folder, so nothing can be said yet about whether the generated pairs help a segmentation"
        " network: segmint sample, then segmint trial, will tell."
    )


def _trial_numbers(trial: Mapping[str, Any], arms: tuple[Arm, ...]) -> tuple[KeyNumber, ...]:
    numbers: list[KeyNumber] = []
    primary = trial.get("primary") or {}
    if primary.get("difference") is not None:
        low, high = primary.get("interval") or (None, None)
        numbers.append(
            KeyNumber(
                signed_points(primary["difference"]),
                f"points of Dice, {primary.get('comparison', 'primary comparison')}",
                f"95% interval {signed_points(low)} to {signed_points(high)}"
                if low is not None and high is not None
                else "",
            )
        )
    real = next((arm for arm in arms if arm.is_reference and arm.overall.mean is not None), None)
    if real is not None:
        numbers.append(KeyNumber(real.overall.text, f"mean Dice of {real.name}", _interval(real.overall.interval_text)))
    fake = next((arm for arm in arms if arm.kind == "fake" and arm.overall.mean is not None), None)
    if fake is not None:
        detail = f"{100 * fake.ratio:.0f}% of the real arm" if fake.ratio is not None else ""
        numbers.append(KeyNumber(fake.overall.text, f"mean Dice of {fake.name}, synthetic alone", detail))
    subjects = len(trial.get("test_subjects") or [])
    noun = "test subject" if subjects == 1 else "test subjects"
    unseen = "each unseen by the networks of its fold" if trial.get("folds") else "unseen by every network"
    seeds = f"{counted(trial.get('seeds'), 'seed')} an arm"
    numbers.append(KeyNumber(str(subjects), f"{noun}, {unseen}", seeds))
    return tuple(numbers)


def _interval(text: str) -> str:
    return f"95% interval {text}" if text else ""


def _training_numbers(material: Material) -> tuple[KeyNumber, ...]:
    if material.run is None or not material.run.log:
        return ()
    last = material.run.log[-1]
    numbers = [KeyNumber(f"{last.get('kimg', 0):g}", f"{shown_unit([last])} shown", f"state: {material.run.state}")]
    if last.get("images_per_second") is not None:
        noun = "pixels" if counts_pixels([last]) else "images"
        numbers.append(KeyNumber(f"{last['images_per_second']:.1f}", f"{noun} a second at the last tick"))
    return tuple(numbers)
