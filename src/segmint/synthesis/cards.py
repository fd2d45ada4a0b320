"""A datasheet and a model card in the folder of a synthetic set, for whoever meets it without its maker.

Datasheet: after Gebru et al., Datasheets for Datasets, CACM 2021. Model card: after Mitchell et al., FAT* 2019.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from segmint.data.case import Provenance
from segmint.data.dataset import Dataset, open_dataset
from segmint.errors import UserError
from segmint.recipes import find_recipe
from segmint.synthesis.known import DATASHEET, HEADING, known_of
from segmint.synthesis.sheet_file import write_sheet
from segmint.training.run_folder import RunFolder
from segmint.training.stored_config import read_config

MODEL_CARD = "MODEL_CARD.md"

_USES = (
    "Meant for training segmentation networks beside real images, after a trial on held-out subjects has shown that it helps.",
    "Not meant for diagnosis, for testing (a score on synthetic pairs says nothing about patients), or for any statement about"
    " how often something occurs.",
)


def write_cards(
    folder: Path,
    run: Path,
    *,
    evaluation: Mapping[str, Any] | None = None,
    trial: Mapping[str, Any] | None = None,
    curation: Mapping[str, Any] | None = None,
    at: Path | None = None,
) -> None:
    """Write both cards into a synthetic dataset; what was there of them is replaced, unless somebody has edited it.

    Args:
        folder: the dataset; run: what it was drawn from.
        evaluation: content of evaluation.json of the set, where it was audited; trial: content of trial.json, where it
            was tried; curation: content of curation.json, where only some of the drawn pairs were kept.
        at: where the dataset will stand, where that is not `folder`.

    Raises:
        UserError: one of the two cannot be read.
    """
    dataset, of_run = open_dataset(folder), RunFolder(run)
    sheet = datasheet(dataset, of_run, evaluation=evaluation, trial=trial, curation=curation, at=at or folder)
    write_sheet(folder, DATASHEET, sheet)
    write_sheet(folder, MODEL_CARD, model_card(of_run))


def datasheet(
    dataset: Dataset,
    run: RunFolder,
    *,
    evaluation: Mapping[str, Any] | None,
    trial: Mapping[str, Any] | None,
    curation: Mapping[str, Any] | None,
    at: Path,
) -> str:
    """Markdown: what the set holds, where it comes from, what it is for, what is known of it, and its licence."""
    config, provenance = read_config(run), dataset.provenance
    assert provenance is not None
    source = config["dataset"]
    real, folders = str(source["name"]), f"{Path(source['path']).name} {at.name}"
    known = {subject for part in config["split"].values() for subject in part}
    beside = sum(case.subject in known for case in dataset.cases)
    return _document(
        f"Datasheet: {dataset.name}",
        {
            "What it holds": [
                *_content(dataset, provenance, pairs=len(dataset.cases) - beside),
                *_curated(curation),
            ],
            "Where it comes from": [
                f"Every pair was drawn by a generator ({config['recipe']}, {find_recipe(config['recipe']).source}; see"
                f" {MODEL_CARD}). None was taken from a patient; whether any repeats one is said below.",
                f"The generator learned from {real}: {_seen(provenance)}. Their names are in segmint.json.",
                *([f"With it lie real cases of {real}, which are images of patients."] if beside else []),
            ],
            "What it is for": _USES,
            HEADING: known_of(evaluation, trial, folders),
            "Licence": [
                f"Of {real}, the real images: {source['licence'] or 'not recorded'}. Whether that, and the consent of the patients,"
                " extends to images learnt from them is for their owners to say: ask before the set is passed on."
            ],
        },
    )


def model_card(run: RunFolder) -> str:
    """Markdown: what the generator is, what it was trained on and how, how it went, and what it cannot do."""
    config = read_config(run)
    recipe, source = find_recipe(config["recipe"]), config["dataset"]
    labelled = len(config["labels_seen"])
    lines = run.log()
    if not lines:
        raise UserError(f"{run.root / 'log.jsonl'} is missing or empty: restore it or train again.")
    return _document(
        f"Model card: {recipe.name} on {source['name']}",
        {
            "Model": [
                f"{recipe.title} ({recipe.source}), preset {config['preset']}, capacity {config['capacity']}, {config['size']} px,"
                f" segmint {config['segmint']}, torch {config['torch']}, seed {config['seed']}, {config['precision']}.",
                "All settings are in config.json of the run.",
            ],
            "Trained on": [
                f"{source['training_slices']} slices of {labelled} labelled subjects of {source['name']}; channels"
                f" {_listed(source['channel_names'])}; labels {_listed(source['label_names'])}.",
                f"Budget {config['kimg']:g} thousand images shown, in batches of {config['batch']}.",
            ],
            "How it went": [*_measured(lines), *_warnings(lines)],
            "What it cannot do": [
                "It knows slices, not volumes: neighbouring slices are not drawn together.",
                "It knows the subjects it learned from and little else: what is rare among them is rarer still in what it draws.",
                "It may repeat what it has seen: audit each set it draws before it is passed on (segmint evaluate).",
            ],
        },
    )


def _document(title: str, sections: Mapping[str, Sequence[str] | str]) -> str:
    """Sentences become a list; text is taken as it is."""
    parts = [f"# {title}\n"]
    for heading, content in sections.items():
        listed = content if isinstance(content, str) else "".join(f"- {sentence}\n" for sentence in content)
        parts.append(f"\n## {heading}\n\n{listed}")
    return "".join(parts)


def _content(dataset: Dataset, provenance: Provenance, *, pairs: int) -> list[str]:
    drawn = [f"seed {provenance.seed}", f"truncation {provenance.truncation:g}"]
    if provenance.keep < 1:
        drawn.append(f"the most certain {100 * provenance.keep:g}% kept")
    if provenance.screened:
        drawn.append("masks unlike the training masks drawn again")
    return [
        f"{pairs} synthetic pairs of an image (channels {_listed(dataset.channel_names)}) and a label map (labels"
        f" {_listed(dataset.label_names)}), as {dataset.file_ending} in the layout of nnU-Net v2.",
        f"Drawn with {', '.join(drawn)}, checkpoint {provenance.checkpoint_sha256[:12]}.",
    ]


def _curated(curation: Mapping[str, Any] | None) -> list[str]:
    if curation is None:
        return []
    counts = curation["counts"]
    return [
        f"Curated: {counts['kept']} of {counts['pairs']} pairs drawn were kept; why the others were not is in curation.json."
    ]


def _seen(provenance: Provenance) -> str:
    labels, images = len(provenance.labels_seen), len(provenance.images_seen)
    return (
        f"labels of {labels} subjects, images of {images}; {len(provenance.selected_on)} more were looked at to choose among"
        " checkpoints"
    )


def _measured(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """The last value of each stage's validation measure."""
    last: dict[str, Mapping[str, Any]] = {}
    for line in lines:
        if line["validation"] is not None:
            last[line["stage"]] = line
    return [_measure(stage, line["validation"], float(line["kimg"])) for stage, line in last.items()]


def _measure(stage: str, found: Mapping[str, Any], kimg: float) -> str:
    name = found["name"].replace("_", " ")
    value = "not measurable" if found["value"] is None else f"{found['value']:.3g} ({found['direction']} is better)"
    return f"Stage {stage}: {name} to validation subjects after {kimg:g} kimg: {value}."


def _warnings(lines: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each finding of the health watch once, as it was first said."""
    first: dict[str, str] = {}
    for line in lines:
        for finding in line["health"]:
            first.setdefault(finding["code"], f"Health watch at {line['kimg']:g} kimg: {finding['message']}.")
    return list(first.values()) or ["The health watch found nothing."]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
