"""What a comparison of masks means: failures by name, and all of it in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from segmint.evaluation.mask_words import MEASURE_WORDS, say
from segmint.metrics.mask_shape import POSITIONS

ALPHA = 0.01

# A share of masks lost to repetition, and a share of pairs more alike than real ones (1% are expected), that matter.
_LOST, _ALIKE, _ALIKE_AT_LEAST = 0.05, 0.05, 0.02
_COPIED, _IMPOSSIBLE = 0.01, 0.01
# Differences that matter: of the share inside the real range, of distributions (0 to 1), of the share with a label.
_INSIDE, _DISTANCE, _SHARE = 0.9, 0.25, 0.1

# What more and less of a place is, the side that it is a share of, and its two ends.
_DIRECTIONS = {
    "centre_row": ("lower", "higher", "height", "from top to bottom"),
    "centre_column": ("further right", "further left", "width", "from left to right"),
}

NOTHING_FOUND = "Nothing is wrong with the masks as far as this shows."
NOT_TESTED = "Whether anything is wrong with the shapes of masks could not be tested: there are too few subjects."


def was_tested(comparison: Mapping[str, Any]) -> bool:
    """Whether any difference from real masks could have counted as sure."""
    return any(
        (one or {}).get("p_value") is not None for label in comparison["labels"].values() for one in label.values()
    )


def mask_findings(comparison: Mapping[str, Any]) -> list[dict[str, str]]:
    """What is wrong with the drawn masks of a comparison (see `compare_masks`), the worst first; empty if nothing is."""
    return [
        *_repeated(comparison),
        *_copied(comparison),
        *_presence(comparison),
        *_together(comparison),
        *_nested(comparison),
        *_position(comparison),
        *_shape(comparison),
    ]


def _finding(code: str, message: str, advice: str) -> dict[str, str]:
    return {"code": code, "message": message, "advice": advice}


def _repeated(comparison: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    distinct, pairwise = comparison["distinct"], comparison["pairwise"]
    advice = (
        "The generator has collapsed, wholly or in part: take an earlier checkpoint, or train with the repaired preset."
    )
    if distinct["masks"] > 1:
        lost = 1 - distinct["beyond_dice"] / distinct["masks"]
        usual = 1 - (distinct["training_share"] if distinct["training_share"] is not None else 1.0)
        if lost > usual + _LOST:
            yield _finding(
                "repeated masks",
                f"{_distinct(distinct)}.",
                advice,
            )
            return
    if pairwise and pairwise["share_above"] > _ALIKE and pairwise["interval"][0] > _ALIKE_AT_LEAST:
        yield _finding(
            "masks too alike",
            f"{_percent(pairwise['share_above'])} of the pairs of drawn masks are more alike than 99% of real pairs of"
            f" different subjects (Dice above {pairwise['real']['percentile_99']:.2f}).",
            advice,
        )


def _distinct(distinct: Mapping[str, Any]) -> str:
    return (
        f"Distinct among the {distinct['masks']} drawn masks that hold anything: {distinct['exact']};"
        f" {distinct['beyond_dice']} if masks with a Dice above {distinct['dice']:g} count as one"
    )


def _copied(comparison: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    nearest = comparison["nearest"]
    if nearest is None:
        return
    masks = comparison["distinct"]["masks"]
    advice = (
        "Expected where real masks were painted; otherwise the generator reproduces what it was shown: take an earlier"
        " checkpoint, or train on more subjects."
    )
    near, exact = nearest["near_copies"] / masks, nearest["telling_copies"]
    if exact:
        are = "is an exact copy of a training mask" if exact == 1 else "are exact copies of training masks"
        yield _finding("copied masks", f"{exact} of {masks} drawn masks {are}.", advice)
    elif near > max(_COPIED, 3 * nearest["real_near_share"]):
        yield _finding(
            "copied masks",
            f"{nearest['near_copies']} of {masks} drawn masks have a Dice above {nearest['near_dice']:.2f} with a training"
            f" mask{_beside_real(nearest)}.",
            advice,
        )
    elif nearest["p_value"] is not None and nearest["p_value"] < ALPHA:
        yield _finding(
            "masks near training masks",
            f"{_percent(nearest['share_above'])} of the drawn masks are nearer to a training mask than 99% of real masks"
            f" are to a mask of another subject (Dice above {nearest['real']['percentile_99']:.2f}).",
            advice,
        )


def _beside_real(nearest: Mapping[str, Any]) -> str:
    if nearest["real"] is None:
        return ""
    return f"; between real masks of different subjects it reaches {nearest['real']['highest']:.2f}"


def _tests(comparison: Mapping[str, Any]) -> int:
    """Over how many tests the false alarms are to be shared out: two of every measure, one of every share."""
    tested = [
        *(one for measures in comparison["labels"].values() for one in measures.values()),
        *comparison["together"],
    ]
    return max(1, sum((one or {}).get(name) is not None for one in tested for name in ("p_value", "range_p_value")))


def _presence(comparison: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for label, measures in comparison["labels"].items():
        present = measures["present"]
        missing = present["drawn"] == 0 < present["real"]
        if missing or _shifted(present, comparison):
            yield _finding(
                "label missing" if missing else "label share",
                f"{label} is in {_percent(present['drawn'])} of the drawn masks and in {_percent(present['real'])} of the"
                " real ones.",
                "Draw the label as often as it is wanted (--balance), or train longer."
                if not missing
                else "The generator has lost this label: train longer, or on more masks that hold it.",
            )


def _shifted(shares: Mapping[str, Any], comparison: Mapping[str, Any]) -> bool:
    """Whether a share differs by as much as matters, and surely."""
    p_value, change = shares["p_value"], abs(shares["drawn"] - shares["real"])
    return bool(p_value is not None and p_value < ALPHA / _tests(comparison) and change >= _SHARE)


def _together(comparison: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    named = {label for label, one in comparison["labels"].items() if _shifted(one["present"], comparison)}
    for pair in comparison["together"]:
        # Where one of them alone is drawn too often or too seldom, that has been said.
        if _shifted(pair, comparison) and not named & set(pair["labels"]):
            yield _finding(
                "labels together",
                f"{' and '.join(pair['labels'])} are together in {_percent(pair['drawn'])} of the drawn masks and in"
                f" {_percent(pair['real'])} of the real ones.",
                "Each is drawn as often as it should be, but not with the other: train longer, or on more masks that hold both.",
            )


def _nested(comparison: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    nested = comparison["nested"]
    share = nested["impossible"] / max(1, nested["masks"])
    if share > max(_IMPOSSIBLE, 3 * nested["real_share"]):
        yield _finding(
            "impossible anatomy",
            f"{nested['impossible']} of {nested['masks']} drawn masks ({_percent(share)}) hold a label inside another as none of"
            f" {nested['training']} training masks does: {_never(nested)}.",
            "Look at these masks: labels are drawn where they cannot be. Train longer, or draw fewer odd ones (--truncation).",
        )


def _never(nested: Mapping[str, Any]) -> str:
    """What is drawn inside one another and never is in real masks."""
    return ", ".join(
        f"{pair['inner']} inside {pair['outer']} ({pair['drawn']})" for pair in nested["pairs"] if not pair["real"]
    )


def _position(comparison: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for label, odd in _odd(comparison, POSITIONS):
        yield _finding(
            "mask position",
            f"{label} does not lie where it does in real masks: {'; '.join(_displacement(*one) for one in odd)}.",
            "Look at the masks; rows and columns are those of the pictures. Masks that are moved alike point to other cropping or"
            " flipping of what the generator was shown: compare the grids. Otherwise train longer, or draw fewer odd ones"
            " (--truncation).",
        )


def _shape(comparison: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for label, odd in _odd(comparison, [name for name in MEASURE_WORDS if name not in POSITIONS]):
        yield _finding(
            "mask shape",
            f"{label} is not shaped as in real masks: {'; '.join(_difference(*one) for one in odd)}.",
            "Look at the masks: broken, merged or spotted shapes show here. Train longer, or draw fewer odd ones"
            " (--truncation).",
        )


def _odd(
    comparison: Mapping[str, Any], names: Iterable[str]
) -> Iterator[tuple[str, list[tuple[str, Mapping[str, Any]]]]]:
    """Labels with what is unusual in them: each measure's name and numbers."""
    threshold = ALPHA / _tests(comparison)
    for label, measures in comparison["labels"].items():
        found = [
            (name, one)
            for name in names
            if (one := measures[name]) is not None and one["p_value"] is not None and _is_odd(one, threshold)
        ]
        if found:
            yield label, found


