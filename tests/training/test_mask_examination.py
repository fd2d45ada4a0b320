"""What the health watch hears of a training of masks, from the first look on."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

from segmint.data.phantoms import write_phantom
from segmint.data.split import split_dataset
from segmint.data.subjects import Split
from segmint.training.train import train


def findings(dataset: Path, out: Path) -> list[set[str]]:
    """Codes of each look."""
    run = train("vessgan", dataset, out=out, size=32, kimg=0.04, conditions=[], threads=1, device="cpu", progress=False)
    looks = [line for line in run.log() if line.get("diversity") is not None]
    assert looks
    return [{finding["code"] for finding in line["health"]} for line in looks]


def test_one_mask_repeated_is_named_from_the_first_look_on(tmp_path: Path) -> None:
    split = split_dataset(write_phantom("retina", tmp_path / "sound", subjects=6, seed=0, size=64)).split
    assert split is not None
    shutil.copytree(tmp_path / "sound", tmp_path / "planted")
    first, *others = sorted(
        path for path in (tmp_path / "planted" / "labelsTr").iterdir() if path.name.startswith(tuple(split.train))
    )
    assert others
    for other in others:
        shutil.copyfile(first, other)
    assert all("training_alike" not in codes for codes in findings(tmp_path / "sound", tmp_path / "run"))
    assert all("training_alike" in codes for codes in findings(tmp_path / "planted", tmp_path / "planted-run"))


def test_one_validation_image_does_not_hide_how_painted_images_differ(tmp_path: Path) -> None:
    dataset = write_phantom("retina", tmp_path / "retina", subjects=4, seed=0, size=64)
    names = [f"subject_00{number}" for number in range(1, 5)]
    # One eye is known of the first.
    split = Split(tuple(names[1:3]), (names[0],), (names[3],))
    run = train(
        "vess2image",
        dataset,
        out=tmp_path / "run",
        split=split,
        size=32,
        kimg=0.04,
        mask_source="real",
        threads=1,
        device="cpu",
        progress=False,
    )
    looks = [line["diversity"] for line in run.log() if line.get("diversity") is not None]
    assert looks
    assert all(math.isfinite(look) for look in looks)
