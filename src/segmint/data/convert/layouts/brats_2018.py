"""BraTS 2018 to 2021: brain MR of gliomas in four contrasts, skull-stripped, 1 mm [Menze 2015, Bakas 2018, Baid 2021]."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from segmint.data.convert.layouts.cases import checked, visible_files
from segmint.data.convert.layouts.files import existing, find_root
from segmint.data.convert.layouts.layout import Layout, LayoutOptions, Source, SourceCase
from segmint.data.convert.layouts.volumes import read_volume

_CONTRASTS = ("t1", "t1ce", "t2", "flair")
_STORED = (0, 1, 2, 4)


def _find(source: Path, options: LayoutOptions) -> Source:
    """`CASE/CASE_{t1,t1ce,t2,flair,seg}.nii.gz` (or .nii), as in 2018 and 2019 in folders HGG and LGG; no label is 3."""
    del options
    root = find_root(source, inner=(), holds="**/*_flair.nii*")
    cases = []
    for flair in visible_files(root, "*_flair.nii*"):
        case = re.sub(r"_flair\.nii(\.gz)?$", "", flair.name)
        files = [
            existing(flair.with_name(f"{case}_{kind}.nii.gz"), flair.with_name(f"{case}_{kind}.nii"))
            for kind in (*_CONTRASTS, "seg")
        ]
        cases.append(
            SourceCase(
                id=case,
                path=flair,
                place=flair.relative_to(root).as_posix(),
                # Names of 2018 and 2019 end in the number of the scan.
                subject=re.sub(r"^(Brats1[89]_.+)_\d+$", r"\1", case),
                read=partial(read_volume, files[:-1], files[-1], _STORED),
            )
        )
    return Source(
        cases=checked(cases, root),
        channel_names=("T1", "T1ce", "T2", "FLAIR"),
        label_names=("background", "necrotic core", "oedema", "enhancing tumour"),
        originally=len(cases),
        remarks=("Mask values were mapped to consecutive ids: 1 necrotic core, 2 oedema, 4 -> 3 enhancing tumour.",),
        file_ending=".nii.gz",
    )


BRATS_2018 = Layout(
    name="brats-2018",
    title="Brain MR, four contrasts: glioma (BraTS 2018 to 2021)",
    files="CASE/CASE_{t1,t1ce,t2,flair,seg}.nii.gz",
    origin="https://www.med.upenn.edu/cbica/brats2018/data.html",
    licence="as agreed to at https://www.med.upenn.edu/cbica/brats2018/data.html",
    find=_find,
)
