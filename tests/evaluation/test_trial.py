from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.data.dataset import open_dataset
from segmint.errors import UserError
from segmint.evaluation.design import Design, design_trial
from segmint.evaluation.trial import conduct, trial

ARMS = ("100R", "100R+300F")


def designed(real: Path, synthetic: list[Path], **options: Any) -> Design:
    chosen: dict[str, Any] = {
        "size": 16, "axis": None, "arms": ARMS, "seeds": 3, "steps": 20, "batch": 4, "segmenter": "unet",
        "subset": None, "real_slices": None, "device": "cpu", "demonstration": False,
    }  # fmt: skip
    return design_trial(real, synthetic, **{**chosen, **options})


def concluded(out: Path, design: Design, train: Any, *, overwrite: bool = False) -> dict[str, Any]:
    conduct(design, out, overwrite=overwrite, device="cpu", progress=False, train=train)
    content: dict[str, Any] = json.loads((out / "trial.json").read_text())
    return content


@pytest.mark.parametrize(
    ("shift", "kind"),
    [
        (lambda share, seed: 0.15 + 0.02 * seed - 0.15 * share, "helps"),
        (lambda share, seed: 0.02 * seed + 0.2 * share, "harms"),
        (lambda share, seed: 0.1 + (0.02 * (-1) ** seed if share else 0.0), "inconclusive"),
    ],
)
def test_verdict_follows_from_how_well_the_arms_do(
    tmp_path: Path, real: Path, synthetic: Path, study: Any, shift: Any, kind: str
) -> None:
    content = concluded(tmp_path / "trial", designed(real, [synthetic]), study.stand_in(shift))
    assert content["verdict"]["kind"] == kind
    assert "conditional on one synthetic set" in content["verdict"]["sentence"]
    assert content["primary"]["subjects"] == len(study.test)
    low, high = content["primary"]["interval"]
    assert low < content["primary"]["difference"] < high
    assert content["converged"] is True
    assert content["test_subjects"] == list(study.test)
    assert len(content["scores"]) == 2 * 3 * len(study.test) * 2
    assert {name: len(curves) for name, curves in content["curves"].items()} == {name: 3 for name in ARMS}
    means = [
        np.mean([score["dice"] for score in content["scores"] if score["arm"] == arm["name"]])
        for arm in content["arms"]
    ]
    assert [arm["mean"] for arm in content["arms"]] == pytest.approx(means)
    dice, hd95 = content["metrics"]["dice"]["arms"], content["metrics"]["hd95"]["arms"]
    assert [dice[arm["name"]]["interval"] for arm in content["arms"]] == [arm["interval"] for arm in content["arms"]]
    assert {one["subjects"] for one in (*dice.values(), *hd95.values())} == {len(study.test)}
    better, worse = sorted(content["arms"], key=lambda arm: -float(arm["mean"]))
    assert hd95[better["name"]]["mean"] < hd95[worse["name"]]["mean"]


@pytest.mark.parametrize(("runs", "over"), [("aabb", "generators"), ("aaaa", "sets")])
def test_sets_of_one_generator_do_not_pass_for_several(
    tmp_path: Path, real: Path, study: Any, runs: str, over: str
) -> None:
    """Pairs of one generator help more than those of the other: four sets tell no more of generators than two of them do."""
    dataset, sets = open_dataset(real), []
    for number, run in enumerate(runs):
        made = study.provenance(dataset, run=run, checkpoint=f"of {run}", seed=number)
        sets.append(study.write_synthetic(tmp_path / f"set{number}", made, pairs=study.real_slices, seed=number))
    train = study.stand_in(lambda share, seed: 0.15 - ((0.03, 0.03, 0.08, 0.08)[seed] if share else 0.0))
    design = designed(real, sets, seeds=4, arms=("100R", "100R+100F"))
    content = concluded(tmp_path / "trial", design, train)
    assert any(note.endswith(f"the intervals of arms with F are over {over}.") for note in content["notes"])
    low, high = content["primary"]["interval"]
    if over == "sets":
        assert content["verdict"]["kind"] == "helps"
        assert "conditional on one generator" in content["verdict"]["sentence"]
    else:
        # Student's t of 1 degree of freedom.
        assert low < 0 < high
        assert "over 2 generators, so few" in content["verdict"]["sentence"]


