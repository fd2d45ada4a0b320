"""Drosophila larva ventral nerve cord, ssTEM: mitochondria, with membranes as condition [Gerhard 2013]."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from segmint.data.convert.layouts.blocks import REMARK, blocks_of
from segmint.data.convert.layouts.files import existing, find_root, matching_files, read_binary, read_pixels
from segmint.data.convert.layouts.layout import Content, Layout, LayoutOptions, Source, SourceCase

_STACK = "stack1"


def _find(source: Path, options: LayoutOptions) -> Source:
    """`stack1/raw/NN.tif`, `stack1/membranes/NN.png`, `stack1/mitochondria/NN.png`: 20 slices of one animal."""
    root = find_root(source, inner=(_STACK,), holds="mitochondria")
    images = matching_files(root / "raw", r"(\d+)\.(?:tif|png)")
    blocks = blocks_of(len(images), blocks=options.blocks, stack=_STACK)
    cases = []
    for (number, image), block in zip(images.items(), blocks, strict=True):
        masks = [existing(root / kind / f"{number}.png", root / kind / f"{number}.tif") for kind in _KINDS]
        cases.append(
            SourceCase(
                id=f"{_STACK}_{number}",
                path=image,
                place=image.relative_to(root).as_posix(),
                subject=block,
                read=partial(_read, image, *masks),
                volume=_STACK,
                slice=int(number),
                axis=0,
            )
        )
    return Source(
        cases=cases,
        channel_names=("EM",),
        label_names=("background", "mitochondrion"),
        originally=20,
        conditions={"membranes": ("background", "membrane")},
        subject_kind="block",
        remarks=(REMARK,),
    )


_KINDS = ("mitochondria", "membranes")


def _read(image: Path, mitochondria: Path, membranes: Path) -> Content:
    return Content(read_pixels(image, channels=1), read_binary(mitochondria), {"membranes": read_binary(membranes)})


DROSOPHILA_VNC = Layout(
    name="drosophila-vnc",
    title="Fly larva, electron microscopy: mitochondria, with membranes as condition",
    files="stack1/{raw,membranes,mitochondria}/NN.{tif,png}",
    origin="https://doi.org/10.6084/m9.figshare.856713",
    licence="CC BY-NC-SA 3.0",
    find=_find,
    options=frozenset({"blocks"}),
)
