from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from segmint.data.dataset import open_dataset
from segmint.data.phantoms import PHANTOMS, find_phantom
from segmint.errors import UserError


def test_every_kind_is_found_by_its_name() -> None:
    assert [find_phantom(phantom.kind) for phantom in PHANTOMS] == list(PHANTOMS)


def test_an_unknown_kind_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'liver'.*brain"):
        find_phantom("liver")


def test_writes_through_the_list(tmp_path: Path) -> None:
    path = find_phantom("brain").write(tmp_path / "set", subjects=3, seed=1, size=32)
    assert len(open_dataset(path).cases) == 3


def test_the_list_imports_nothing_heavy() -> None:
    code = "import sys, segmint.data.phantoms; assert not {'numpy', 'scipy', 'torch', 'nibabel'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
