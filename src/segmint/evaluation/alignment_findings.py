"""What a comparison of masks with what a segmenter sees means: findings by name, sentences, notes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# Below this share of the held-out Dice masks are called off their images; above that one pairs are called easy.
OFF, EASY = 0.9, 1.05
# A segmenter that does no better than this on real images is no yardstick.
WEAK = 0.2
_FEW_SUBJECTS = 5


def alignment_findings(section: Mapping[str, Any]) -> list[dict[str, str]]:
    """What is wrong: `code`, `message`, `advice`; empty where nothing is shown to be (see `compare_agreement`)."""
    off = [name for name, one in _judged(section).items() if one["ratio"]["interval"][1] < OFF]
    if not off:
        return []
    told = "; ".join(f"{name} {_ratio(section['labels'][name])}" for name in off)
    return [
        {
            "code": "masks off the images",
            "message": f"The masks of {_listed(off)} do not follow the images. A segmenter trained on real pairs agrees with"
            f" them only so far, as a share of its Dice on held-out real images: {told}.",
            "advice": "Look at alignment.png. Masks beside what the image shows: train longer, or take a recipe that paints"
            " images for given masks. Masks in the right place in images that look unlike real ones: train longer, or on"
            " more subjects.",
        }
    ]


def alignment_notes(section: Mapping[str, Any]) -> list[str]:
    """What to bear in mind, from what there was to compare to what the numbers hint at."""
    shown, held = section["shown"], section["held_out"]
    notes = [
        f"Of {one['slices']} {name} slices {one['shown']} were shown to the segmenter, chosen at random."
        for name, one in (("synthetic", shown), ("held-out", held))
        if one is not None and one["shown"] < one["slices"]
    ]
    if held is None:
        notes.append(
            "There are no held-out real subjects, and too few that trained to leave some out, so nothing says how well the"
            " segmenter does on new real images: no ratio, and no finding. Give some with --holdout."
        )
    elif section["held_out_of"] == "training subjects":
        notes.append(
            "There are no held-out real subjects: real images are those of the training subjects, each shown to the segmenter"
            " that has not learned from it."
        )
    if held is not None and held["subjects"] < _FEW_SUBJECTS:
        are = "1 subject" if held["subjects"] == 1 else f"{held['subjects']} subjects"
        notes.append(f"The held-out slices are of {are}: the intervals are rough.")
    for name, one in section["labels"].items():
        if math.isnan(one["synthetic"]["dice"]):
            notes.append(f"{name} is in none of the synthetic masks.")
        if one["holdout"] is not None:
            reached = one["holdout"]["dice"]
            if math.isnan(reached):
                notes.append(f"{name} is in none of the held-out masks.")
            elif reached < WEAK:
                notes.append(
                    f"On held-out real images the segmenter reaches a Dice of only {reached:.2f} for {name}, too little to"
                    " judge by: give it more steps (--steps)."
                )
    easy = [name for name, one in _judged(section).items() if one["ratio"]["interval"][0] > EASY]
    if easy:
        told = "; ".join(f"{name} {_ratio(section['labels'][name])}" for name in easy)
        notes.append(
            f"Synthetic pairs are easier than real ones ({told} of the held-out Dice): they may vary little, repeat training"
            " pairs, or show larger structures."
        )
    return notes


def alignment_sentences(section: Mapping[str, Any]) -> list[str]:
    """What was done, what came out, and what it means for each label."""
    segmenter, shown, held, mean = (section[key] for key in ("segmenter", "shown", "held_out", "mean"))
    several = segmenter["cross_fitted"] > 1
    it, its = ("them", "their") if several else ("it", "its")
    real = f" and {held['shown']} real ones of {_subjects(held['subjects'])} new to {it}" if held is not None else ""
    learned = f"{segmenter['slices']} real slices of {_subjects(segmenter['subjects'])}"
    trained = f"({segmenter['recipe']}, {segmenter['steps']} steps)"
    sentences = [
        (
            f"{segmenter['cross_fitted']} segmenters {trained} learned from {learned}, each without a part of the subjects,"
            f" then were shown {shown['shown']} synthetic images{real}."
        )
        if several
        else f"A segmenter {trained} learned from {learned}, then was shown {shown['shown']} synthetic images{real}."
    ]
    if not math.isnan(mean["synthetic"]["dice"]):
        kind = "mean Dice over labels" if len(section["labels"]) > 1 else "Dice"
        said = f"With the synthetic masks {its} own have a {kind} of {_dice(mean['synthetic'])}"
        if held is not None:
            said += f", with the masks of held-out real images {_dice(mean['holdout'])}"
            said += "" if math.isnan(mean["ratio"]["value"]) else f": a ratio of {_ratio(mean)}"
        sentences.append(f"{said}.")
    judged = _judged(section)
    follow = [name for name, one in judged.items() if one["ratio"]["interval"][0] >= OFF]
    unclear = [name for name, one in judged.items() if one["ratio"]["interval"][0] < OFF <= one["ratio"]["interval"][1]]
    if follow:
        sentences.append(f"The masks of {_listed(follow)} follow the images, as far as this shows.")
    if unclear:
        sentences.append(
            f"Whether the masks of {_listed(unclear)} follow the images is not clear: the interval of the ratio reaches to"
            f" both sides of {100 * OFF:.0f}%. More held-out subjects or more pairs make it narrower."
        )
    return sentences


def duration_sentence(section: Mapping[str, Any]) -> list[str]:
    """How long it took, with and without the training; empty where that is not known, as in evaluations of earlier versions."""
    seconds = section.get("seconds")
    if not seconds or seconds["training"] is None:
        return []
    return [
        f"Training took {_seconds(seconds['training'])}, once for all evaluations of these real data; the rest, with segmenters"
        f" that are trained, {_seconds(seconds['measuring'])}."
    ]


def _judged(section: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The labels whose ratio can be judged: it has an interval, and the segmenter is a yardstick."""
    return {
        name: one
        for name, one in section["labels"].items()
        if one["ratio"] is not None and not math.isnan(one["ratio"]["interval"][0]) and one["holdout"]["dice"] >= WEAK
    }


def _ratio(one: Mapping[str, Any]) -> str:
    value, (low, high) = one["ratio"]["value"], one["ratio"]["interval"]
    return f"{_percent(value)}{'' if math.isnan(low) else f' (95% interval {_percent(low)} to {_percent(high)})'}"


def _dice(one: Mapping[str, Any]) -> str:
    low, high = one["interval"]
    return f"{one['dice']:.2f}{'' if math.isnan(low) else f' (95% interval {low:.2f} to {high:.2f})'}"


def _seconds(value: float) -> str:
    return f"{value:.0f} s" if value >= 1 else "less than a second"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _subjects(count: int) -> str:
    return "1 subject" if count == 1 else f"{count} subjects"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
