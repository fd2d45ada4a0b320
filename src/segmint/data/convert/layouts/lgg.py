"""Brain MR of lower-grade gliomas (TCGA) with masks of the FLAIR abnormality [Buda 2019]."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from segmint.data.convert.layouts.files import existing, find_root, matching_files, read_binary, read_pixels
from segmint.data.convert.layouts.layout import Content, Layout, LayoutOptions, Source, SourceCase
from segmint.errors import UserError


def _find(source: Path, options: LayoutOptions) -> Source:
    """`PATIENT/PATIENT_SLICE.tif` (or png), pre-contrast, FLAIR and post-contrast as RGB, with `PATIENT_SLICE_mask`.

    The owners put FLAIR in the place of a contrast that a patient lacks.
    """
    del options
    root = find_root(source, inner=("kaggle_3m",), holds="*/*_mask.*")
    cases = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and any(path.glob("*_mask.*"))):
        patient = folder.name
        if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", patient) is None:
            raise UserError(
                f"{folder} is not named like a patient of the layout, such as TCGA_DU_5854_19951104: rename it."
            )
        images = matching_files(folder, rf"{re.escape(patient)}_(\d+)\.(?:tif|png)")
        for number, image in sorted(images.items(), key=lambda item: int(item[0])):
            mask = existing(image.with_name(f"{image.stem}_mask{image.suffix}"))
            cases.append(
                SourceCase(
                    id=image.stem,
                    path=image,
                    place=image.relative_to(root).as_posix(),
                    subject=patient,
                    read=partial(_read, image, mask),
                    volume=patient,
                    slice=int(number),
                    axis=2,
                )
            )
    return Source(
        cases=cases,
        channel_names=("pre", "FLAIR", "post"),
        label_names=("background", "tumour"),
        originally=3929,
        contrast="subject",
        remarks=("Where a patient lacks the pre- or post-contrast image, its owners put FLAIR in its place.",),
    )


def _read(image: Path, mask: Path) -> Content:
    return Content(read_pixels(image, channels=3), read_binary(mask))


LGG = Layout(
    name="lgg",
    title="Brain MR, three contrasts, slice by slice: lower-grade glioma",
    files="PATIENT/PATIENT_SLICE.tif, PATIENT/PATIENT_SLICE_mask.tif",
    origin="https://www.kaggle.com/datasets/mateuszbuda/lgg-mri-segmentation",
    licence="CC BY-NC-SA 4.0",
    find=_find,
)
