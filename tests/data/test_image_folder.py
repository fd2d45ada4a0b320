"""Images without label maps: found beside the pairs, told apart by case, and nothing wrong with them passes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmint.data.dataset import Split, open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.data.slices import open_slices, open_unlabelled_slices
from segmint.data.split import split_dataset
from segmint.errors import UserError

MakeDataset = Callable[..., Path]
SPLIT = Split(("s0", "s1"), ("s2",), ("s3",))


def add_images(folder: Path, *cases: str, size: tuple[int, int] = (6, 8), channels: int = 1, seed: int = 5) -> Path:
    """Grey pictures of random pixels in imagesUnlabelled."""
    where = folder / "imagesUnlabelled"
    where.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    for case in cases:
        for channel in range(channels):
            pixels = rng.integers(0, 250, size).astype(np.uint8)
            Image.fromarray(pixels).save(where / f"{case}_{channel:04d}.png")
    return where


def record(folder: Path, **subjects: str) -> None:
    """Say in segmint.json whom unlabelled cases come from."""
    content = json.loads((folder / "segmint.json").read_text())
    content["unlabelled"] = {case: {"subject": subject} for case, subject in subjects.items()}
    (folder / "segmint.json").write_text(json.dumps(content))


def test_images_are_found_with_their_subjects(make_dataset: MakeDataset) -> None:
    folder = make_dataset(channels=("a", "b"))
    plain = open_dataset(folder)
    add_images(folder, "u1", "u2", channels=2)
    record(folder, u1="s1")
    dataset = open_dataset(folder)
    assert [(case.id, case.subject, case.label_path) for case in dataset.unlabelled] == [
        ("u1", "s1", None),
        ("u2", "u2", None),
    ]
    assert dataset.subjects == plain.subjects
    assert dataset.read_image(dataset.unlabelled[0]).shape == (2, 6, 8)
    assert dataset.identity != plain.identity
    with pytest.raises(ValueError, match="u1 has no label map"):
        dataset.read_label(dataset.unlabelled[0])
    (folder / "imagesUnlabelled" / "u1_0000.png").write_bytes(b"longer than before" * 99)
    assert open_dataset(folder).identity != dataset.identity


def _no_number(where: Path) -> None:
    (where / "u1_0000.png").rename(where / "u1.png")


def _no_second_channel(where: Path) -> None:
    (where / "u1_0001.png").unlink()


def _third_channel(where: Path) -> None:
    shutil.copy(where / "u1_0001.png", where / "u1_0002.png")


def _other_ending(where: Path) -> None:
    (where / "u1_0000.tif").write_bytes(b"")


def _labelled_too(where: Path) -> None:
    add_images(where.parent, "case1", channels=2)


def _recorded_but_absent(where: Path) -> None:
    record(where.parent, u9="s1")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_no_number, r"imagesUnlabelled/u1\.png has no channel number: name it u1_0000\.png"),
        (_no_second_channel, r"imagesUnlabelled/u1_0001\.png is missing: dataset\.json names 2 channels"),
        (_third_channel, r"imagesUnlabelled/u1_0002\.png is a channel that .*dataset\.json does not name"),
        (_other_ending, r"imagesUnlabelled/u1_0000\.tif does not have the file ending \.png"),
        (_labelled_too, r'The case "case1" lies in .*imagesUnlabelled and has a mask too'),
        (_recorded_but_absent, r'records the unlabelled case "u9", which has no files in imagesUnlabelled'),
    ],
)
def test_what_is_wrong_is_told(make_dataset: MakeDataset, spoil: Callable[[Path], None], said: str) -> None:
    folder = make_dataset(channels=("a", "b"))
    where = add_images(folder, "u1", "u2", channels=2)
    spoil(where)
    with pytest.raises(UserError, match=said):
        open_dataset(folder)


def test_inspection_counts_them_and_reads_every_one(make_dataset: MakeDataset) -> None:
    folder = make_dataset(finish={"split": SPLIT})
    where = add_images(folder, "u1", "u2", "u3")
    record(folder, u1="s3", u2="s0")
    report = inspect_dataset(folder)
    told = [report[f"unlabelled_{what}"] for what in ("images", "subjects", "held_out")]
    assert told == [3, 3, 1]
    assert report["problems"] == []
    assert (
        sum("Nothing tells whom 1 of the images without a mask come from, such as u3" in r for r in report["remarks"])
        == 1
    )
    (where / "u1_0000.png").write_bytes(b"broken")
    shutil.copy(folder / "imagesTr" / "case3_0000.png", where / "u2_0000.png")
    problems = inspect_dataset(folder)["problems"]
    assert len(problems) == 2
    assert any("u1_0000.png is not a PNG file" in one for one in problems)
    assert any('"case3" and "u2" are the same image under the subjects "s3" and "s0"' in one for one in problems)


def test_slices_lie_on_the_grid_of_the_pairs(make_dataset: MakeDataset) -> None:
    folder = make_dataset(shapes=[(12, 16)] * 4)
    assert open_unlabelled_slices(open_slices(open_dataset(folder), size=8)) is None
    add_images(folder, "large", size=(40, 24))
    add_images(folder, "same", size=(12, 16), seed=6)
    pairs = open_slices(open_dataset(folder), size=8)
    slices = open_unlabelled_slices(pairs)
    assert slices is not None
    assert (slices.scale, slices.size) == (pairs.scale, 8) == (0.5, 8)
    assert [record.subject for record in slices.records] == ["large", "same"]
    assert slices.images.shape == (2, 1, 8, 8)
    assert slices.labels.shape == (2, 8, 8)
    assert not slices.labels.any()
    assert not any(one.foreground for one in slices.records)
    # Of what is larger than every pair the centre is kept, at the same scale.
    stored = np.asarray(Image.open(folder / "imagesUnlabelled" / "large_0000.png"), dtype=np.float32)
    centre = stored[12:28, 4:20].reshape(8, 2, 8, 2).mean(axis=(1, 3)) / 127.5 - 1
    assert np.abs(np.asarray(slices.images[0, 0])[1:-1, 1:-1] - centre[1:-1, 1:-1]).mean() < 0.2
    assert np.corrcoef(np.asarray(slices.images[0, 0]).ravel(), centre.ravel())[0, 1] > 0.8


def test_a_volume_has_one_contrast_whether_labelled_or_not(make_dataset: MakeDataset) -> None:
    folder = make_dataset(shapes=[(6, 8)] * 4, dtype=np.uint16, volume="v", subjects=["s"] * 4)
    add_images(folder, "u1")
    content = json.loads((folder / "segmint.json").read_text())
    content["unlabelled"] = {"u1": {"subject": "s", "volume": "v"}}
    (folder / "segmint.json").write_text(json.dumps(content))
    pairs = open_slices(open_dataset(folder), size=8)
    alone = open_unlabelled_slices(pairs)
    assert alone is not None
    assert alone.case_intensity["u1"] == pairs.case_intensity["case0"]


def test_a_pointing_dataset_points_to_them_too(make_dataset: MakeDataset, tmp_path: Path) -> None:
    folder = make_dataset()
    add_images(folder, "s1-7", "new-1")
    pointing = split_dataset(folder, out=tmp_path / "pointing")
    assert [case.id for case in pointing.unlabelled] == ["new-1", "s1-7"]
    assert pointing.read_image(pointing.unlabelled[0]).shape == (1, 6, 8)
    named = split_dataset(folder, out=tmp_path / "named", subject=r"^[a-z]+\d*")
    assert [case.subject for case in named.unlabelled] == ["new", "s1"]
    assert [case.subject for case in named.cases] == ["case0", "case1", "case2", "case3"]
    (folder / "imagesUnlabelled" / "new-1_0000.png").unlink()
    with pytest.raises(UserError, match=r"lists .*new-1_0000\.png, which does not exist"):
        open_dataset(tmp_path / "pointing")
