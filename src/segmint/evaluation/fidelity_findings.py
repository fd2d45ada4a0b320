"""What a comparison of images means: findings by name, sentences, notes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from segmint.evaluation.fidelity_limits import FEWEST_IN_FEATURES, FEWEST_SUBJECTS
from segmint.evaluation.fidelity_measures import FEWEST
from segmint.evaluation.fidelity_words import features_of, others, say_number, where

ALPHA = 0.01
# Differences from the yardstick that matter: of shares, of a similarity, of a spread (as a share of it), of Fréchet distances in
# variances of a component, of intensities as a share of their range, of decibels.
_SHARE, _SIMILARITY, _SPREAD, _FRECHET, _INTENSITY, _HIGH, _PEAK = 0.1, 0.05, 0.1, 0.5, 0.01, 1.0, 3.0
# Below this number of images of each set margins are wide.
_FEW = 200

_VARIETY = ("coverage", "clipped_coverage", "recall")
_LIKENESS = ("precision", "clipped_density", "frechet_infinity")

Row = Mapping[str, Any]


NOTHING_FOUND = "Nothing is wrong with the images as far as this shows."
NOT_TESTED = "Whether anything is wrong with the images could not be tested: there are too few subjects or images."


def was_tested(section: Mapping[str, Any]) -> bool:
    """Whether any difference from real images could have counted as sure."""
    return any(row.get("p_value") is not None for row in section["measures"])


def fidelity_findings(section: Mapping[str, Any]) -> list[dict[str, str]]:
    """What is wrong: `code`, `message`, `advice`; empty where nothing is shown to be.

    A finding takes a difference from the yardstick that matters and that chance hardly explains: 1% false alarms for all rows of
    a section together.
    """
    surely = [row for row in section["measures"] if is_sure(row, len(section["measures"]))]
    return [
        *_variety(surely, section),
        *_likeness(surely, section),
        *_intensity(surely, section),
        *_spectrum(surely, section),
    ]


def is_sure(row: Row, tests: int) -> bool:
    """Whether chance hardly explains a row's difference, `tests` rows in all."""
    p_value = row["p_value"]
    return p_value is not None and not math.isnan(p_value) and p_value < ALPHA / tests


def _finding(code: str, message: str, advice: str) -> dict[str, str]:
    return {"code": code, "message": message, "advice": advice}


def _beside(row: Row, section: Mapping[str, Any]) -> str:
    """A number beside the yardstick's."""
    metric = row["metric"]
    mine, real = (say_number(metric, row[side]["value"]) for side in ("synthetic", "real"))
    return f"{mine} where {others(section['real']['kind'])} have {real}"