def test_rising_learning_curve_forbids_a_verdict(tmp_path: Path, real: Path, synthetic: Path, study: Any) -> None:
    train = study.stand_in(lambda share, _seed: 0.15 - 0.15 * share, curve=lambda share: 0.3 + 0.4 * share)
    content = concluded(tmp_path / "trial", designed(real, [synthetic]), train)
    assert content["verdict"]["kind"] == "not converged"
    assert content["converged"] is False
    assert content["convergence_gain_points"] == pytest.approx(8)
    assert content["primary"]["difference"] > 0


def test_an_arm_with_pairs_that_is_still_learning_forbids_a_verdict_too(
    tmp_path: Path, real: Path, synthetic: Path, study: Any
) -> None:
    def good(share: float, _seed: int) -> float:
        return 0.15 - 0.15 * share

    design = designed(real, [synthetic], arms=("100R", "100F", "100R+300F"))
    content = concluded(tmp_path / "one", design, study.stand_in(good, with_pairs=lambda share: 0.3 + 0.4 * share))
    assert content["verdict"]["kind"] == "not converged"
    assert "validation Dice of 100R+300F still gained 8.0 points" in content["verdict"]["sentence"]
    assert (content["converged"], content["convergence_gain_points"]) == (False, pytest.approx(0))
    assert {name: (one["converged"], one["judged"]) for name, one in content["convergence"].items()} == {
        "100R": (True, True),
        "100F": (False, False),
        "100R+300F": (False, True),
    }
    assert content["convergence"]["100R+300F"]["gain_points"] == pytest.approx(8)
    rows = list(csv.DictReader((tmp_path / "one" / "trial.csv").read_text().splitlines()))
    assert [float(row["convergence_gain_points"]) for row in rows] == pytest.approx([0, 8, 8])

    unmeasured = study.stand_in(good, with_pairs=lambda _share: float("nan"))
    content = concluded(tmp_path / "two", designed(real, [synthetic]), unmeasured)
    assert content["converged"] is None
    assert content["convergence"]["100R+300F"] == {"gain_points": None, "converged": None, "judged": True}
    assert any(note.startswith("Validation Dice of 100R+300F was measured too seldom") for note in content["notes"])


def test_the_verdict_names_augmentation_and_rivals_without_a_generator(
    tmp_path: Path, real: Path, synthetic: Path, study: Any
) -> None:
    def good(share: float, seed: int) -> float:
        return 0.15 + 0.02 * seed - 0.15 * share

    arms = ("100R", "100R+300F", "100R+300A", "100R+100F+100A")
    content = concluded(tmp_path / "one", designed(real, [synthetic], arms=arms), study.stand_in(good))
    assert content["verdict"]["kind"] == "helps"
    assert content["verdict"]["sentence"].endswith("beside 100R were flipped or repeated real slices (100R+300A).")
    augmented = designed(real, [synthetic], augment=("flips",))
    content = concluded(tmp_path / "two", augmented, study.stand_in(good))
    assert "augmentation of all arms: flips), conditional on one synthetic set." in content["verdict"]["sentence"]


def test_a_damaged_cell_stops_the_trial_before_others_are_trained(
    tmp_path: Path, real: Path, synthetic: Path, study: Any
) -> None:
    out, design = tmp_path / "trial", designed(real, [synthetic])
    stopped = study.stand_in()
    stopped.fail_at = 3
    with pytest.raises(KeyboardInterrupt):
        concluded(out, design, stopped)
    last = out / "cells" / "100R-seed1" / "result.json"
    last.write_text(json.dumps(json.loads(last.read_text()) | {"counts": {"someone": [[1, 0, 0]] * 3}}))
    rest = study.stand_in()
    with pytest.raises(
        UserError, match=r"100R-seed1/result\.json .*: remove \S+100R-seed1 and run the same command again"
    ):
        concluded(out, design, rest)
    assert not rest.calls
    shutil.rmtree(last.parent)
    assert concluded(out, design, rest)["verdict"]
    assert len(rest.calls) == 4


