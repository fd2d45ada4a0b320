"""ISLES 2018: CT perfusion of acute stroke, with the infarct core drawn on diffusion MR [Hakim 2021]."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from segmint.data.convert.layouts.cases import checked, only_file
from segmint.data.convert.layouts.files import find_root
from segmint.data.convert.layouts.layout import Layout, LayoutOptions, Source, SourceCase
from segmint.data.convert.layouts.volumes import read_volume
from segmint.errors import UserError

_KINDS = ("CT", "CT_CBF", "CT_CBV", "CT_MTT", "CT_Tmax", "OT")
_STORED = (0, 1)


def _find(source: Path, options: LayoutOptions) -> Source:
    """`case_N/SMIR.Brain.XX.O.CT_CBF.345563/SMIR.Brain.XX.O.CT_CBF.345563.nii`, slabs of 2 to 22 thick slices."""
    del options
    root = find_root(source, inner=("TRAINING",), holds="case_*")
    cases = []
    for folder in sorted(root.glob("case_*"), key=_number):
        files = [only_file(folder, f"SMIR*.{kind}.*/SMIR*.nii*") for kind in _KINDS]
        cases.append(
            SourceCase(
                id=folder.name,
                path=folder,
                place=folder.name,
                subject=folder.name,
                read=partial(read_volume, files[:-1], files[-1], _STORED),
            )
        )
    return Source(
        cases=checked(cases, root),
        # "CT CBF" would be taken for Hounsfield units.
        channel_names=("CT", "CBF", "CBV", "MTT", "Tmax"),
        label_names=("background", "infarct core"),
        originally=94,
        subject_kind="image",
        remarks=(
            "The 94 cases come from 63 patients, and the folders do not tell whom two slabs have in common, so every "
            "case counts as its own: a trial on them is described, not judged.",
            "The perfusion series (CT_4DPWI) is left out; the maps made of it are the channels.",
        ),
        file_ending=".nii.gz",
    )


def _number(folder: Path) -> int:
    number = folder.name.removeprefix("case_")
    if not number.isdecimal():
        raise UserError(f"{folder} is not named like a case of the layout, such as case_1: rename it.")
    return int(number)


ISLES_2018 = Layout(
    name="isles-2018",
    title="Brain CT with perfusion maps: acute stroke",
    files="case_N/SMIR.Brain.XX.O.{CT,CT_CBF,CT_CBV,CT_MTT,CT_Tmax,OT}.M/SMIR.Brain.XX.O.*.M.nii",
    origin="https://www.isles-challenge.org/ISLES2018/",
    licence="as agreed to at https://www.isles-challenge.org/ISLES2018/",
    find=_find,
)
