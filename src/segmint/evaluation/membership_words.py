"""What the test of membership means: a finding, a sentence, a note where it is weak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from segmint.evaluation.membership import FEWEST


def membership_findings(section: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """One where training subjects are surely nearer to the synthetic images, and surely more so than the split alone gives."""
    one = section["membership"]
    if one is not None and _shows(one):
        yield {
            "code": "membership shows",
            "message": "A training subject is nearer to the synthetic images than a held-out one in"
            f" {_percent(one['auc'])} of all pairs ({_auc(one['auc'])}), where the split alone gives"
            f" {_percent(one['control'])}: {_difference(one['excess'])}.",
            "advice": "Somebody who has a patient's image can tell better than by chance, though not for certain, whether the"
            " patient was in the training set. Train on more subjects, or for a shorter time.",
        }


def membership_sentence(one: Mapping[str, Any]) -> str:
    """What was compared, what came out, and what it does not rule out (see `compare_membership`)."""
    subjects = one["subjects"]
    said = (
        f"Can it be told who trained? Of all pairs of one of {subjects['training']} training and one of"
        f" {subjects['held_out']} held-out subjects, the training subject is nearer to the synthetic images in"
        f" {_percent(one['auc'])} ({_auc(one['auc'])}; 50% is chance). With real images of other training subjects in place of"
        f" the synthetic ones it is in {_percent(one['control'])} ({_auc(one['control'])}): that much is due to who is on which"
        f" side of the split, not to the generator. What is beyond that: {_difference(one['excess'])}."
    )
    if _shows(one):
        return said
    highest = max(0.0, one["excess"]["interval"][1])
    return (
        f"{said} That the synthetic images give away who trained is not shown; nor is it shown that they do not: a difference"
        f" of up to {_signed(highest)} would fit, and another way to guess may do better."
    )


def membership_note(one: Mapping[str, Any]) -> str:
    """For a test with so few subjects, or so wide an interval, that it can show little."""
    subjects = one["subjects"]
    return (
        f"The test of membership could show only a gross leak: there are {subjects['training']} training and"
        f" {subjects['held_out']} held-out subjects ({FEWEST} or more are wanted on either side, and more where subjects differ"
        f" much), and {_difference(one['excess'])} leaves most open."
    )


def _shows(one: Mapping[str, Any]) -> bool:
    return bool(one["auc"]["interval"][0] > 0.5 and one["excess"]["interval"][0] > 0)


def _auc(one: Mapping[str, Any]) -> str:
    low, high = one["interval"]
    return f"AUC {one['value']:.2f}, 95% interval {low:.2f} to {high:.2f}"


def _difference(excess: Mapping[str, Any]) -> str:
    low, high = excess["interval"]
    return f"a difference of {_signed(excess['value'])} (95% interval {_signed(low)} to {_signed(high)})"


def _percent(one: Mapping[str, Any]) -> str:
    return f"{100 * one['value']:.0f}%"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
