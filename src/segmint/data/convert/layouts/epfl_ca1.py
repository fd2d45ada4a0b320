"""Hippocampus CA1, electron microscopy: mitochondria in two stacks of 165 slices [Lucchi 2013]."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

from segmint.data.convert.layouts.blocks import REMARK, blocks_of
from segmint.data.convert.layouts.files import binary, checked_pixels, existing, find_root
from segmint.data.convert.layouts.layout import Content, Layout, LayoutOptions, Source, SourceCase
from segmint.data.formats.tiff import count_pages, read_page
from segmint.errors import UserError

_Stack = Literal["training", "testing"]


def _find(source: Path, options: LayoutOptions) -> Source:
    """`training.tif` and `training_groundtruth.tif`, a page a slice, and `testing.tif` alike where it is there."""
    root = find_root(source, inner=(), holds="training.tif")
    cases = _cases(root, "training", blocks=options.blocks)
    if (root / "testing.tif").exists():
        cases += _cases(root, "testing", blocks=options.blocks)
    return Source(
        cases=cases,
        channel_names=("EM",),
        label_names=("background", "mitochondrion"),
        originally=330,
        subject_kind="block",
        remarks=(REMARK,),
    )


def _cases(root: Path, stack: _Stack, *, blocks: int) -> list[SourceCase]:
    image, mask = root / f"{stack}.tif", existing(root / f"{stack}_groundtruth.tif")
    count, masks = count_pages(image), count_pages(mask)
    if count != masks:
        raise UserError(f"{image} has {count} pages but {mask} has {masks}: restore the originals.")
    return [
        SourceCase(
            id=f"{stack}_{number:03d}",
            path=image,
            place=f"{image.name}/{number:03d}",
            subject=block,
            read=partial(_read, image, mask, number),
            part="train" if stack == "training" else "test",
            volume=stack,
            slice=number,
            axis=0,
        )
        for number, block in enumerate(blocks_of(count, blocks=blocks, stack=stack))
    ]


def _read(image: Path, mask: Path, number: int) -> Content:
    pixels = checked_pixels(image, read_page(image, number)[None], channels=1)
    return Content(pixels, binary(mask, read_page(mask, number)))


EPFL_CA1 = Layout(
    name="epfl-ca1",
    title="Hippocampus, electron microscopy: mitochondria",
    files="training.tif, training_groundtruth.tif, testing.tif, testing_groundtruth.tif",
    origin="https://www.epfl.ch/labs/cvlab/data/data-em/",
    licence="as stated at https://www.epfl.ch/labs/cvlab/data/data-em/",
    find=_find,
    options=frozenset({"blocks"}),
)
