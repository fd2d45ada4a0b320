from __future__ import annotations

from pathlib import Path

import pytest
import torch

from segmint.errors import UserError
from segmint.recipes.contract import Measurement
from segmint.training.checkpoint import CheckpointFolder


def save(folder: CheckpointFolder, images: int, *, best: bool, measured: Measurement | None = None) -> None:
    state = {"images": images, "measured": vars(measured) if measured else None}
    folder.save({"x": torch.full((3,), float(images))}, state, best=best)


def test_last_and_best_are_kept_and_others_removed(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    for images, best in ((10, True), (20, True), (30, False), (40, False)):
        save(folder, images, best=best)
    assert sorted(path.name for path in tmp_path.glob("*.safetensors")) == [
        "images-0000000020.safetensors",
        "images-0000000040.safetensors",
    ]
    assert float(folder.load("best").tensors["x"][0]) == 20
    assert float(folder.load("last").tensors["x"][0]) == 40
    assert not list(tmp_path.glob(".*partial*"))


@pytest.mark.parametrize(
    ("direction", "best", "last", "chosen"),
    [
        ("lower", 0.10, 0.10, "last"),
        # The distance does not tell good generators apart ...
        ("lower", 0.10, 0.14, "last"),
        # ... but it does tell a collapse.
        ("lower", 0.10, 0.16, "best"),
        ("lower", 0.10, float("nan"), "best"),
        # A segmenter's Dice is what it is for.
        ("higher", 0.80, 0.79, "best"),
    ],
)
def test_the_checkpoint_to_use(tmp_path: Path, direction: str, best: float, last: float, chosen: str) -> None:
    folder = CheckpointFolder(tmp_path)
    save(folder, 10, best=True, measured=Measurement("measure", best, direction))
    save(folder, 20, best=False, measured=Measurement("measure", last, direction))
    assert folder.choice("auto") == chosen
    assert (folder.choice("best"), folder.choice("last")) == ("best", "last")


def test_without_a_measurement_the_last_is_used(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    save(folder, 10, best=False)
    assert folder.choice("auto") == folder.choice("best") == "last"


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    save(folder, 10, best=True)
    (weights,) = tmp_path.glob("*.safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        folder.load("last")


def test_weights_outside_the_folder_are_not_read(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "checkpoints")
    save(folder, 10, best=False)
    entry = (tmp_path / "checkpoints" / "last.json").read_text()
    (tmp_path / "checkpoints" / "last.json").write_text(entry.replace("images-0000000010", "../images-0000000010"))
    (tmp_path / "images-0000000010.safetensors").write_bytes(b"elsewhere")
    # Only the name counts: the file beside the JSON is read.
    assert folder.load("last").state["images"] == 10


@pytest.mark.parametrize("content", ["{}", "[]", "no json"])
def test_a_damaged_entry_is_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "last.json").write_text(content)
    with pytest.raises(UserError, match=r"last\.json"):
        CheckpointFolder(tmp_path).load("last")
