"""The plain facts of a report as rows of (name, value): data, settings, environment, provenance, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segmint.evaluation.augment_words import augmentation_of
from segmint.report.material import Material, RunRecord

Rows = tuple[tuple[str, str], ...]

_SETTINGS = (
    ("recipe", "Recipe"),
    ("preset", "Preset"),
    ("capacity", "Capacity"),
    ("size", "Image size (pixels)"),
    ("kimg", "Budget (kimg)"),
    ("batch", "Batch"),
    ("seed", "Seed"),
    ("precision", "Precision"),
    ("threads", "Threads"),
    ("torch", "PyTorch"),
    ("segmint", "segmint"),
)
_MACHINE = {"cpu": "CPU", "gpu": "GPU", "memory_gb": "Memory (GB)", "torch": "PyTorch"}


def say(value: Any) -> str:
    """A JSON value in words for a table cell."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {say(each)}" for key, each in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(say(each) for each in value) or "none"
    return str(value)


def counted(number: object, noun: str) -> str:
    """A number with its noun, "1 seed" or "5 seeds"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def settings(run: RunRecord) -> Rows:
    """What the training was told, resolved, as its config.json has it."""
    return tuple((title, say(run.config[key])) for key, title in _SETTINGS if key in run.config)


def recipe_settings(run: RunRecord) -> Rows:
    """The recipe's own settings under their own names."""
    chosen = run.config.get("settings") or {}
    return tuple((str(name), say(value)) for name, value in chosen.items())


def environment(run: RunRecord) -> Rows:
    """The machine and the software that trained."""
    flat = {
        key: value for key, value in run.environment.items() if value is not None and not isinstance(value, Mapping)
    }
    rows = [(_MACHINE.get(key, str(key).replace("_", " ").capitalize()), say(value)) for key, value in flat.items()]
    packages = run.environment.get("packages")
    if isinstance(packages, Mapping):
        rows.append(("Packages", ", ".join(f"{name} {version}" for name, version in packages.items())))
    return tuple(rows)


def described_dataset(material: Material) -> Mapping[str, Any]:
    """What run or trial recorded of the dataset (name, identity, channels, labels, licence)."""
    for record, key in (
        ((material.run.config if material.run else {}), "dataset"),
        (material.trial or {}, "dataset"),
        (material.curve or {}, "dataset"),
        (material.evaluation or {}, "real"),
    ):
        dataset = record.get(key)
        if isinstance(dataset, Mapping):
            return dataset
    return {}


def data_rows(material: Material) -> Rows:
    """The dataset and its split by subject."""
    dataset = described_dataset(material)
    rows: list[tuple[str, str]] = []
    for key, title in (
        ("name", "Dataset"),
        ("identity", "Identity"),
        ("channel_names", "Image channels"),
        ("label_names", "Labels"),
        ("licence", "Licence"),
        ("path", "Read from"),
    ):
        if dataset.get(key):
            rows.append((title, say(dataset[key])))
    split = (material.run.config.get("split") if material.run else None) or {}
    for part, title in (("train", "Training"), ("validation", "Validation"), ("test", "Test")):
        if isinstance(split.get(part), list):
            rows.append((f"{title} subjects", str(len(split[part]))))
        if dataset.get(f"{title.lower()}_slices"):
            rows.append((f"{title} slices", str(dataset[f"{title.lower()}_slices"])))
    if not split and material.trial and material.trial.get("test_subjects"):
        rows.append(("Test subjects", str(len(material.trial["test_subjects"]))))
    return tuple(rows)


def seen_rows(material: Material) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """For each seen-list: its title, the count in words, and the subjects themselves."""
    record: Mapping[str, Any] = {}
    if material.synthetic and isinstance(material.synthetic.get("provenance"), Mapping):
        record = material.synthetic["provenance"]
    elif material.run is not None:
        record = material.run.config
    rows: list[tuple[str, str, tuple[str, ...]]] = []
    for key, title in (
        ("labels_seen", "Labels seen by the generator"),
        ("images_seen", "Images seen by the generator"),
        ("selected_on", "Checkpoint chosen on"),
    ):
        entries = record.get(key)
        if isinstance(entries, list):
            subjects = tuple(str(subject) for _, subject in entries)
            noun = "subject" if len(subjects) == 1 else "subjects"
            rows.append((title, f"{len(subjects)} {noun}", subjects))
    return tuple(rows)


def limits(material: Material, *, demonstration: bool) -> tuple[str, ...]:
    """What this report does not show; the reader should know before acting on it."""
    sentences: list[str] = []
    if demonstration:
        sentences.append(
            "This is a demonstration on a small budget. It shows that every step works; it is not evidence about"
            " synthetic data."
        )
    synthetic: Sequence[Any] = (material.trial or {}).get("synthetic") or []
    if material.trial is not None and len(synthetic) == 1:
        sentences.append(
            "Everything said of synthetic data is conditional on the one synthetic set tested: another generator"
            " trained"
            " from another seed may do better or worse, and the intervals do not contain that variation."
        )
    if material.trial is not None and material.trial.get("steps") is None:
        sentences.append(
            "The segmenters were trained elsewhere; whether all arms were treated alike is not known here."
        )
    elif material.trial is not None:
        sentences.append(
            f"One kind of segmentation network was tried ({material.trial.get('segmenter', 'unet')}), with the same"
            f" number of optimiser steps and the same augmentation ({augmentation_of(material.trial)}) in every arm. Another"
            " network, or other augmentation, may gain more or less."
        )
    searched = (material.evaluation or {}).get("privacy") is not None
    sentences += [
        (
            "Copies were sought of the kinds that the section on privacy names, and of no other."
            if searched
            else "Whether synthetic images copy training images, and so give patients away, was not measured here."
        )
        + " Nothing in this report makes the synthetic set safe to publish.",
        "Generator and segmenter work on two-dimensional slices; nothing is said of coherence between slices.",
        "segmint is a research tool. It is not a medical device, and its output is not for diagnosis or treatment.",
    ]
    return tuple(sentences)


def trial_settings(trial: Mapping[str, Any]) -> Rows:
    """How the trial was set up."""
    rows = [
        (title, augmentation_of(trial) if key == "augment" else say(trial[key]))
        for key, title in (
            ("segmenter", "Segmenter"),
            ("segmenter_settings", "Settings of the segmenter"),
            ("augment", "Augmentation of every arm"),
            ("size", "Image size (pixels)"),
            ("steps", "Optimiser steps in every arm"),
            ("batch", "Batch"),
            ("seeds", "Seeds an arm"),
        )
        if key == "augment" or (key in trial and trial[key] not in ([], {}, None))
    ]
    for number, entry in enumerate(trial.get("synthetic") or [], start=1):
        rows.append((f"Synthetic set {number}", say(entry.get("path"))))
    return tuple(rows)
