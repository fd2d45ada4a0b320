"""A cell told of in JSON is the same cell."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.data.dataset import open_dataset
from segmint.data.slices import SliceSet
from segmint.errors import UserError
from segmint.evaluation.arm_pool import build_pool
from segmint.evaluation.arms import parse_arm
from segmint.evaluation.cells import Bench, Cell
from segmint.evaluation.jobs.cell_job import CellJob, read_cell_job
from segmint.evaluation.regime import Regime, choose_regime
from segmint.evaluation.synthetic_sets import open_synthetic_sets


def job_of(regime: Regime, arm: str, synthetic: Path | None, folder: Path, **options: Any) -> CellJob:
    sets, _ = open_synthetic_sets([synthetic], regime, [parse_arm(arm)]) if synthetic else ((), [])
    bench = Bench(
        regime=regime, synthetic=dict(enumerate(sets, start=3)), segmenter="unet", settings={"augment": "flips"}, steps=8, batch=4,
        preset="faithful", capacity="full", tolerance=2.5,
        device="cpu", train=lambda *_, **__: pytest.fail("not here"), threads=1, **options,
    )  # fmt: skip
    return CellJob(Cell(parse_arm(arm), 5, 3 if sets else None), folder, bench)


def told(job: CellJob) -> CellJob:
    return read_cell_job(json.loads(json.dumps(job.as_json())))


@pytest.mark.parametrize(
    "options", [{}, {"subset": "2"}, {"subset": "5-slices"}, {"real_slices": 7}, {"subset": "2", "real_slices": 4}]
)
def test_trains_on_the_same_pairs(tmp_path: Path, slices: SliceSet, study: Any, options: dict[str, Any]) -> None:
    regime = choose_regime(slices, study.split, **{"subset": None, "real_slices": None, **options})
    made = study.provenance(regime.dataset, labels_seen=regime.labelled, images_seen=regime.labelled)
    synthetic = study.write_synthetic(tmp_path / "pairs", made, pairs=study.real_slices)
    job = job_of(regime, "50R+100F+40A+60B", synthetic, tmp_path / "cell", repeat=2)
    again = told(job)
    assert again.cell == job.cell
    assert again.folder == job.folder
    for name in (
        "segmenter",
        "preset",
        "capacity",
        "tolerance",
        "settings",
        "steps",
        "batch",
        "device",
        "repeat",
        "threads",
    ):
        assert getattr(again.bench, name) == getattr(job.bench, name)
    here, there = job.bench.regime, again.bench.regime
    for part in ("training", "validation", "test"):
        assert getattr(here, part).tolist() == getattr(there, part).tolist()
    assert (here.split, here.labelled, here.reduced) == (there.split, there.labelled, there.reduced)
    pools = [
        build_pool(
            one.cell.arm,
            real=one.bench.regime.slices,
            indices=one.bench.regime.training,
            synthetic=one.bench.synthetic[3],
            seed=one.cell.seed,
            repeat=one.bench.repeat,
        )
        for one in (job, again)
    ]
    everything = np.arange(len(pools[0]))
    for mine, theirs in zip(pools[0].read(everything), pools[1].read(everything), strict=True):
        assert np.array_equal(mine, theirs)


def test_an_arm_that_the_gate_chose_is_told_by_its_shares(tmp_path: Path, regime: Regime, synthetic: Path) -> None:
    job = job_of(regime, "100R+100F", synthetic, tmp_path / "cell")
    gated = replace(job, cell=replace(job.cell, arm=replace(job.cell.arm, gated=True)))
    assert told(gated).cell.arm == job.cell.arm


def test_a_set_that_saw_a_test_subject_is_refused_where_the_cell_runs_too(
    tmp_path: Path, regime: Regime, real: Path, study: Any
) -> None:
    made = study.provenance(open_dataset(real))
    pairs = study.write_synthetic(tmp_path / "pairs", made, pairs=15)
    content = job_of(regime, "100F", pairs, tmp_path / "cell").as_json()
    (tmp_path / "pairs").rename(tmp_path / "honest")
    leaked = study.provenance(open_dataset(real), images_seen=study.test[:1])
    study.write_synthetic(tmp_path / "pairs", leaked, pairs=15)
    with pytest.raises(UserError, match=r'100F refuses .* the test subject "c00"'):
        read_cell_job(content)


def test_a_dataset_that_was_changed_meanwhile_is_refused(tmp_path: Path, study: Any) -> None:
    from segmint.data.slices import open_slices

    real = study.write_real(tmp_path / "real")
    regime = choose_regime(open_slices(open_dataset(real), size=16), study.split, subset=None, real_slices=None)
    content = job_of(regime, "100R", None, tmp_path / "cell").as_json()
    image = next((real / "imagesTr").iterdir())
    image.write_bytes(image.read_bytes() + b"\0")
    with pytest.raises(UserError, match="was changed since the trial began"):
        read_cell_job(content)
