"""A seed is checked before anything is drawn from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from segmint.cli.main import main
from segmint.data.phantoms import write_phantom
from segmint.data.split import split_dataset
from segmint.errors import UserError
from segmint.seeds import LARGEST, check_seed
from segmint.training.train import train


def test_every_seed_that_torch_takes_is_taken() -> None:
    for seed in (0, 7, LARGEST):
        check_seed(seed)
        torch.Generator().manual_seed(seed)
    for seed in (-1, LARGEST + 1):
        with pytest.raises(UserError, match=f"--seed {seed}: give a whole number from 0"):
            check_seed(seed)


@pytest.mark.parametrize("seed", [-1, LARGEST + 1])
def test_a_wrong_seed_is_refused_by_functions(seed: int, discs: Path, tmp_path: Path) -> None:
    before = json.loads((discs / "segmint.json").read_text())
    with pytest.raises(UserError, match=f"--seed {seed}: give"):
        train("joint-stylegan2", discs, out=tmp_path / "run", size=32, seed=seed, progress=False)
    with pytest.raises(UserError, match=f"--seed {seed}: give"):
        split_dataset(discs, seed=seed, overwrite=True)
    with pytest.raises(UserError, match=f"with seed {seed}: give"):
        write_phantom("brain", tmp_path / "run", subjects=4, seed=seed)
    assert json.loads((discs / "segmint.json").read_text()) == before
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["train", "joint-stylegan2", "discs"],
        ["sample", "run", "--n", "2"],
        ["data", "phantom", "brain"],
        ["run", "discs"],
        ["segment", "train", "discs"],
        ["curve", "discs", "--labelled", "2"],
    ],
)
def test_a_negative_seed_is_refused_by_verbs(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--out", str(tmp_path / "out"), "--seed", "-1"]) == 2
    assert "Invalid value for '--seed'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
