"""`segmint evaluate`: audits of a synthetic dataset that need no trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from segmint.errors import UserError
from segmint.evaluation.alignment_audit import Learner, alignment_table, audit_alignment
from segmint.evaluation.evidence import Evidence, open_evidence
from segmint.evaluation.fidelity_audit import audit_fidelity
from segmint.evaluation.fidelity_shown import fidelity_table
from segmint.evaluation.forecast import forecast, forecast_shown
from segmint.evaluation.mask_audit import audit_masks, mask_table
from segmint.evaluation.privacy_audit import audit_privacy
from segmint.evaluation.privacy_shown import privacy_table
from segmint.outputs import check_target, staged_folder, write_json
from segmint.reference.feature_file import open_network
from segmint.synthesis.known import refresh_known

RESULT = "evaluation.json"


@dataclass(frozen=True)
class Audit:
    """One section of evaluation.json.

    Attributes:
        name: key of the section.
        measure: makes the section, and may write pictures into the folder it is given.
        show: the section for a rich console.
    """

    name: str
    measure: Callable[[Evidence, Path], dict[str, Any]]
    show: Callable[[Mapping[str, Any]], RenderableType]


AUDITS: tuple[Audit, ...] = (Audit("masks", audit_masks, mask_table),)
"""Those of every evaluation; a new one is one more line here."""

SEGMENTER = "unet"
"""The recipe whose segmenters see whether masks follow images."""


def evaluate(
    real: Path,
    synthetic: Path,
    *,
    out: Path,
    holdout: Path | None = None,
    size: int | None = None,
    axis: int | None = None,
    fidelity: bool = True,
    features: Path | None = None,
    privacy: bool = True,
    alignment: bool = False,
    steps: int | None = None,
    batch: int | None = None,
    overwrite: bool = False,
    device: str = "auto",
    progress: bool = True,
) -> Path:
    """Compare a synthetic dataset with the real one and write `out/evaluation.json`, with pictures beside it.

    The datasheet in the synthetic dataset is told what was found. One that somebody has edited stays as it is; the new one then
    lies beside it.

    Drawn masks are compared with the real masks of the subjects whose labels the generator has seen (as the synthetic
    dataset says; else the training part of the split): how many are distinct, how alike they are, how near each is to a
    training mask, and whether area, components, holes, skeleton length, branch points, compactness and place are as real ones.
    Failures (repeated, copied, misshapen, misplaced or missing) are named. Real masks that the generator has not seen go
    through the same comparison as a yardstick.

    With `fidelity` synthetic images are compared with real ones that trained, and real ones of other subjects in the same way as a
    yardstick: distances, precision and recall, density and coverage in features (of a network that was never trained, radiomic
    ones, of the segmenters with `alignment`, of a network of the user's), similarity of two images, intensities in all and inside
    each label, and power spectra.

    With `privacy` the training image nearest to each synthetic one is sought, under shifts, turns, mirroring, magnification, mild
    deformation and changes of brightness, in pixels and in the features of a network; what comes nearer than new real images do
    is counted. Copies of held-out subjects, whom the generator should not know, are sought too, and whether a subject's part in
    the training shows is tested. The twenty nearest pairs are drawn. That nothing is found is no guarantee of privacy.

    With `alignment` a segmenter learns from each half of the real training subjects, and both are applied to the synthetic
    images: their Dice with the masks, as a share of the Dice they reach on held-out real subjects (without any, on the
    training subjects that each has not learned from), tells whether masks follow images. The trained segmenters are kept in the
    cache and read back by later calls. From that and from how near images are to training images follows a forecast of whether
    adding the pairs to few labelled slices raises a segmenter's Dice.

    Args:
        real: the real dataset.
        synthetic: a dataset that `sample` wrote, or any with the same labels.
        out: folder to write, which must not exist.
        holdout: dataset of real held-out masks; default: the other subjects of `real`.
        size: side of the slices in pixels; default: what the generator was trained at, or what `train` would take.
        axis: slice axis of volumes; default: the generator's, or the one nnU-Net's 2-D configuration takes.
        fidelity: compare images, which takes about half a minute for 500 of each set on one core.
        features: a network whose features are taken too: weights as a safetensors file with a description beside it or in its
            metadata (see `WeightsDescription`), or an ONNX file, which needs the extra `onnx`.
        privacy: seek copies of training images, which takes about a minute for 500 images on one core.
        alignment: measure whether masks follow images, which takes two trainings.
        steps: optimiser steps of each training; default: by size, as in a trial; batch: slices a step, 16 by default.
        overwrite: replace what is at `out`.
        device: where to compute.
        progress: print the tables.

    Returns:
        `out`.

    Raises:
        UserError: a dataset cannot be read, does not fit the others, or leaves nothing to compare; `out` exists; or
            `steps` or `batch` is below 1, or given without `alignment`; or `features` is no network of images, is given without
            `fidelity`, or the extra it needs is not installed.
        KeyboardInterrupt: stopped by Ctrl-C; the next call goes on with the segmenters.
    """
    out = Path(out)
    audits = _chosen_audits(
        fidelity=fidelity,
        features=features,
        privacy=privacy,
        alignment=alignment,
        steps=steps,
        batch=batch,
        device=device,
        progress=progress,
    )
    check_target(out, overwrite=overwrite, inputs=[Path(one) for one in (real, synthetic, holdout) if one])
    evidence = open_evidence(
        Path(real),
        Path(synthetic),
        holdout=Path(holdout) if holdout is not None else None,
        size=size,
        axis=axis,
        device=device,
    )
    with staged_folder(out, overwrite=overwrite) as staging:
        content = _described(evidence) | {audit.name: audit.measure(evidence, staging) for audit in audits}
        if alignment:
            content["forecast"] = forecast(content["alignment"], evidence)
        write_json(staging / RESULT, content)
    drawn = evidence.synthetic.dataset
    told = [refresh_known(drawn, content, real=Path(real))] if drawn.provenance is not None else []
    if progress:
        console = Console()
        for audit in audits:
            console.print(audit.show(content[audit.name]))
        if alignment:
            console.print(forecast_shown(content["forecast"]))
        for note in [*evidence.notes, *told]:
            console.print(Text(f"- {note}", style="dim"))
    return out


def _chosen_audits(
    *,
    fidelity: bool,
    features: Path | None,
    privacy: bool,
    alignment: bool,
    steps: int | None,
    batch: int | None,
    device: str,
    progress: bool,
) -> tuple[Audit, ...]:
    """Those of every evaluation, then those that were not switched off, or were asked for."""
    learner = None
    if alignment:
        for flag, value in (("steps", steps), ("batch", batch)):
            if value is not None and value < 1:
                raise UserError(f"--{flag} {value}: at least 1 is needed.")
        learner = Learner(SEGMENTER, steps, batch, device, progress)
    elif steps is not None or batch is not None:
        flag = "steps" if steps is not None else "batch"
        raise UserError(f"--{flag} is for the segmenter of --alignment: give both, or neither.")
    if features is not None and not fidelity:
        raise UserError(
            "--features is for the comparison of images, which --no-fidelity leaves out: give one of the two."
        )
    audits = AUDITS
    if fidelity:
        network = open_network(Path(features)) if features is not None else None
        audits = (*audits, Audit("fidelity", partial(audit_fidelity, learner=learner, network=network), fidelity_table))
    if privacy:
        audits = (*audits, Audit("privacy", partial(audit_privacy, learner=learner), privacy_table))
    if learner is not None:
        audits = (*audits, Audit("alignment", partial(audit_alignment, learner=learner), alignment_table))
    return audits


def _described(evidence: Evidence) -> dict[str, Any]:
    slices, provenance = evidence.training.slices, evidence.synthetic.slices.dataset.provenance
    return {
        "format": 1,
        "real": evidence.training.described(),
        "synthetic": evidence.synthetic.described()
        | {key: getattr(provenance, key, None) for key in ("run", "recipe", "seed", "checkpoint_sha256")},
        "holdout": evidence.holdout.described() if evidence.holdout is not None else None,
        "size": slices.size,
        "axis": slices.axis,
        "label_names": list(evidence.label_names),
        "training_subjects": sorted(set(evidence.training.subjects)),
        "notes": list(evidence.notes),
    }