def test_stopped_trial_goes_on_and_another_is_refused(tmp_path: Path, real: Path, synthetic: Path, study: Any) -> None:
    out, design = tmp_path / "trial", designed(real, [synthetic])
    stopped = study.stand_in()
    stopped.fail_at = 3
    with pytest.raises(KeyboardInterrupt):
        concluded(out, design, stopped)
    assert not (out / "trial.json").exists()
    assert len(list((out / "cells").glob("*/result.json"))) == 3

    rest = study.stand_in()
    content = concluded(out, design, rest)
    assert rest.calls == [(60, 1), (15, 2), (60, 2)]
    assert content == concluded(tmp_path / "undisturbed", design, study.stand_in())

    with pytest.raises(UserError, match="seeds: 3 there, 4 now"):
        concluded(out, designed(real, [synthetic], seeds=4), study.stand_in())
    assert concluded(out, designed(real, [synthetic], seeds=4), study.stand_in(), overwrite=True)["seeds"] == 4


def test_the_primary_arm_is_chosen_beforehand_and_kept(tmp_path: Path, real: Path, synthetic: Path, study: Any) -> None:
    train = study.stand_in(lambda share, seed: 0.15 + 0.02 * seed - 0.15 * share)
    arms, out = "100R,100R+{100,200}F,100F", tmp_path / "trial"
    content = concluded(out, designed(real, [synthetic], arms=arms, primary="100R+200F"), train)
    assert content["primary"]["comparison"] == "100R+200F minus 100R"
    assert content["verdict"]["kind"] == "helps"
    assert json.loads((out / "settings.json").read_text())["primary"] == "100R+200F"
    with pytest.raises(UserError, match=r"primary: 100R\+200F there, 100R\+100F now"):
        concluded(out, designed(real, [synthetic], arms=arms, primary="100R+100F"), train)


def test_a_mixture_without_a_primary_arm_is_described(tmp_path: Path, real: Path, synthetic: Path, study: Any) -> None:
    content = concluded(tmp_path / "trial", designed(real, [synthetic], arms="100R,100R+{100,200}F"), study.stand_in())
    assert content["primary"] is None
    assert content["verdict"]["kind"] == "descriptive"
    assert content["verdict"]["sentence"] == (
        "Descriptive, no verdict, as none of 100R+100F, 100R+200F was named with --primary before the trial: each comparison with"
        " 100R is secondary, and its p value adjusted for their number."
    )
    assert all(arm["wilcoxon"]["p_holm"] is not None for arm in content["arms"][1:])
    assert content["notes"]


def test_every_segmenter_has_the_preset_and_width_of_the_trial(
    tmp_path: Path, real: Path, synthetic: Path, study: Any
) -> None:
    train = study.stand_in()
    chosen = designed(real, [synthetic], seeds=1, segmenter_preset="faithful", segmenter_capacity="full")
    content = concluded(tmp_path / "trial", chosen, train)
    assert set(train.widths) == {("faithful", "full")}
    assert (content["segmenter_preset"], content["segmenter_capacity"]) == ("faithful", "full")
    with pytest.raises(UserError, match="segmenter capacity: full there, small now"):
        concluded(tmp_path / "trial", designed(real, [synthetic], seeds=1, segmenter_preset="faithful"), train)


def test_the_surface_dice_has_the_tolerance_asked_for(tmp_path: Path, real: Path, study: Any) -> None:
    found = {}
    for tolerance in (None, 0.0, 5.0):
        design = designed(real, [], arms="100R", seeds=1, surface_tolerance=tolerance)
        out = tmp_path / f"trial{tolerance}"
        found[tolerance] = concluded(out, design, study.stand_in(lambda _share, _seed: 0.1))
        assert found[tolerance]["surface_tolerance"] == tolerance
        assert json.loads((out / "settings.json").read_text())["surface_tolerance"] == tolerance
    measured = {tolerance: one["metrics"]["nsd"] for tolerance, one in found.items()}
    assert [one["tolerance"] for one in measured.values()] == [1.0, 0.0, 5.0]
    means = {tolerance: one["arms"]["100R"]["mean"] for tolerance, one in measured.items()}
    assert means[0.0] < means[None] <= means[5.0]
    assert found[0.0]["metrics"]["hd95"] == found[5.0]["metrics"]["hd95"]


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"arms": "100R"}, "--folds 5 would test each of them once"),
        ({"arms": "100R", "subset": "2"}, "--folds 5 without --subset would test each of them once"),
        ({}, "--folds 5 with --recipe NAME in the place of the synthetic datasets would test each of them once"),
    ],
)
def test_every_trial_of_few_subjects_says_how_to_test_more(
    tmp_path: Path, real: Path, synthetic: Path, study: Any, options: dict[str, Any], advice: str
) -> None:
    design = designed(real, [] if options else [synthetic], seeds=1, **options)
    train = study.stand_in()
    content = concluded(tmp_path / "trial", design, train)
    assert f"Only 16 of 23 subjects are tested: {advice}." in content["notes"]


