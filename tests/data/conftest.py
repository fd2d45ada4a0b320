"""Small real datasets on disk, and the public ones where they are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.data.subjects import SubjectKind
from segmint.data.writer import DatasetWriter


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMINT_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[..., Path]:
    """Write a dataset of random pairs; every case holds some foreground, condition maps are the labels modulo their ids."""

    def make(
        name: str = "set",
        *,
        shapes: Sequence[tuple[int, ...]] = ((6, 8), (6, 8), (6, 8), (6, 8)),
        subjects: Sequence[str] | None = None,
        channels: Sequence[str] = ("grey",),
        labels: Sequence[str] = ("background", "organ", "tumour"),
        ending: str = ".png",
        rgb: bool = False,
        conditions: Mapping[str, Sequence[str]] | None = None,
        subject_kind: SubjectKind = "subject",
        dtype: Any = np.uint8,
        finish: dict[str, Any] | None = None,
        seed: int = 0,
        **case_fields: Any,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        rng = np.random.default_rng(seed)
        writer = DatasetWriter(
            folder,
            name=name,
            channel_names=channels,
            label_names=labels,
            file_ending=ending,
            rgb=rgb,
            licence="CC0",
            conditions=conditions,
            subject_kind=subject_kind,
        )
        for number, shape in enumerate(shapes):
            image = rng.integers(0, 200, (len(channels), *shape)).astype(dtype)
            label = rng.integers(0, len(labels), shape).astype(np.uint8)
            label.flat[0] = 1
            subject = subjects[number] if subjects else f"s{number}"
            maps = {one: label % len(ids) for one, ids in (conditions or {}).items()}
            writer.add(f"case{number}", image, label, subject=subject, conditions=maps, **case_fields)
        writer.finish(**(finish or {}))
        return folder

    return make
