"""A published dataset, in the layout its owners ship, into an nnU-Net v2 dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from segmint.data.convert.contrast import percentile_maps
from segmint.data.convert.folders import ConversionResult
from segmint.data.convert.layouts import Layout, find_layout
from segmint.data.convert.layouts.layout import Content, LayoutOptions, Option, Source, SourceCase
from segmint.data.convert.matching import searched
from segmint.data.convert.pseudonyms import Codes, Name, Pseudonyms, numbered
from segmint.data.formats.format import AnyArray
from segmint.data.split import make_split
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.outputs import check_target, staged_folder

_SPLIT_SEED = 0
_VALIDATION = 0.125


def convert_layout(
    layout: str,
    source: Path | str,
    *,
    out: Path | str,
    subject: str | None = None,
    licence: str | None = None,
    observer: int | None = None,
    blocks: int | None = None,
    keep_unlabelled: bool = False,
    priority: Sequence[str] = (),
    pseudonyms: Pseudonyms | None = None,
    overwrite: bool = False,
) -> ConversionResult:
    """Convert a published dataset: pictures become PNG, volumes NIfTI in their place in the world; intensities are kept.

    MR that comes as 8-bit pictures has percentiles of each volume recorded, between which the training sees it.

    Where its owners made a split, their test part becomes the test part, and an eighth of their training subjects is for
    validation.

    Args:
        layout: Name, see `LAYOUTS`.
        source: Folder with the files as they come.
        out: Dataset to write, which is also its name.
        subject: Regular expression for the subject, searched in an image's path within the source, instead of what the
            layout tells; see `matching.searched`.
        licence: Instead of the layout's.
        observer: Whose masks to take (chase-db1), 1 by default.
        blocks: Blocks of consecutive slices that a stack is parted into (drosophila-vnc, epfl-ca1), 4 by default.
        keep_unlabelled: Series without a segmentation go to imagesUnlabelled (dicom), instead of being left out.
        priority: Names of labels; where two overlap, the first named wins (dicom).
        pseudonyms: Replaces the names of subjects, cases and volumes by codes.
        overwrite: Replace an existing `out`.

    Raises:
        UserError: there is no such layout, it leaves no such choice, or the files are not as its owners ship them.
    """
    chosen, target = find_layout(layout), Path(out)
    check_target(target, overwrite=overwrite, inputs=[Path(source)])
    if pseudonyms is not None:
        pseudonyms.check(target)
    given: dict[Option, Any] = {
        "observer": observer,
        "blocks": blocks,
        "keep_unlabelled": keep_unlabelled,
        "priority": tuple(priority),
    }
    found = chosen.find(Path(source), _options(chosen, given))
    if subject is not None:
        cases = [replace(case, subject=searched(subject, case.place)) for case in found.cases]
        found = replace(found, cases=cases, subject_kind="subject")
    codes = None
    if pseudonyms is not None:
        codes = pseudonyms.codes([_name(case) for case in found.cases])
    elif chosen.coded:
        codes = numbered([_name(case) for case in found.cases])
    if codes is not None:
        found = replace(found, cases=_coded(found.cases, codes))
    split = _split(found.cases)
    licence = licence or found.licence or chosen.licence
    labelled = []
    maps = {} if found.contrast == "file" else percentile_maps((_volume(case), _image(case)) for case in found.cases)
    with staged_folder(target, overwrite=overwrite) as staging:
        writer = DatasetWriter(
            staging,
            name=target.name,
            channel_names=found.channel_names,
            label_names=found.label_names,
            file_ending=found.file_ending,
            licence=licence,
            rgb=found.rgb and len(found.channel_names) == 3 and not found.file_ending.startswith(".nii"),
            conditions=found.conditions,
            subject_kind=found.subject_kind,
        )
        for case in found.cases:
            content = case.read()
            _check_shapes(case, content)
            writer.add(
                case.id,
                content.image,
                content.label,
                subject=case.subject,
                volume=case.volume,
                slice=case.slice,
                axis=case.axis,
                spacing=content.spacing,
                affine=content.affine,
                intensity=maps.get(_volume(case)),
                conditions=content.conditions,
            )
            if content.label is not None:
                labelled.append(case)
        kept = split if split is not None and split.subjects == {case.subject for case in labelled} else None
        writer.finish(split=kept)
        if pseudonyms is not None and codes is not None:
            pseudonyms.write_key(codes)
    subjects = len({case.subject for case in labelled})
    messages = _messages(found, labelled, kept, licence)
    unlabelled = len(found.cases) - len(labelled)
    return ConversionResult(target, len(labelled), subjects, messages, found.subject_kind, unlabelled)


def _volume(case: SourceCase) -> str:
    return case.volume or case.subject


def _image(case: SourceCase) -> Callable[[], AnyArray]:
    return lambda: case.read().image


def _options(layout: Layout, given: Mapping[Option, Any]) -> LayoutOptions:
    chosen = {name: value for name, value in given.items() if value is not None and value is not False and value != ()}
    for name, value in chosen.items():
        if name not in layout.options:
            said = "" if value is True else f" {','.join(value) if isinstance(value, tuple) else value}"
            raise UserError(
                f"--{name.replace('_', '-')}{said}: the layout {layout.name} leaves no such choice; leave it out."
            )
    return LayoutOptions(**chosen)


def _coded(cases: Sequence[SourceCase], codes: Codes) -> list[SourceCase]:
    """Cases under codes, in the order of these: that of the names would tell something of them."""
    told = [codes.of(_name(case)) for case in cases]
    coded = [
        replace(case, id=code.case, subject=code.subject, volume=code.volume)
        for case, code in zip(cases, told, strict=True)
    ]
    return sorted(coded, key=lambda case: case.id)


def _name(case: SourceCase) -> Name:
    return Name(case.id, case.subject, case.volume, case.place)


def _split(cases: Sequence[SourceCase]) -> Split | None:
    """The owners' split, if they made one."""
    parts = {part: {case.subject for case in cases if case.part == part} for part in ("train", "test")}
    if not parts["train"] or not parts["test"]:
        return None
    shared = sorted(parts["train"] & parts["test"])
    if shared:
        raise UserError(
            f'The subject "{shared[0]}" is in the training and in the test part of the source: tell subjects apart with '
            "another --subject REGEX."
        )
    if len(parts["train"]) < 2:
        return Split(tuple(parts["train"]), (), tuple(sorted(parts["test"])))
    dealt = make_split(tuple(parts["train"]), seed=_SPLIT_SEED, fractions=(1 - _VALIDATION, _VALIDATION, 0.0))
    return Split(dealt.train, dealt.validation, tuple(sorted(parts["test"])))


