"""The whole road on real volumes, briefly: the way is tested, not what comes out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from segmint.data.dataset import open_dataset
from segmint.outputs import read_json
from segmint.workflow.run import run_workflow


@pytest.mark.slow
def test_hippocampus_volumes_from_dataset_to_report(
    real_data: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMINT_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "out"
    report = run_workflow(
        real_data("msd-hippocampus"),
        out=out,
        size=64,
        kimg=0.064,
        batch=8,
        arms=["100R", "100F"],
        seeds=1,
        steps=4,
        device="cpu",
        threads=1,
        progress=False,
    )
    assert report.stat().st_size > 10_000
    synthetic = open_dataset(out / "synthetic")
    assert synthetic.file_ending == ".nii.gz"
    assert synthetic.label_names == ("background", "anterior", "posterior")
    # Single slices, in the scanner's units, with its spacing.
    assert 1 in synthetic.format.geometry(synthetic.cases[0].image_paths[0]).shape
    assert synthetic.read_image(synthetic.cases[0]).max() > 10
    trial = read_json(out / "trial" / "trial.json")
    assert len(trial["test_subjects"]) >= 15
    assert {subject for _, subject in read_json(out / "run" / "config.json")["labels_seen"]}.isdisjoint(
        trial["test_subjects"]
    )
