from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.errors import UserError
from segmint.evaluation.arms import parse_arm, parse_arms
from segmint.evaluation.cells import RESULT, Bench, Cell, is_finished, plan_cells, read_cell, run_cell
from segmint.evaluation.cost import measure_cost
from segmint.evaluation.regime import Regime
from segmint.evaluation.subject_metrics import METRICS, OF_COUNTS
from segmint.outputs import read_json, write_json
from segmint.training.precision import choose_hardware


def bench_with(train: Any, regime: Regime) -> Bench:
    return Bench(
        regime=regime, synthetic={}, segmenter="unet", settings={}, steps=10, batch=4, device="cpu", train=train
    )


def test_plan_goes_seed_by_seed_and_turns_through_the_synthetic_sets() -> None:
    cells = plan_cells(parse_arms("100R,100F"), seeds=3, synthetic_sets=2)
    assert [cell.name for cell in cells] == [
        "100R-seed0", "100F-seed0", "100R-seed1", "100F-seed1", "100R-seed2", "100F-seed2",
    ]  # fmt: skip
    assert [cell.synthetic for cell in cells] == [None, 0, None, 1, None, 0]


def test_trains_once_and_keeps_what_it_found(tmp_path: Path, regime: Regime, study: Any) -> None:
    train = study.stand_in(shift=lambda _share, seed: 0.1 * seed, curve=lambda share: share / 2)
    cell = Cell(parse_arm("100R+100A"), 1, None)
    first = run_cell(cell, tmp_path / cell.name, bench_with(train, regime))
    assert is_finished(tmp_path / cell.name)
    assert train.calls == [(2 * study.real_slices, 1)]
    assert first.curve[-1] == (40, 0.5)
    assert sorted(first.counts) == list(study.test)
    dice = np.array([first.dice(subject) for subject in study.test])
    assert dice.shape == (len(study.test), 2)
    assert 0.5 < dice.mean() < 1

    again = run_cell(cell, tmp_path / cell.name, bench_with(train, regime))
    assert len(train.calls) == 1
    assert again.curve == first.curve
    assert all(np.array_equal(again.counts[subject], first.counts[subject]) for subject in study.test)
    content = read_json(tmp_path / cell.name / RESULT)
    assert (content["arm"], content["seed"], content["slices"]) == ("100R+100A", 1, 30)
    assert min(content["seconds"], content["core_seconds"]) >= 0
    subject = study.test[0]
    assert set(content["metrics"][subject]) == {metric.name for metric in METRICS}
    for name, values in again.measured(subject).items():
        assert np.array_equal(values, first.measured(subject)[name], equal_nan=True)
    assert np.array_equal(again.measured(subject)["dice"], dice[0])
    assert (again.measured(subject)["hd95"] >= 0).all()


def test_a_cell_of_an_earlier_version_is_read(tmp_path: Path, regime: Regime, study: Any) -> None:
    cell, folder = Cell(parse_arm("100R"), 0, None), tmp_path / "cells" / "cell"
    now = run_cell(cell, folder, bench_with(study.stand_in(shift=lambda _share, _seed: 0.1), regime))
    content = read_json(folder / RESULT)
    for key in ("metrics", "core_seconds"):
        del content[key]
    write_json(folder / RESULT, content)
    old = run_cell(cell, folder, bench_with(None, regime))
    assert measure_cost(tmp_path) is None
    for subject in study.test:
        before, after = old.measured(subject), now.measured(subject)
        assert {name for name, values in before.items() if not np.isnan(values).all()} == set(OF_COUNTS)
        assert all(np.array_equal(before[name], after[name]) for name in OF_COUNTS)


def _other_subjects(content: dict[str, Any]) -> None:
    content["counts"] = {f"x{subject}": counts for subject, counts in content["counts"].items()}


def _a_subject_less(content: dict[str, Any]) -> None:
    del content["counts"][min(content["counts"])]


def _metrics_of_a_subject_less(content: dict[str, Any]) -> None:
    del content["metrics"][min(content["metrics"])]


def _no_counts(content: dict[str, Any]) -> None:
    del content["counts"]


def _no_curve(content: dict[str, Any]) -> None:
    del content["curve"]


