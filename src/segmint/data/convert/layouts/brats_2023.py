"""BraTS 2023 and later: brain MR of tumours in four contrasts, skull-stripped, 1 mm [Baid 2021, Adewole 2023]."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from segmint.data.convert.layouts.cases import checked, visible_files
from segmint.data.convert.layouts.files import existing, find_root
from segmint.data.convert.layouts.layout import Layout, LayoutOptions, Source, SourceCase
from segmint.data.convert.layouts.volumes import read_volume

_CONTRASTS = ("t1n", "t1c", "t2w", "t2f")
_STORED = (0, 1, 2, 3)


def _find(source: Path, options: LayoutOptions) -> Source:
    """`CASE/CASE-{t1n,t1c,t2w,t2f,seg}.nii.gz`, where a case such as BraTS-GLI-00005-001 is patient 00005, scan 001."""
    del options
    root = find_root(source, inner=(), holds="**/*-t2f.nii.gz")
    cases = []
    for flair in visible_files(root, "*-t2f.nii.gz"):
        case = flair.name.removesuffix("-t2f.nii.gz")
        files = [existing(flair.with_name(f"{case}-{kind}.nii.gz")) for kind in (*_CONTRASTS, "seg")]
        cases.append(
            SourceCase(
                id=case,
                path=flair,
                place=flair.relative_to(root).as_posix(),
                subject=re.sub(r"^(BraTS-.+-\d+)-\d+$", r"\1", case),
                read=partial(read_volume, files[:-1], files[-1], _STORED),
            )
        )
    return Source(
        cases=checked(cases, root),
        channel_names=("T1n", "T1c", "T2w", "T2f"),
        label_names=("background", "necrotic core", "oedema", "enhancing tumour"),
        originally=len(cases),
        remarks=("All scans of a patient, told by the number at the end of a case's name, count as one subject.",),
        file_ending=".nii.gz",
    )


BRATS_2023 = Layout(
    name="brats-2023",
    title="Brain MR, four contrasts: tumours (BraTS 2023 and later)",
    files="CASE/CASE-{t1n,t1c,t2w,t2f,seg}.nii.gz",
    origin="https://www.synapse.org/brats2023",
    licence="as agreed to at https://www.synapse.org/brats2023",
    find=_find,
)