def _variety(rows: list[Row], section: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    told = []
    for row in rows:
        metric, change, real = row["metric"], row["difference"]["value"], row["real"]["value"]
        if metric in _VARIETY and change <= -_SHARE:
            told.append(f"{metric.replace('_', ' ')} in {features_of(row['of'])} {_beside(row, section)}")
        elif metric == "feature_spread" and change <= -_SPREAD * real:
            told.append(f"the mean distance of two fakes in {features_of(row['of'])} is {_beside(row, section)}")
        elif metric == "ms_ssim" and change >= _SIMILARITY:
            told.append(f"the mean MS-SSIM of two fakes is {_beside(row, section)}")
    if told:
        yield _finding(
            "little variety",
            f"Fakes lack variety: {'; '.join(told)}.",
            "Parts of what real images show are never drawn. Take a later checkpoint, draw without truncation, or train on more"
            " subjects.",
        )


def _likeness(rows: list[Row], section: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    told = []
    for row in rows:
        metric, change = row["metric"], row["difference"]["value"]
        if metric in ("precision", "clipped_density") and change <= -_SHARE:
            told.append(f"{metric.replace('_', ' ')} in {features_of(row['of'])} {_beside(row, section)}")
        elif metric == "frechet_infinity" and change >= _FRECHET:
            told.append(f"a Fréchet distance in {features_of(row['of'])} of {_beside(row, section)}")
    if told:
        yield _finding(
            "unlike real images",
            f"Fakes look unlike real images: {'; '.join(told)}.",
            "Look at the pairs, and at the spectra and intensities below, which may show how. Train longer, or on more subjects.",
        )


def _intensity(rows: list[Row], section: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    told = [
        f"{where(row)} {_beside(row, section)}"
        for row in rows
        if row["metric"] == "intensity_distance" and row["difference"]["value"] >= _INTENSITY
    ]
    if told:
        yield _finding(
            "intensities off",
            f"Intensities are not spread as in the real images they are compared with; distance as a share of the range of"
            f" intensities: {'; '.join(told)}.",
            "Structures are drawn too bright, too dark, or with too little contrast: train longer.",
        )


def _spectrum(rows: list[Row], section: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    high = {row["of"]: row for row in rows if row["metric"] == "high_frequency_excess"}
    peaks = {row["of"]: row for row in rows if row["metric"] == "highest_excess"}
    smooth = [row for row in high.values() if row["difference"]["value"] <= -_HIGH]
    rough = [row for row in high.values() if row["difference"]["value"] >= _HIGH]
    known = {row["of"] for row in rough}
    rough += [row for of, row in peaks.items() if row["difference"]["value"] >= _PEAK and of not in known]
    if smooth:
        yield _finding(
            "blurred",
            f"Fakes hold less of the high frequencies than real images: {_listed(smooth, section)}.",
            "Edges and grain are smoother than real ones, and a segmenter may learn to rely on that: train longer.",
        )
    if rough:
        yield _finding(
            "noise or checkerboards",
            f"Fakes hold more of the high frequencies than real images: {_listed(rough, section)}.",
            "Noise, or a pattern that upsampling leaves. Look at a fake enlarged: train longer, or with another recipe.",
        )


def _listed(rows: list[Row], section: Mapping[str, Any]) -> str:
    return "; ".join(f"{row['of']} {_beside(row, section)}" for row in rows)


def fidelity_sentences(section: Mapping[str, Any]) -> list[str]:
    """What was compared and what came out."""
    if not section["measures"]:
        return []
    real, images = section["real"], section["images"]
    kind = others(real["kind"])
    sentences = [
        f"{images} synthetic images were compared with {images} real ones of {_subjects(section['training'])} that trained;"
        f" {images} {kind} of {_subjects(real)} went through the same comparison as a yardstick."
    ]
    found = {(row["of"], row["metric"]): row for row in section["measures"] if row["group"] in ("features", "images")}
    for name in section["features"]:
        told = [
            f"{words} {_beside(row, section)}"
            for metric, words in (
                ("clipped_density", "clipped density (do fakes look real)"),
                ("clipped_coverage", "clipped coverage (is all that is real drawn)"),
                ("frechet_infinity", "Fréchet distance, extrapolated,"),
            )
            if (row := found.get((name, metric))) is not None
        ]
        sentences.append(f"In {features_of(name)}: {'; '.join(told)}.")
    if (row := found.get(("pairs of images", "ms_ssim"))) is not None:
        mine, theirs = (_estimate("ms_ssim", row[side]) for side in ("synthetic", "real"))
        sentences.append(
            f"Two synthetic images have a mean MS-SSIM of {mine}, two {kind} of different subjects {theirs}; 1 is equal."
        )
    if section["frechet_by_size"]:
        told = []
        for name, sides in section["frechet_by_size"].items():
            line = sides["synthetic"]
            distances = [say_number("frechet_distance", one) for one in (*line["distances"][::-4], line["infinity"])]
            told.append(f"in {features_of(name)} {distances[0]}, {distances[1]} and {distances[2]}")
        few, many = (line["images"][place] for place in (-1, 0))
        sentences.append(
            f"Fewer images make a Fréchet distance larger: of {few:.0f} synthetic images, of {many:.0f}, and extrapolated to very"
            f" many it is {'; '.join(told)}."
        )
    return sentences


def _estimate(metric: str, one: Mapping[str, Any]) -> str:
    low, high = one["interval"]
    value = say_number(metric, one["value"])
    return (
        value if math.isnan(low) else f"{value} (95% interval {say_number(metric, low)} to {say_number(metric, high)})"
    )


def fidelity_notes(section: Mapping[str, Any]) -> list[str]:
    """What to bear in mind."""
    real, images = section["real"], section["images"]
    if not section["measures"]:
        return [
            f"Images were not compared: at least {FEWEST} synthetic images, and as many real ones of subjects that trained and of"
            " others, are needed."
        ]
    notes = []
    if not section["features"]:
        notes.append(_no_features(section))
    elif images < _FEW:
        notes.append(f"With {images} images of each set only large differences show; {_FEW} or more are better.")
    if real["kind"] != "held-out subjects":
        notes.append(
            "There are too few images of real subjects that did not train: half of the training subjects are the yardstick of the"
            " other half."
        )
    for name, one in (("training", section["training"]), ("other real", real), ("synthetic", section["synthetic"])):
        if one["shown"] < one["slices"]:
            notes.append(f"Of {one['slices']} {name} images {one['shown']} were compared, chosen at random.")
    if section["features"]:
        names = list(section["features"])
        own = section.get("own_scale", names)
        scaled = (
            "the real images compared with"
            if set(own) == set(names)
            else "one half of the subjects that trained, compared with the other,"
        )
        notes.append(
            f"Features are scaled by {scaled} and brought to {section['features'][names[0]]['components']} main components, so"
            " Fréchet and kernel distances cannot be held against those of other networks or other data. A random network is a"
            " floor: it sees texture more than anatomy."
        )
        if own:
            notes.append(
                f"In {', '.join(features_of(name) for name in own)} there are too few subjects or images for a scale that others"
                " than those compared with have set: precision and density come out too high, and recall too low, of new real"
                " images too. Read them beside the yardstick only."
            )
        if "segmenter" in section["left_out"]:
            notes.append(
                f"Features of the segmenters are left out: they take held-out subjects, and {FEWEST_SUBJECTS} training subjects"
                f" with {FEWEST_IN_FEATURES // 2} images, not most of them of a few, in each of the halves that are new to one of"
                " them."
            )
        if "segmenter" in names:
            notes.append(
                "The segmenter is two, each of which has learned from one half of the real subjects that trained; distances are"
                " taken to the half that is new to it, and averaged."
            )
    return notes


def _no_features(section: Mapping[str, Any]) -> str:
    """Why nothing was measured in features."""
    images, fewest = section["images"], min(section[side]["subjects"] for side in ("training", "real", "synthetic"))
    counted = f"There are {images} images of each set, of {fewest} subjects where they are fewest"
    if images < FEWEST_IN_FEATURES or fewest < FEWEST_SUBJECTS:
        return (
            f"{counted}: too few for distances, density and coverage in features, which take {FEWEST_IN_FEATURES} images and"
            f" {FEWEST_SUBJECTS} subjects."
        )
    return (
        f"{counted}, but nothing could be measured in features: most of the images are of a few subjects, or features do not vary"
        " among the training images."
    )


def _subjects(one: Mapping[str, Any]) -> str:
    return "1 subject" if one["subjects"] == 1 else f"{one['subjects']} subjects"
