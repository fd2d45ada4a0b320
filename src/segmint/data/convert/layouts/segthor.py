"""SegTHOR: chest CT of 60 patients with lung or oesophageal cancer, four organs at risk [Lambert 2020]."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from segmint.data.convert.layouts.cases import checked
from segmint.data.convert.layouts.files import existing, find_root, matching_files
from segmint.data.convert.layouts.layout import Layout, LayoutOptions, Source, SourceCase
from segmint.data.convert.layouts.volumes import read_volume

_STORED = (0, 1, 2, 3, 4)


def _find(source: Path, options: LayoutOptions) -> Source:
    """`Patient_NN/Patient_NN.nii.gz` with `GT.nii.gz`, maybe in `train`; `test/Patient_NN.nii.gz` comes without masks."""
    del options
    root = find_root(source, inner=("train",), holds="Patient_*/Patient_*.nii.gz")
    cases = []
    for image in sorted(root.glob("Patient_*/Patient_*.nii.gz")):
        mask = existing(image.with_name("GT.nii.gz"))
        cases.append(_case(image, mask, place=image.relative_to(root).as_posix()))
    test = (root if root == source else root.parent) / "test"
    if test.is_dir():
        images = matching_files(test, r"(Patient_\d+)\.nii\.gz").values()
        cases += [_case(image, None, place=f"test/{image.name}") for image in images]
    return Source(
        cases=checked(cases, root),
        channel_names=("CT",),
        label_names=("background", "oesophagus", "heart", "trachea", "aorta"),
        originally=60,
        file_ending=".nii.gz",
    )


def _case(image: Path, mask: Path | None, *, place: str) -> SourceCase:
    patient = image.name.removesuffix(".nii.gz")
    read = partial(read_volume, [image], mask, _STORED)
    return SourceCase(id=patient, path=image, place=place, subject=patient, read=read)


SEGTHOR = Layout(
    name="segthor",
    title="Chest CT: oesophagus, heart, trachea and aorta",
    files="Patient_NN/Patient_NN.nii.gz, Patient_NN/GT.nii.gz",
    origin="https://competitions.codalab.org/competitions/21145",
    licence="as agreed to at https://competitions.codalab.org/competitions/21145",
    find=_find,
)
