"""COVID-19 CT: 100 axial chest slices of more than 40 patients, three findings [Jenssen 2020, medicalsegmentation.com]."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from segmint.data.convert.layouts.files import existing, find_root
from segmint.data.convert.layouts.layout import Content, Layout, LayoutOptions, Source, SourceCase
from segmint.data.convert.layouts.volumes import read_volume
from segmint.data.formats import find_format
from segmint.data.formats.nifti import slice_affine
from segmint.errors import UserError

_STORED = (0, 1, 2, 3)
_AXIS = 2


@dataclass(frozen=True)
class _Stack:
    """Slices stacked along the last axis, read when the first is asked for."""

    image: Path
    mask: Path | None

    @cached_property
    def content(self) -> Content:
        return read_volume([self.image], self.mask, _STORED)

    def slice(self, number: int) -> Content:
        whole = self.content
        assert whole.affine is not None
        affine = slice_affine(whole.affine, axis=_AXIS, index=number)
        spacing = tuple(float(length) for length in np.linalg.norm(affine[:3, :3], axis=0))
        label = None if whole.label is None else whole.label[..., number]
        return Content(whole.image[..., number], label, spacing=spacing, affine=affine)


def _find(source: Path, options: LayoutOptions) -> Source:
    """`tr_im.nii.gz` with `tr_mask.nii.gz`, a slice of another image each; `val_im.nii.gz` comes without masks."""
    del options
    root = find_root(source, inner=(), holds="tr_im.nii.gz")
    cases = _cases(_Stack(root / "tr_im.nii.gz", existing(root / "tr_mask.nii.gz")), "tr")
    if (root / "val_im.nii.gz").is_file():
        cases += _cases(_Stack(root / "val_im.nii.gz", None), "val")
    return Source(
        cases=cases,
        channel_names=("CT",),
        label_names=("background", "ground glass", "consolidation", "pleural effusion"),
        originally=110,
        subject_kind="image",
        remarks=(
            "Which slices come from one patient is not published, so every slice counts as its own: a trial on them is "
            "described, not judged.",
        ),
        file_ending=".nii.gz",
    )


def _cases(stack: _Stack, name: str) -> list[SourceCase]:
    shape = find_format(".nii.gz", where=stack.image).geometry(stack.image).shape
    if len(shape) != _AXIS + 1:
        raise UserError(f"{stack.image} is no stack of slices: restore the original.")
    return [
        SourceCase(
            id=f"{name}_{number:03d}",
            path=stack.image,
            place=f"{stack.image.name}/{number:03d}",
            subject=f"{name}_{number:03d}",
            read=partial(stack.slice, number),
        )
        for number in range(shape[_AXIS])
    ]


COVID_19_CT = Layout(
    name="covid-19-ct",
    title="Chest CT, single slices: findings of COVID-19",
    files="tr_im.nii.gz, tr_mask.nii.gz",
    origin="https://medicalsegmentation.com/covid19/",
    licence="as stated at https://medicalsegmentation.com/covid19/",
    find=_find,
)
