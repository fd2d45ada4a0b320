"""DRIVE: fundus photographs of a screening for diabetic retinopathy, vessels and field of view [Staal 2004]."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

from segmint.data.convert.layouts.files import existing, find_root, matching_files, read_binary, read_pixels
from segmint.data.convert.layouts.layout import Content, Layout, LayoutOptions, Source, SourceCase

_Folder = Literal["training", "test"]


def _find(source: Path, options: LayoutOptions) -> Source:
    """`training/images/21_training.tif`, `1st_manual/21_manual1.gif`, `mask/21_training_mask.gif`, and `test` alike.

    Newer archives come without the masks of the test images; those are then kept as unlabelled images.
    """
    del options
    root = find_root(source, inner=("DRIVE",), holds="training/images")
    cases = _cases(root, "training", labelled=True)
    remarks = ["Whom the images come from is not published, so every image counts as its own."]
    if (root / "test" / "images").is_dir():
        labelled = (root / "test" / "1st_manual").is_dir()
        cases += _cases(root, "test", labelled=labelled)
        if not labelled:
            remarks.append("The test images come without masks and are kept as unlabelled images.")
    return Source(
        cases=cases,
        channel_names=("red", "green", "blue"),
        label_names=("background", "vessel"),
        originally=40,
        conditions={"foreground": ("background", "foreground")},
        subject_kind="image",
        remarks=tuple(remarks),
    )


def _cases(root: Path, folder: _Folder, *, labelled: bool) -> list[SourceCase]:
    cases = []
    for number, image in matching_files(root / folder / "images", rf"(\d+)_{folder}\.tif").items():
        view = existing(root / folder / "mask" / f"{number}_{folder}_mask.gif")
        mask = existing(root / folder / "1st_manual" / f"{number}_manual1.gif") if labelled else None
        cases.append(
            SourceCase(
                id=f"{number}_{folder}",
                path=image,
                place=image.relative_to(root).as_posix(),
                subject=number,
                read=partial(_read, image, mask, view),
                part="train" if folder == "training" else "test",
            )
        )
    return cases


def _read(image: Path, mask: Path | None, view: Path) -> Content:
    label = None if mask is None else read_binary(mask)
    return Content(read_pixels(image, channels=3), label, {"foreground": read_binary(view)})


DRIVE = Layout(
    name="drive",
    title="Retina, fundus photographs: vessels, with the field of view as condition",
    files="training/{images,1st_manual,mask}, test/{images,1st_manual,mask}",
    origin="https://drive.grand-challenge.org",
    licence="as stated at https://drive.grand-challenge.org",
    find=_find,
)
