"""What a trial tells beside its verdict, in sentences: a second test, equivalence, and what could have been seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segmint.evaluation.arms import REAL_ARM
from segmint.evaluation.convergence import LARGEST_GAIN
from segmint.evaluation.points import points


def secondary_sentences(trial: Mapping[str, Any]) -> list[str]:
    """Of a trial.json; those of earlier versions have none."""
    return [*_signed_ranks(trial), *_primary(trial.get("primary") or {})]


def convergence_sentence(trial: Mapping[str, Any]) -> str:
    """How much each arm of a trial.json still learned at its end; empty where that was not measured.

    Trials of earlier versions tell of 100R alone.
    """
    by_arm = trial.get("convergence") or {REAL_ARM: {"gain_points": trial.get("convergence_gain_points")}}
    shown = [
        f"{name} {points(one['gain_points'] / 100, signed=True)}{'' if one.get('converged', True) else ' (not converged)'}"
        for name, one in by_arm.items()
        if one["gain_points"] is not None
    ]
    if not shown:
        return ""
    fallen = [
        f"{name} by {points(one['fall_points'] / 100)} since {100 * one['peak_share']:.0f}% of the steps"
        for name, one in by_arm.items()
        if one.get("over_trained")
    ]
    over_trained = f" Over-trained, below its highest value: {', '.join(fallen)}." if fallen else ""
    return (
        f"Validation Dice over the last fifth of the steps, in points: {', '.join(shown)}; above"
        f" {points(LARGEST_GAIN, signed=True)} an arm has not converged.{over_trained}"
    )


def _signed_ranks(trial: Mapping[str, Any]) -> list[str]:
    tested = {
        arm["name"]: arm["wilcoxon"]["p_holm"]
        for arm in trial["arms"]
        if arm.get("wilcoxon") and arm["wilcoxon"]["p_holm"] is not None
    }
    if not tested:
        return []
    over = f", adjusted over {len(tested)} arms (Holm)" if len(tested) > 1 else ""
    shown = ", ".join(f"{name} {p_text(p)}" for name, p in tested.items())
    return [f"Wilcoxon signed-rank test of subject means against {REAL_ARM}, p{over}: {shown}."]


def _primary(primary: Mapping[str, Any]) -> list[str]:
    lines = []
    equivalence = primary.get("equivalence") or {}
    low, high = equivalence.get("interval") or (None, None)
    # Arms that hold the same slices do not differ, and nothing was tested.
    if low is not None and high is not None and low < high:
        margin = f"{100 * equivalence['margin']:g} point"
        inside = f"inside ±{margin}, so equivalent" if equivalence["holds"] else f"not inside ±{margin}"
        lines.append(
            f"{primary['comparison']}, two one-sided tests: 90% interval {points(low, signed=True)} to "
            f"{points(high, signed=True)} points, {inside}."
        )
    seen = primary.get("smallest_effect_seen")
    if seen:
        lines.append(
            f"{primary['comparison']}: 80% of trials like this one would find a true difference of {points(seen)} points."
        )
    return lines


def p_text(p: float) -> str:
    """A p value as it is written: "0.034", or "<0.001"."""
    return "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
