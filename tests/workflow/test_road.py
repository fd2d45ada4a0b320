"""What a workflow refuses before it spends hours, and the order of its steps."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.cli.main import main
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.evaluation.gate import GateOrders
from segmint.evaluation.jobs.executor import JobsFailed
from segmint.outputs import read_json
from segmint.workflow.demo import BUDGETS, demo
from segmint.workflow.road import Road, refuse_problems
from segmint.workflow.run import run_workflow


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Twelve slices of six subjects, small enough to train on in seconds."""
    random = np.random.default_rng(0)
    folder = tmp_path / "dots"
    folder.mkdir()
    writer = DatasetWriter(
        folder, name="dots", channel_names=("grey",), label_names=("background", "dot"), file_ending=".png"
    )
    for number in range(12):
        label = np.zeros((32, 32), np.uint8)
        top, left = random.integers(2, 20, 2)
        label[top : top + 8, left : left + 8] = 1
        image = (60 + 120 * label + random.normal(0, 10, label.shape)).clip(0, 255).astype(np.uint8)
        writer.add(f"dot{number:02d}", image[None], label, subject=f"s{number // 2}")
    writer.finish()
    return folder


def test_problems_stop_the_road_before_training(dataset: Path, tmp_path: Path) -> None:
    broken = next((dataset / "imagesTr").iterdir())
    broken.write_bytes(broken.read_bytes()[:50])
    with pytest.raises(UserError, match=broken.name):
        run_workflow(dataset, out=tmp_path / "out", progress=False)
    assert not (tmp_path / "out" / "run").exists()


def test_further_problems_are_counted() -> None:
    with pytest.raises(UserError, match=r"first is bad \(2 more: segmint data inspect d\)\."):
        refuse_problems({"problems": ["first is bad.", "b", "c"]}, Path("d"))
    refuse_problems({"problems": []}, Path("d"))


def test_arms_without_synthetic_pairs_need_no_generator(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--arms"):
        run_workflow(dataset, out=tmp_path / "out", arms=["100R", "100R+100A"], progress=False)


def test_bad_arms_and_budgets_leave_nothing_behind(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not an arm"):
        run_workflow(dataset, out=tmp_path / "out", arms=["100X"], progress=False)
    with pytest.raises(UserError, match="tiny, small, full"):
        demo(tmp_path / "out", budget="huge")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cluster", "pbs"], "--cluster pbs is unknown: slurm"),
        (["--cluster-set", "cpus=2"], "--cluster-set cpus: it is for a cluster: give --cluster slurm"),
        (["--cluster", "slurm", "--processes", "2"], "leave one of them out"),
        (["--cluster", "slurm", "--cluster-set", "colour=red"], "--cluster-set colour=red: choose among"),
        (["--cluster", "slurm", "--cluster-set", "colour"], "--cluster-set colour: write it as key=value"),
        (["--processes", "0"], "--processes 0: at least one"),
    ],
)
def test_places_that_do_not_fit_one_another_leave_nothing_behind(
    words: list[str], said: str, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(dataset), "--out", str(tmp_path / "out"), *words]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in tmp_path.iterdir()] == [dataset.name]