def _is_odd(one: Mapping[str, Any], threshold: float) -> bool:
    outside = one["inside"] < _INSIDE and one["range_p_value"] < threshold
    return bool(outside or (one["distance"] >= _DISTANCE and one["p_value"] < threshold))


def _difference(name: str, one: Mapping[str, Any]) -> str:
    middle, drawn = one["real"][1], one["drawn"][1]
    direction = "more" if drawn > middle else "less" if drawn < middle else "otherwise spread"
    return f"{MEASURE_WORDS[name]} {direction} ({_beside_range(name, one)})"


def _displacement(name: str, one: Mapping[str, Any]) -> str:
    """Where a label lies instead, or over how much more or less of the side."""
    (low, middle, high), (lowest, drawn, highest) = one["real"], one["drawn"]
    more, less, side, along = _DIRECTIONS[name]
    moved, wider = drawn - middle, (highest - lowest) - (high - low)
    if not (moved or wider):
        said = f"otherwise spread {along}"
    elif abs(moved) >= abs(wider) / 2:
        said = f"{more if moved > 0 else less} by {_percent(abs(moved))} of the {side}"
    else:
        said = f"spread {'more' if wider > 0 else 'less'} widely {along}"
    return f"{said} ({_beside_range(name, one)})"


def _beside_range(name: str, one: Mapping[str, Any]) -> str:
    low, middle, high = (say(name, value) for value in one["real"])
    return (
        f"median {say(name, one['drawn'][1])}, real {middle}, range {low} to {high}; {_percent(one['inside'])} inside"
    )