def _other_kinds(content: dict[str, Any]) -> None:
    content["counts"] = {subject: "many" for subject in content["counts"]}


def _a_list_of_subjects(content: dict[str, Any]) -> None:
    content["counts"] = list(content["counts"])


def _a_label_less(content: dict[str, Any]) -> None:
    content["counts"] = {subject: counts[:-1] for subject, counts in content["counts"].items()}


def _metrics_of_a_label_less(content: dict[str, Any]) -> None:
    for metrics in content["metrics"].values():
        metrics["hd95"] = metrics["hd95"][:-1]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_other_subjects, r'"counts": subject \S+ is missing'),
        (_a_subject_less, r'"counts": subject \S+ is missing'),
        (_metrics_of_a_subject_less, r'"metrics": subject \S+ is missing'),
        (_no_counts, '"counts": field required'),
        (_no_curve, '"curve": field required'),
        (_other_kinds, r'"counts\.\S+": input should be a valid list'),
        (_a_list_of_subjects, '"counts": input should be a valid dictionary'),
        (_a_label_less, r'"counts\.\S+": 2 labels instead of 3'),
        (_metrics_of_a_label_less, r'"metrics\.\S+\.hd95": 1 labels instead of 2'),
    ],
)
def test_a_damaged_cell_is_named_and_says_how_to_mend_it(
    tmp_path: Path, regime: Regime, study: Any, damage: Any, said: str
) -> None:
    cell, folder = Cell(parse_arm("100R"), 0, None), tmp_path / "cell"
    run_cell(cell, folder, bench_with(study.stand_in(), regime))
    content = read_json(folder / RESULT)
    damage(content)
    write_json(folder / RESULT, content)
    with pytest.raises(UserError, match=said) as refused:
        run_cell(cell, folder, bench_with(None, regime))
    assert str(folder / RESULT) in str(refused.value)
    assert str(refused.value).endswith(f": remove {folder} and run the same command again.")


@pytest.mark.parametrize("text", ["[1, 2]", '{"counts": ', ""])
def test_a_cell_that_is_no_json_object_says_so_too(tmp_path: Path, regime: Regime, text: str) -> None:
    (tmp_path / RESULT).write_text(text)
    with pytest.raises(UserError, match=f"{RESULT}.*: remove {tmp_path} and run the same command again"):
        read_cell(Cell(parse_arm("100R"), 0, None), tmp_path, regime)


def test_a_cell_that_is_stopped_leaves_no_result(tmp_path: Path, regime: Regime, study: Any) -> None:
    train = study.stand_in()
    train.fail_at = 0
    with pytest.raises(KeyboardInterrupt):
        run_cell(Cell(parse_arm("100R"), 0, None), tmp_path / "cell", bench_with(train, regime))
    assert not is_finished(tmp_path / "cell")


def test_what_was_begun_on_other_hardware_is_trained_anew(tmp_path: Path, regime: Regime, study: Any) -> None:
    cell, folder, bench = Cell(parse_arm("100R"), 0, None), tmp_path / "cell", bench_with(study.stand_in(), regime)
    here = asdict(choose_hardware(device="cpu"))
    checkpoint = folder / "stages" / "00-segmenter" / "checkpoints" / "last.json"

    def begun(**hardware: Any) -> None:
        checkpoint.parent.mkdir(parents=True)
        checkpoint.touch()
        write_json(folder / "config.json", {"recipe": "unet", **here, **hardware})

    begun()
    run_cell(cell, folder, bench)
    assert checkpoint.is_file(), "where it is the same the training goes on"
    for other in ({"threads": 99}, {"instructions": "none"}, {"device": "cuda"}, {"precision": "float16"}):
        shutil.rmtree(folder)
        begun(**other)
        run_cell(cell, folder, bench)
        assert not checkpoint.exists(), other
        assert not (folder / "config.json").exists(), other
        assert is_finished(folder)
    for capacity, kept in (("full", True), ("small", False)):
        shutil.rmtree(folder)
        begun(capacity="full")
        run_cell(cell, folder, replace(bench, capacity=capacity))
        assert checkpoint.is_file() == kept