def test_jobs_that_failed_are_done_with_resume(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise JobsFailed(["100F, seed 0: the machine was switched off"])

    monkeypatch.setattr(Road, "_train", fail)
    assert main(["run", str(dataset), "--out", str(tmp_path / "out"), "--size", "32"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "switched off); the rest is kept, and the same command with --resume does what is missing." in said
    assert main(["run", str(dataset), "--out", str(tmp_path / "out"), "--size", "32"]) == 2
    assert "--resume" in capsys.readouterr().err


def test_every_budget_fits_the_command_line_and_the_primary_comparison() -> None:
    assert list(BUDGETS) == ["tiny", "small", "full"]
    for budget in BUDGETS.values():
        assert {"100R", "100F", "100R+300F"} <= set(budget.arms)
        assert budget.subjects >= 3
    assert (len(BUDGETS["small"].arms), BUDGETS["small"].seeds) == (3, 2)


@pytest.mark.slow
def test_the_whole_road_and_its_resumption(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEGMINT_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "out"
    call: dict[str, Any] = {
        "out": out,
        "size": 32,
        "kimg": 0.064,
        "batch": 8,
        "arms": ["100R", "100F", "100R+300F"],
        "seeds": 1,
        "steps": 4,
        "trial_batch": 4,
        "device": "cpu",
        "threads": 1,
    }
    before = sorted(dataset.rglob("*"))
    report = run_workflow(dataset, **call)
    assert sorted(dataset.rglob("*")) == before, "the user's dataset was written to"
    steps = read_json(out / "steps.json")
    names = ["inspection.json", "run", "synthetic", "evaluation", "trial", "report.html"]
    assert [step["folder"] for step in steps["steps"]] == names
    assert all((out / name).exists() for name in names)
    assert "has a label map" in steps["why"]
    assert read_json(out / "evaluation" / "evaluation.json")["alignment"]["segmenter"]["steps"] == call["steps"]
    assert 'alt="Synthetic images, with their masks' in report.read_text(encoding="utf-8")
    assert "has a label map" in report.read_text(encoding="utf-8")
    trial = read_json(out / "trial" / "trial.json")
    assert trial["arms"][2]["synthetic_slices"] == 3 * trial["arms"][0]["real_slices"]
    assert set(trial["test_subjects"]) == set(read_json(out / "run" / "config.json")["split"]["test"])

    written = {path: path.stat().st_mtime_ns for path in (out / "run").rglob("*.safetensors")}
    (out / "trial" / "trial.json").unlink()
    report.unlink()
    capsys.readouterr()
    assert run_workflow(dataset, **call, resume=True).is_file()
    assert capsys.readouterr().err.count("done before") == 3
    assert {path: path.stat().st_mtime_ns for path in (out / "run").rglob("*.safetensors")} == written
    assert read_json(out / "trial" / "trial.json") == trial
    with pytest.raises(UserError, match="was begun with seed 0"):
        run_workflow(dataset, **call, seed=1, resume=True)


@pytest.mark.slow
def test_the_gate_on_the_road_and_the_command_that_does_the_same(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMINT_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "out"
    run_workflow(
        dataset,
        out=out,
        size=32,
        kimg=0.064,
        batch=8,
        settings={"augmentation": "none"},
        arms=["100R", "100F"],
        seeds=1,
        steps=4,
        trial_batch=4,
        alignment=False,
        gate=GateOrders(shares=(200,), seeds=1),
        device="cpu",
        threads=1,
        progress=False,
    )
    trial = read_json(out / "trial" / "trial.json")
    assert [arm["name"] for arm in trial["arms"]] == ["100R", "100F", "gate"]
    assert not (out / "trial" / "generators").exists(), "the run's own pairs are used"
    # Half as many again as the share, in case the gate takes curated ones.
    assert read_json(out / "synthetic" / "dataset.json")["numTraining"] == 3 * trial["arms"][0]["real_slices"]
    assert trial["gate"]["subjects"] == 4
    assert "The gate" in (out / "report.html").read_text(encoding="utf-8")
    (line,) = (step["command"] for step in read_json(out / "steps.json")["steps"] if step["folder"] == "trial")
    words = shlex.split(line)[1:]
    words[words.index("--out") + 1] = str(tmp_path / "again")
    assert main(words) == 0
    assert read_json(tmp_path / "again" / "trial.json") == trial


@pytest.mark.slow
def test_the_tiny_demonstration_says_that_it_is_no_evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMINT_CACHE", str(tmp_path / "cache"))
    report = demo(tmp_path / "demo", budget="tiny", device="cpu", progress=False)
    text = report.read_text(encoding="utf-8")
    assert "A demonstration, not evidence." in text
    assert "segmint data phantom brain" in text
    assert read_json(tmp_path / "demo" / "trial" / "trial.json")["demonstration"] is True


@pytest.mark.slow
def test_curated_pairs_on_the_road(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMINT_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "out"
    call: dict[str, Any] = {
        "out": out,
        "size": 32,
        "kimg": 0.064,
        "batch": 8,
        "arms": ["100R", "100F"],
        "seeds": 1,
        "steps": 4,
        "trial_batch": 4,
        "alignment": False,
        "fidelity": False,
        "privacy": False,
        "curate": True,
        "device": "cpu",
        "threads": 1,
        "progress": False,
    }
    report = run_workflow(dataset, **call)
    steps = read_json(out / "steps.json")["steps"]
    names = ["inspection.json", "run", "drawn", "synthetic", "evaluation", "trial", "report.html"]
    assert [step["folder"] for step in steps] == names
    # What stands there to be typed does what was done.
    words = shlex.split(steps[3]["command"])[1:]
    assert main([*words, "--overwrite"]) == 0
    drawn, kept = (read_json(out / name / "segmint.json") for name in ("drawn", "synthetic"))
    needed = read_json(out / "trial" / "trial.json")["arms"][0]["real_slices"]
    assert len(drawn["cases"]) == -(-3 * needed // 2)
    assert needed <= len(kept["cases"]) <= len(drawn["cases"])
    assert read_json(out / "evaluation" / "evaluation.json")["synthetic"]["slices"] == len(kept["cases"])
    assert '<section id="curation">' in report.read_text(encoding="utf-8")
    report.unlink()
    assert run_workflow(dataset, **call, resume=True).is_file()
