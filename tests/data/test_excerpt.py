"""Some cases of a dataset as a dataset: the same files, what is recorded of them, nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from segmint.data.case import Provenance
from segmint.data.dataset import open_dataset
from segmint.data.excerpt import write_excerpt
from segmint.data.writer import DatasetWriter


def test_chosen_cases_are_copied_with_all_that_belongs_to_them(tmp_path: Path) -> None:
    made = Provenance("run", "c0ffee", 3, "recipe", labels_seen=(("study-0", "a"),))
    whole, part = tmp_path / "whole", tmp_path / "part"
    whole.mkdir()
    part.mkdir()
    writer = DatasetWriter(
        whole,
        name="pairs",
        channel_names=["T1", "T2"],
        label_names=["background", "organ"],
        file_ending=".nii.gz",
        licence="CC0-1.0",
        provenance=made,
        conditions={"halo": ["background", "halo"]},
    )
    generator = np.random.default_rng(0)
    for number in range(4):
        image = generator.uniform(0, 9, (2, 6, 5, 1)).astype(np.float32)
        label = generator.integers(0, 2, (6, 5, 1)).astype(np.uint8)
        writer.add(
            f"p{number}",
            image,
            label,
            subject=f"p{number}",
            spacing=(1, 1, 3),
            conditions={"halo": label},
            uncertainty=number / 4,
        )
    writer.finish()
    source = open_dataset(whole)
    write_excerpt(
        source, [source.cases[2], source.cases[0]], part, name="fewer", provenance=replace(made, stands_on=("whole",))
    )
    found = open_dataset(part)
    assert (found.name, found.licence, found.provenance) == ("fewer", "CC0-1.0", replace(made, stands_on=("whole",)))
    assert [case.id for case in found.cases] == ["p0", "p2"]
    assert [case.uncertainty for case in found.cases] == [0.0, 0.5]
    assert dict(found.conditions) == dict(source.conditions)
    for case in found.cases:
        for path in case.files:
            assert path.read_bytes() == (whole / path.relative_to(part)).read_bytes()
    files = sorted(str(path.relative_to(part)) for path in part.rglob("*") if path.is_file())
    assert len(files) == 2 * (2 + 1 + 1) + 2
