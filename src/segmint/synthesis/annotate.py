"""`segmint annotate`: images that a run drew, out to any labelling tool, and a person's label maps back into the run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from segmint.data.case import Provenance
from segmint.data.dataset import open_dataset
from segmint.data.slices import open_slices
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.locks import locked
from segmint.outputs import check_target, staged_folder
from segmint.synthesis.drawing_check import check_truncation
from segmint.synthesis.opened_run import OpenedRun
from segmint.synthesis.sample import GridWriter, read_marks, read_pairs
from segmint.training.annotations import write_annotations
from segmint.training.examination import draw_images

# Of the published system, for the images that are labelled and for the pairs drawn afterwards.
TRUNCATION = 0.7
_CASE = re.compile(r"drawn_s(?P<seed>\d+)_(?P<number>\d{6,})")


def export_images(
    run: Path,
    *,
    n: int = 16,
    out: Path,
    seed: int = 0,
    truncation: float = TRUNCATION,
    overwrite: bool = False,
    device: str = "auto",
) -> Path:
    """Draw `n` images and write them to `out` in the nnU-Net layout, with an empty `labelsTr`.

    A label map goes into `labelsTr` under the name of its image without the channel's number, on the image's grid, with the
    ids that `dataset.json` names. Images lie on the grid and in the intensities of the run's dataset.

    Raises:
        UserError: the run draws no images without labels, has not learnt to yet, or `out` exists.
    """
    if n < 1:
        raise UserError(f"--n {n} must be at least 1.")
    check_truncation(truncation)
    opened = OpenedRun.at(run, checkpoint="auto", device=device)
    stage, sha256 = opened.image_stage()
    config = opened.config
    source = config["dataset"]
    provenance = Provenance(
        run=str(opened.folder.root.resolve()),
        checkpoint_sha256=sha256,
        seed=seed,
        recipe=config["recipe"],
        images_seen=read_pairs(config["images_seen"]),
        selected_on=read_pairs(config["selected_on"]),
        marks_seen=read_marks(config.get("marks_seen", [])),
        truncation=truncation,
    )
    check_target(out, overwrite=overwrite, inputs=[Path(run)])
    with staged_folder(out, overwrite=overwrite) as staging:
        writer = DatasetWriter(
            staging,
            name=f"{source['name']} by {config['recipe']}, to be labelled",
            channel_names=source["channel_names"],
            label_names=source["label_names"],
            file_ending=source["file_ending"],
            licence=source["licence"],
            provenance=provenance,
            rgb=source["rgb"],
        )
        grid = GridWriter(writer, config["grid"], axis=config["axis"], size=config["size"])
        nothing = np.zeros((config["size"], config["size"]), dtype=np.uint8)
        for number, image in enumerate(draw_images(stage, range(n), seed=seed, truncation=truncation).numpy()):
            grid.add(f"drawn_s{seed}_{number:06d}", image, nothing, {})
        writer.finish()
        # An empty label map would say that nothing is there; one that is missing says that nobody has looked.
        for path in (staging / "labelsTr").iterdir():
            path.unlink()
    return Path(out)


def import_labels(run: Path, dataset: Path, *, overwrite: bool = False) -> Path:
    """Take the label maps of a dataset that `export_images` wrote, and a person completed, into the run.

    Returns:
        The folder in the run that holds them.

    Raises:
        UserError: a label map is missing or wrong, the images or the labels' names are not this run's, the run takes no
            labels, holds some already, or has learnt from others.
    """
    opened = OpenedRun.at(run, checkpoint="auto", device="cpu")
    _check_takes_labels(opened)
    labelled = open_dataset(dataset)
    _, sha256 = opened.image_stage()
    provenance = labelled.provenance
    cases = [_CASE.fullmatch(case.id) for case in labelled.cases]
    if provenance is None or provenance.checkpoint_sha256 != sha256 or None in cases:
        raise UserError(
            f"{dataset} does not hold images of {run} as it is now: give a folder that segmint annotate export wrote "
            "from this run."
        )
    expected = opened.config["dataset"]["label_names"]
    if list(labelled.label_names) != list(expected):
        raise UserError(
            f"{dataset}/dataset.json names the labels {', '.join(labelled.label_names)}, and {run} learns {', '.join(expected)}: "
            "label with these, by the ids that segmint annotate export wrote there."
        )
    if opened.folder.annotations.exists() and not overwrite:
        raise UserError(f"{run} holds labels already: pass --overwrite to replace them.")
    slices = open_slices(
        labelled, size=opened.config["size"], axis=opened.config["axis"] if labelled.dimensions == 3 else None
    )
    if not any(record.foreground for record in slices.records):
        raise UserError(f"All label maps of {dataset} are empty: label at least one image.")
    matches = [_CASE.fullmatch(record.case) for record in slices.records]
    with locked(opened.folder.root):
        return write_annotations(
            opened.folder,
            np.asarray(slices.labels),
            seed=provenance.seed,
            numbers=[int(match["number"]) for match in matches if match is not None],
            truncation=provenance.truncation,
            checkpoint_sha256=sha256,
            overwrite=overwrite,
        )


def _check_takes_labels(opened: OpenedRun) -> None:
    for part in opened.parts:
        first, stages = opened.stages(part)
        for number, stage in enumerate(stages, start=first):
            if "annotated" not in stage.gathers:
                continue
            folder = opened.folder.stage_folder(number, stage.name)
            if opened.folder.checkpoints(folder).has("last"):
                raise UserError(
                    f"{opened.folder.root} has already learnt from the labels it was given: train a new run for others."
                )
            return
    raise UserError(
        f"{opened.folder.root} does not learn from annotated images: train one that does, by a recipe that labels images it "
        "draws (segmint recipes), with --set labels=annotation."
    )
