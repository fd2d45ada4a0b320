"""DICOM: series of slices (CT, MR, PET) with DICOM SEG objects, in folders of any kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from segmint.data.convert.dicom.files import DicomFiles, Header, read_headers
from segmint.data.convert.dicom.segments import label_names, open_segmentation, paint
from segmint.data.convert.dicom.series import arrange
from segmint.data.convert.dicom.values import PHYSICAL, is_inverted, read_values
from segmint.data.convert.dicom.volumes import SeriesHeaders, Volume, by_series, segmented_volumes
from segmint.data.convert.layouts.layout import Content, Layout, LayoutOptions, Source, SourceCase
from segmint.errors import UserError


def _find(source: Path, options: LayoutOptions) -> Source:
    """Files of any name, with or without ending, in any folders; what belongs together is told by their headers."""
    files = read_headers(source)
    grouped = by_series(files.images)
    if not files.segmentations:
        raise UserError(
            f"{source} holds {_counted(files, grouped)} but no DICOM SEG object: a dataset needs at least one."
        )
    segmentations = [open_segmentation(header) for header in files.segmentations]
    volumes = segmented_volumes(grouped, segmentations)
    left = [uid for uid in grouped if uid not in {one.uid for one in volumes}]
    if options.keep_unlabelled:
        volumes += [Volume(uid, arrange(grouped[uid]), ()) for uid in left]
    names = label_names(segmentations)
    _check_priority(options.priority, names)
    modality = _only_modality(volumes)
    patients_known = all(one.series.headers[0].text("PatientID") for one in volumes)
    cases = [_case(one, source, names, options.priority, patients_known=patients_known) for one in volumes]
    return Source(
        cases=cases,
        channel_names=(modality,),
        label_names=names,
        originally=len(cases),
        subject_kind="subject" if patients_known else "image",
        remarks=tuple(_remarks(files, volumes, [] if options.keep_unlabelled else [grouped[uid] for uid in left])),
        file_ending=".nii.gz",
        rgb=False,
    )


def _case(
    one: Volume, source: Path, names: Sequence[str], priority: Sequence[str], *, patients_known: bool
) -> SourceCase:
    patient = one.series.headers[0].text("PatientID")
    return SourceCase(
        id=one.uid,
        path=one.series.path,
        place=one.series.path.relative_to(source).as_posix(),
        subject=patient if patients_known else one.uid,
        read=partial(_read, one, tuple(names), tuple(priority)),
    )


def _read(one: Volume, names: Sequence[str], priority: Sequence[str]) -> Content:
    image = read_values(one.series)
    label = paint(one.series, one.segmentations, names, priority) if one.segmentations else None
    return Content(image[np.newaxis], label, spacing=one.series.spacing, affine=one.series.affine)


def _only_modality(volumes: Sequence[Volume]) -> str:
    first = volumes[0].series.headers[0]
    for one in volumes:
        other = one.series.headers[0]
        if other.text("Modality") != first.text("Modality"):
            raise UserError(
                f"{first.path} is {first.text('Modality')} but {other.path} is {other.text('Modality')}: convert each modality "
                "into a dataset of its own."
            )
    return first.text("Modality") or "image"


def _check_priority(priority: Sequence[str], names: Sequence[str]) -> None:
    known = {name.casefold() for name in names[1:]}
    unknown = [name for name in priority if name.casefold() not in known]
    if unknown or len({name.casefold() for name in priority}) != len(priority):
        raise UserError(
            f"--priority {','.join(priority)}: name labels once each, out of {', '.join(names[1:])}, the one that wins first."
        )


def _counted(files: DicomFiles, grouped: SeriesHeaders) -> str:
    others = ", ".join(f"{count} {kind}" for kind, count in sorted(files.others.items()))
    return f"{len(grouped)} series of images" + (f" and other DICOM files ({others})" if others else "")


def _remarks(files: DicomFiles, volumes: Sequence[Volume], left: Sequence[Sequence[Header]]) -> list[str]:
    remarks = ["Names, ids and dates of the headers were left behind: subjects and cases are numbered, or coded."]
    inverted = [one.series for one in volumes if is_inverted(one.series)]
    if inverted:
        remarks.append(f"Greys of {len(inverted)} series were stored inverted (MONOCHROME1) and are turned.")
    kept = [one for one in volumes if one.series.headers[0].text("PhotometricInterpretation") == "MONOCHROME1"]
    if len(kept) > len(inverted):
        remarks.append(
            f"Series of {' and '.join(PHYSICAL)} that are to be shown inverted keep their numbers, which are physical."
        )
    burnt = [one.series for one in volumes if one.series.headers[0].text("BurnedInAnnotation") == "YES"]
    if burnt:
        remarks.append(
            f"{len(burnt)} series say that text is burnt into their pixels, such as that of {burnt[0].path}: look at them."
        )
    if left:
        remarks.append(
            f"{len(left)} series without a segmentation were left out, such as that of {left[0][0].path}; "
            "--keep-unlabelled keeps them."
        )
    if files.others:
        listed = ", ".join(f"{count} {kind}" for kind, count in sorted(files.others.items()))
        remarks.append(f"DICOM files without an image were left out: {listed}.")
    if files.strangers:
        remarks.append(f"{len(files.strangers)} files are not DICOM and were left out, such as {files.strangers[0]}.")
    remarks += _doubts(volumes)
    return remarks


def _doubts(volumes: Sequence[Volume]) -> list[str]:
    """What the user should know of the subjects."""
    headers = [one.series.headers[0] for one in volumes]
    patients = Counter(header.text("PatientID") for header in headers)
    if "" in patients:
        return [
            "Some files bear no patient id, so every series counts as its own: tell subjects apart with --subject REGEX, or a "
            "trial is described, not judged."
        ]
    if len(patients) == 1 and len({header.text("StudyInstanceUID") for header in headers}) > 1:
        return [
            "All studies bear the same patient id: if they are of several patients, tell them apart with --subject REGEX."
        ]
    return []


DICOM = Layout(
    name="dicom",
    title="Any DICOM series of slices (CT, MR, PET) with DICOM SEG objects",
    files="any files in any folders",
    origin="https://www.dicomstandard.org/current",
    licence="unknown",
    find=_find,
    options=frozenset({"keep_unlabelled", "priority"}),
    coded=True,
)