def mask_sentences(comparison: Mapping[str, Any]) -> list[str]:
    """The comparison to read, from the count of masks to their shapes; findings left out."""
    drawn, distinct = comparison["drawn"], comparison["distinct"]
    empty = f", {drawn['empty']} of them empty" if drawn["empty"] else ""
    sentences = [
        f"{drawn['masks']} drawn masks{empty}, beside {comparison['training']['masks']} training masks of"
        f" {comparison['training']['subjects']} subjects."
    ]
    if distinct["masks"]:
        sentences.append(f"{_distinct(distinct)}.")
    if (pairwise := comparison["pairwise"]) is not None:
        low, high = pairwise["interval"]
        sentences.append(
            f"Two drawn masks have a median Dice of {pairwise['drawn']['median']:.2f} (99th percentile"
            f" {pairwise['drawn']['percentile_99']:.2f}), two real ones of different subjects"
            f" {pairwise['real']['median']:.2f} ({pairwise['real']['percentile_99']:.2f});"
            f" {_percent(pairwise['share_above'])} of the drawn pairs (95% interval {_percent(low)} to {_percent(high)}) are"
            " above that 99th percentile, 1% if drawn and real masks vary alike."
        )
    if (nearest := comparison["nearest"]) is not None:
        real = nearest["real"]
        beside = (
            f"; a real mask and the nearest of another subject {real['median']:.2f}, at most {real['highest']:.2f}"
            if real
            else ""
        )
        sentences.append(
            f"A drawn mask and the nearest training mask have a median Dice of {nearest['drawn']['median']:.2f}, at most"
            f" {nearest['drawn']['highest']:.2f}{beside}. Exact copies: {nearest['exact_copies']}."
        )
    if (nested := comparison["nested"])["impossible"]:
        sentences.append(
            f"A label lies inside another as in none of {nested['training']} training masks in {nested['impossible']} of"
            f" {nested['masks']} drawn masks: {_never(nested)}."
        )
    for label, measures in comparison["labels"].items():
        inside = [
            f"{words} {_percent(measures[name]['inside'])}"
            for name, words in MEASURE_WORDS.items()
            if measures[name] is not None
        ]
        if inside:
            sentences.append(
                f"Drawn masks inside the real range (1st to 99th percentile) of {label}: {', '.join(inside)}."
            )
    return sentences


def _percent(share: float) -> str:
    """A share of 1 in percent; small ones keep a digit behind the point."""
    return f"{100 * share:.0f}%" if share >= 0.1 or share in (0, 1) else f"{100 * share:.1f}%"
