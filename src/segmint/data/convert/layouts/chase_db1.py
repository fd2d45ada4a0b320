"""CHASE_DB1: fundus photographs of both eyes of 14 children, vessels by two observers [Fraz 2012]."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from segmint.data.convert.layouts.files import existing, find_root, matching_files, read_binary, read_pixels
from segmint.data.convert.layouts.layout import Content, Layout, LayoutOptions, Source, SourceCase
from segmint.errors import UserError

_OBSERVERS = {1: "1stHO", 2: "2ndHO"}


def _find(source: Path, options: LayoutOptions) -> Source:
    """`Image_01L.jpg` with `Image_01L_1stHO.png` and `Image_01L_2ndHO.png`; the number is the child, L or R the eye."""
    if options.observer not in _OBSERVERS:
        raise UserError(f"--observer {options.observer}: there are two observers, 1 and 2.")
    root = find_root(source, inner=("CHASEDB1", "CHASE_DB1"), holds="Image_*.jpg")
    cases = []
    for stem, image in matching_files(root, r"(Image_\d+[LR])\.jpg").items():
        mask = existing(root / f"{stem}_{_OBSERVERS[options.observer]}.png")
        child = stem.removeprefix("Image_")[:-1]
        read = partial(_read, image, mask)
        cases.append(SourceCase(id=stem, path=image, place=image.name, subject=child, read=read))
    return Source(
        cases=cases,
        channel_names=("red", "green", "blue"),
        label_names=("background", "vessel"),
        originally=28,
        remarks=(f"Labels are the vessels of observer {options.observer}; a subject is a child, with both eyes.",),
    )


def _read(image: Path, mask: Path) -> Content:
    return Content(read_pixels(image, channels=3), read_binary(mask))


CHASE_DB1 = Layout(
    name="chase-db1",
    title="Retina, fundus photographs: vessels",
    files="Image_01L.jpg, Image_01L_1stHO.png, Image_01L_2ndHO.png",
    origin="https://researchinnovation.kingston.ac.uk/en/datasets/chasedb1-retinal-vessel-reference-dataset-4/",
    licence="CC BY 4.0",
    find=_find,
    options=frozenset({"observer"}),
)