def _check_shapes(case: SourceCase, content: Content) -> None:
    expected = content.image.shape[1:]
    maps = {"mask": content.label, **content.conditions}
    for name, ids in maps.items():
        if ids is not None and ids.shape != expected:
            shapes = [" x ".join(map(str, shape)) for shape in (ids.shape, expected)]
            raise UserError(
                f"The {name} of {case.path} ({case.id}) has the shape {shapes[0]} but the image has {shapes[1]}: restore "
                "the originals."
            )


def _messages(source: Source, labelled: Sequence[SourceCase], split: Split | None, licence: str) -> tuple[str, ...]:
    unlabelled = len(source.cases) - len(labelled)
    subjects = len({case.subject for case in labelled})
    found = f"{len(labelled)} pairs of {subjects} {source.subject_kind}s"
    if unlabelled:
        found += f", and {unlabelled} images without masks"
    messages = [f"{found}; channels: {', '.join(source.channel_names)}; labels: {', '.join(source.label_names[1:])}."]
    if source.conditions:
        messages.append(f"Condition maps: {', '.join(source.conditions)}.")
    messages += source.remarks
    if len(source.cases) != source.originally:
        messages.append(f"There are {len(source.cases)} images here; the original has {source.originally}.")
    if split is not None:
        messages.append(
            f"Split as by its owners, with some of their training part for validation: {len(split.train)} "
            f"{source.subject_kind}s train, {len(split.validation)} validation, {len(split.test)} test."
        )
    return (*messages, f"Licence: {licence}.")
