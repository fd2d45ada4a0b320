"""BRATS 2015: brain MR of gliomas in four contrasts, skull-stripped, 1 mm, as .mha [Menze 2015]."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from segmint.data.convert.layouts.cases import checked, only_file
from segmint.data.convert.layouts.files import find_root
from segmint.data.convert.layouts.layout import Layout, LayoutOptions, Source, SourceCase
from segmint.data.convert.layouts.volumes import read_volume

_KINDS = ("MR_T1", "MR_T1c", "MR_T2", "MR_Flair", "OT")
_STORED = (0, 1, 2, 3, 4)


def _find(source: Path, options: LayoutOptions) -> Source:
    """`HGG/brats_tcia_pat101_0001/VSD.Brain.XX.O.MR_Flair.54512/VSD.Brain.XX.O.MR_Flair.54512.mha`, and LGG alike.

    The last number of a folder is the scan: some patients were followed over time.
    """
    del options
    root = find_root(source, inner=("BRATS2015_Training",), holds="[HL]GG/*")
    cases = []
    for folder in sorted(path for path in root.glob("[HL]GG/*") if path.is_dir() and not path.name.startswith(".")):
        files = [only_file(folder, f"VSD*.{kind}.*/VSD*.mha") for kind in _KINDS]
        patient = re.sub(r"_\d+$", "", folder.name)
        # Patients of 2013 are numbered anew in each grade.
        subject = patient if patient.startswith("brats_tcia") else f"{folder.parent.name}_{patient}"
        cases.append(
            SourceCase(
                id=f"{folder.parent.name}_{folder.name}",
                path=folder,
                place=folder.relative_to(root).as_posix(),
                subject=subject,
                read=partial(read_volume, files[:-1], files[-1], _STORED),
            )
        )
    return Source(
        cases=checked(cases, root),
        channel_names=("T1", "T1c", "T2", "FLAIR"),
        label_names=("background", "necrosis", "oedema", "non-enhancing tumour", "enhancing tumour"),
        originally=274,
        remarks=("All scans of a patient, told by the number at the end of a folder's name, count as one subject.",),
        file_ending=".nii.gz",
    )


BRATS_2015 = Layout(
    name="brats-2015",
    title="Brain MR, four contrasts: glioma (BRATS 2015, .mha)",
    files="{HGG,LGG}/CASE/VSD.Brain.XX.O.{MR_T1,MR_T1c,MR_T2,MR_Flair,OT}.N/VSD.Brain.XX.O.*.N.mha",
    origin="https://www.smir.ch/BRATS/Start2015",
    licence="as agreed to at https://www.smir.ch/BRATS/Start2015",
    find=_find,
)