def test_several_sets_take_turns(tmp_path: Path, real: Path, synthetic: Path, study: Any) -> None:
    made = study.provenance(open_dataset(real), run="run2", checkpoint="d00d")
    second = study.write_synthetic(tmp_path / "second", made, pairs=45, seed=8)
    design = designed(real, [synthetic, second], seeds=4)
    content = concluded(tmp_path / "trial", design, study.stand_in(lambda share, seed: 0.1 * share * (seed % 2)))
    assert "over 2 generators, so few that the interval is wide where they differ" in content["verdict"]["sentence"]
    assert len(content["synthetic"]) == 2
    cells = [
        json.loads((tmp_path / "trial" / "cells" / f"100R+300F-seed{k}" / "result.json").read_text()) for k in range(4)
    ]
    assert [cell["synthetic_set"] for cell in cells] == [0, 1, 0, 1]


def test_trial_with_real_segmenters(tmp_path: Path, real: Path, synthetic: Path) -> None:
    out = trial(
        real, synthetic, out=tmp_path / "trial", size=16, arms=("100R", "100F", "100R+300F"), seeds=1, steps=20,
        batch=4, device="cpu", demonstration=True, progress=False,
    )  # fmt: skip
    content = json.loads((out / "trial.json").read_text())
    assert content["verdict"]["sentence"].startswith("A demonstration, not evidence: ")
    assert all(0 <= arm["mean"] <= 1 for arm in content["arms"])
    assert {curve[-1][0] for curves in content["curves"].values() for curve in curves} == {80}
    rows = list(csv.DictReader((out / "trial.csv").open()))
    assert [row["arm"] for row in rows] == ["100R", "100F", "100R+300F"]
    assert float(rows[0]["dice"]) == pytest.approx(content["arms"][0]["mean"], abs=1e-6)
    before = (out / "trial.json").read_text()
    trial(
        real, synthetic, out=out, size=16, arms="100R,100F,100R+300F", seeds=1, steps=20, batch=4, device="cpu",
        demonstration=True, progress=False,
    )  # fmt: skip
    assert (out / "trial.json").read_text() == before


def test_shows_its_table(
    tmp_path: Path, real: Path, synthetic: Path, study: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    conduct(
        designed(real, [synthetic]),
        tmp_path / "trial",
        overwrite=False,
        device="cpu",
        progress=True,
        train=study.stand_in(),
    )
    shown = capsys.readouterr()
    assert "100R+300F" in shown.out
    assert "points" in shown.out
    assert "cell 6/6" in shown.err


def test_wrong_input_leaves_no_folder(tmp_path: Path, real: Path) -> None:
    with pytest.raises(UserError, match="needs synthetic pairs"):
        trial(real, out=tmp_path / "trial", device="cpu", progress=False)
    assert not (tmp_path / "trial").exists()


@pytest.mark.slow
def test_killed_and_gone_on_with_it_ends_as_if_undisturbed(tmp_path: Path, real: Path, synthetic: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from segmint import trial\n"
        f"trial(Path({str(real)!r}), Path({str(synthetic)!r}), out=Path(sys.argv[1]), size=16,"
        " arms=['100R', '100R+300F'], seeds=2, steps=60, batch=4, device='cpu', progress=False)"
    )

    def start(out: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", code, str(out)], env={**os.environ, "OMP_NUM_THREADS": "1"})

    assert start(tmp_path / "whole").wait() == 0
    out = tmp_path / "killed"
    for cells in (1, 2):
        process = start(out)
        while len(list(out.glob("cells/*/log.jsonl"))) < cells and process.poll() is None:
            time.sleep(0.02)
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (out / "trial.json").exists()
    assert start(out).wait() == 0
    assert (out / "trial.json").read_text() == (tmp_path / "whole" / "trial.json").read_text()
