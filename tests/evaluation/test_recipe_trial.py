from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tests.evaluation.recipe_trials import conducted, prepared

import segmint
from segmint.data.dataset import open_dataset
from segmint.data.pool import PairPool
from segmint.errors import UserError
from segmint.evaluation.arms import parse_arms
from segmint.evaluation.gate import GateOrders
from segmint.evaluation.generator import GeneratorOrders
from segmint.evaluation.trial import trial


def test_the_gate_adds_pairs_that_help(tmp_path: Path, real: Path, study: Any) -> None:
    draw, train = study.draws(), study.stand_in(lambda share, seed: 0.2 + 0.01 * seed - 0.2 * share)
    content = conducted(tmp_path / "trial", prepared(real, draw, train))
    assert content["gate"]["chosen"] == "100R+300F", "300F spoils less than 100F"
    assert content["gate"]["subjects"] == len(study.train)
    assert "converged" not in content["gate"]["sentence"]
    assert content["gate"]["convergence"]["100R+300F"] == {
        "gain_points": pytest.approx(0),
        "converged": True,
        "judged": True,
    }
    assert "Only 16 of 23 subjects are tested: --folds 5 would test each of them once." in content["notes"]
    assert [arm["name"] for arm in content["arms"]] == ["100R", "gate"]
    gated = content["arms"][1]
    assert (gated["real_slices"], gated["synthetic_slices"]) == (study.real_slices, 3 * study.real_slices)
    assert content["primary"]["comparison"] == "gate minus 100R"
    assert content["verdict"]["kind"] == "helps"
    assert "The gate chose 100R+300F of 2 shares" in content["verdict"]["sentence"]
    *inner, (split, seed, pairs, folder) = draw.calls
    assert (split, seed, pairs) == (study.split, 0, 3 * study.real_slices)
    assert folder == tmp_path / "trial" / "generators" / "seed0"
    for one, _, enough, _ in inner:
        assert not {*one.train, *one.validation} & set(study.test), "inner generators see training subjects alone"
        assert set(study.test) <= set(one.test), (
            "and no image of a subject that is tested later, with labels or without"
        )
        assert enough == 3 * len(one.train) * study.depth


def test_the_gate_keeps_subjects_who_share_images_on_one_side(tmp_path: Path, study: Any) -> None:
    """The trial itself takes such training and validation subjects, with a note; so does the gate."""
    (first, second, *_), (chooser, *_) = study.train, study.validation
    shared = study.write_real(tmp_path / "real", copied={second: first, chooser: study.train[2]})
    draw, train = study.draws(), study.stand_in(lambda share, seed: 0.2 + 0.01 * seed - 0.2 * share)
    content = conducted(tmp_path / "trial", prepared(shared, draw, train, gate=GateOrders((100,), filters=("all",))))
    assert content["gate"]["chosen"] == "100R+100F"
    assert any(note.startswith("Validation subjects, who choose the checkpoints, have") for note in content["notes"])
    for split, *_ in draw.calls:
        assert len({first, second} & set(split.train)) in (0, 2)


def test_another_arm_than_the_gates_may_give_the_verdict(tmp_path: Path, real: Path, study: Any) -> None:
    arms = parse_arms("100R,100R+100F,gate", gate=True)
    train = study.stand_in(lambda share, seed: 0.001 * seed + 0.4 * share)
    one = prepared(real, study.draws(), train, arms=arms, primary="100R+100F")
    content = conducted(tmp_path / "trial", one)
    assert content["primary"]["comparison"] == "100R+100F minus 100R"
    assert content["gate"]["chosen"] == "100R"
    assert content["verdict"]["kind"] == "harms"
    assert "gate" not in content["verdict"]["sentence"]
    assert one.settings(one.resolved())["primary"] == "100R+100F"


def test_the_gate_leaves_out_pairs_that_harm(tmp_path: Path, real: Path, study: Any) -> None:
    draw, train = study.draws(), study.stand_in(lambda share, seed: 0.02 * seed + 0.3 * share)
    content = conducted(tmp_path / "trial", prepared(real, draw, train))
    assert content["gate"]["chosen"] == "100R"
    assert content["verdict"]["kind"] == "none added"
    assert content["verdict"]["sentence"].startswith("The gate added no synthetic pairs: of 2 shares, ")
    real_arm, gated = content["arms"]
    assert gated["mean"] == real_arm["mean"]
    assert gated["synthetic_slices"] == 0
    assert content["primary"]["difference"] == 0
    assert len(draw.calls) == 2, "no generator is trained for pairs that no arm uses"


def test_other_arms_keep_their_pairs(tmp_path: Path, real: Path, study: Any) -> None:
    draw, train = study.draws(), study.stand_in(lambda share, seed: 0.02 * seed + 0.3 * share)
    one = prepared(real, draw, train, arms=parse_arms("100R,100F,gate,100R+100F", gate=True), generator_seeds=2)
    content = conducted(tmp_path / "trial", one)
    assert [arm["name"] for arm in content["arms"]] == ["100R", "100F", "gate", "100R+100F"]
    assert [call[1] for call in draw.calls[2:]] == [0, 1]
    assert len(content["synthetic"]) == 2


def test_given_pairs_serve_the_arms_and_generators_the_gate(
    tmp_path: Path, real: Path, synthetic: Path, study: Any
) -> None:
    draw, train = study.draws(), study.stand_in(lambda share, seed: 0.2 + 0.01 * seed - 0.2 * share)
    content = conducted(tmp_path / "trial", prepared(real, draw, train, given=(synthetic,)))
    assert content["gate"]["chosen"] == "100R+300F"
    assert [one["path"] for one in content["synthetic"]] == [str(synthetic.resolve())]
    assert len(draw.calls) == 2, "one generator a fold, none beside them"
    assert any("--folds 5 with --recipe NAME in the place of the synthetic" in note for note in content["notes"])
    few = study.write_synthetic(tmp_path / "few", study.provenance(open_dataset(real)), pairs=study.real_slices)
    with pytest.raises(UserError, match="holds 15 pairs, but the arm 100R\\+300F needs 45"):
        prepared(real, draw, train, given=(few,)).conduct(tmp_path / "other", overwrite=False)
    assert not (tmp_path / "other").exists()


def curated_alone_help(study: Any) -> Any:
    """A trainer to which pairs as drawn do harm and curated ones good."""

    class Trainer(study.stand_in):  # type: ignore[misc]
        def __call__(self, recipe: str, pool: PairPool, validation: PairPool, **options: Any) -> Any:
            curated = any(part.slices.dataset.root.name == "curated" for part in pool.parts)
            self.shift = lambda share, seed: 0.2 + 0.01 * seed + (-0.2 if curated else 0.2) * share
            return super().__call__(recipe, pool, validation, **options)

    return Trainer()


@pytest.mark.parametrize("dropped", [None, 0])
def test_curated_pairs_that_are_all_pairs_are_looked_at_once(
    tmp_path: Path, real: Path, study: Any, dropped: int | None
) -> None:
    class Keeps(study.draws):  # type: ignore[misc]
        def __call__(self, *given: Any, folder: Path, **options: Any) -> None:
            super().__call__(*given, folder=folder, **options)
            if (folder / "curated").exists():
                pairs = [{"pair": str(i), "kept": i != dropped} for i in range(200)]
                (folder / "curated" / "curation.json").write_text(json.dumps({"pairs": pairs}))

    train = study.stand_in(lambda share, seed: 0.02 * seed + 0.3 * share)
    content = conducted(tmp_path / "trial", prepared(real, Keeps(), train, gate=GateOrders((100,))))
    looked = [one["arm"] for one in content["gate"]["candidates"]]
    told = "curation dropped none of the pairs of 100R+100C"
    if dropped is None:
        assert (looked, content["gate"]["unchanged"]) == (["100R+100F"], ["100R+100C"])
        assert told in content["gate"]["sentence"]
    else:
        assert (looked, content["gate"]["unchanged"]) == (["100R+100F", "100R+100C"], [])
        assert told not in content["gate"]["sentence"]


def test_the_gate_takes_curated_pairs_where_they_alone_help(tmp_path: Path, real: Path, study: Any) -> None:
    draw, arms = study.draws(), parse_arms("100R,100R+300F,gate", gate=True)
    one = prepared(real, draw, curated_alone_help(study), arms=arms, gate=GateOrders((300,)))
    content = conducted(tmp_path / "trial", one)
    assert content["gate"]["chosen"] == "100R+300C"
    assert [one["arm"] for one in content["gate"]["candidates"]] == ["100R+300F", "100R+300C"]
    assert "chose 100R+300C of 1 share and 1 share of curated pairs" in content["verdict"]["sentence"]
    assert content["verdict"]["kind"] == "helps"
    _, drawn, gated = content["arms"]
    assert gated["synthetic_slices"] == drawn["synthetic_slices"] == 3 * study.real_slices
    assert gated["mean"] > content["arms"][0]["mean"] > drawn["mean"]
    folder = tmp_path / "trial" / "generators" / "seed0"
    assert [one["path"] for one in content["synthetic"]] == [str(folder / "synthetic"), str(folder / "curated")]
    assert draw.curated == [3 * len(call[0].train) * study.depth for call in draw.calls]


def test_arms_may_name_curated_pairs(tmp_path: Path, real: Path, study: Any) -> None:
    arms = parse_arms("100R,100F,100C", curated=True)
    content = conducted(tmp_path / "trial", prepared(real, study.draws(), curated_alone_help(study), arms=arms))
    assert [arm["name"] for arm in content["arms"]] == ["100R", "100F", "100C"]
    assert content["arms"][2]["mean"] > content["arms"][0]["mean"] > content["arms"][1]["mean"]
    with pytest.raises(UserError, match="curation kept 8 pairs, and the arms take 15"):
        prepared(real, study.draws(most=8), study.stand_in(), arms=arms).conduct(tmp_path / "few", overwrite=False)


def test_shares_of_which_curation_leaves_too_few_are_not_looked_at(tmp_path: Path, real: Path, study: Any) -> None:
    draw, gate = study.draws(most=study.real_slices), GateOrders((100, 300), filters=("curated",))
    content = conducted(tmp_path / "trial", prepared(real, draw, curated_alone_help(study), gate=gate))
    assert content["gate"]["chosen"] == "100R+100C"
    assert content["gate"]["missing"] == ["100R+300C"]
    assert "curation left too few pairs for 100R+300C" in content["verdict"]["sentence"]
    none = prepared(real, study.draws(most=0), study.stand_in(), gate=GateOrders((100,), filters=("curated",)))
    content = conducted(tmp_path / "none", none)
    assert content["gate"]["chosen"] == "100R"
    assert (
        content["verdict"]["sentence"].partition(";")[0]
        == "The gate added no synthetic pairs: curation left too few for any share"
    )


def test_given_pairs_are_curated_where_the_gate_says_so(tmp_path: Path, real: Path, study: Any) -> None:
    given = study.write_synthetic(tmp_path / "given", study.provenance(open_dataset(real)), pairs=5 * study.real_slices)
    one = prepared(real, study.draws(), curated_alone_help(study), given=(given,), gate=GateOrders((100,)))
    content = conducted(tmp_path / "trial", one)
    assert content["gate"]["chosen"] == "100R+100C"
    (used,) = content["synthetic"]
    assert used["path"] == str(tmp_path / "trial" / "curated" / "set0" / "curated")
    assert (Path(used["path"]) / "curation.json").is_file()
    assert study.real_slices <= used["pairs"] <= 5 * study.real_slices


def test_split_and_size_are_those_of_the_given_pairs(tmp_path: Path, study: Any, discs_run: Path) -> None:
    """The real dataset has no split of its own: the run's holds for the gate too."""
    real = study.write_real(tmp_path / "real", split=None)
    dataset, run = open_dataset(real), tmp_path / "run"
    run.mkdir()
    config = json.loads((discs_run / "config.json").read_text()) | {
        "split": asdict(study.split),
        "size": 16,
        "axis": None,
    }
    config["dataset"] |= {"identity": dataset.identity, "dimensions": 2}
    config["grid"]["orientation"] = None
    (run / "config.json").write_text(json.dumps(config))
    made = study.provenance(dataset, run=str(run))
    pairs = study.write_synthetic(tmp_path / "pairs", made, pairs=3 * study.real_slices)
    draw = study.draws()
    content = conducted(
        tmp_path / "trial",
        prepared(real, draw, study.stand_in(lambda share, _: 0.2 * share), given=(pairs,), size=None),
    )
    assert content["size"] == 16
    assert content["test_subjects"] == list(study.test)
    for split, *_ in draw.calls:
        assert {*split.train, *split.validation} <= {*study.train, *study.validation}


def test_repeated_slices_and_the_gate_in_one_trial(tmp_path: Path, real: Path, study: Any) -> None:
    one = prepared(
        real, study.draws(), study.stand_in(), arms=parse_arms("100R,100R+50B,100R+50B+100F,gate", gate=True),
        repeat="tumour",
    )  # fmt: skip
    content = conducted(tmp_path / "trial", one)
    assert [arm["name"] for arm in content["arms"]] == ["100R", "100R+50B", "100R+100F+50B", "gate"]
    assert content["repeat"] == "tumour"
    with pytest.raises(UserError, match="no arm repeats real slices"):
        prepared(real, study.draws(), study.stand_in(), repeat="tumour").conduct(tmp_path / "x", overwrite=False)


@pytest.mark.parametrize(
    ("orders", "word"),
    [
        (GeneratorOrders("joint-styelgan2"), "no recipe"),
        (GeneratorOrders("unet"), "draws no pairs"),
        (GeneratorOrders("joint-stylegan2", settings={"no_such": "1"}), "no_such"),
    ],
)
def test_a_wrong_generator_leaves_an_earlier_trial_alone(
    tmp_path: Path, real: Path, synthetic: Path, orders: GeneratorOrders, word: str
) -> None:
    out = tmp_path / "trial"
    trial(real, synthetic, out=out, size=16, arms=("100R", "100F"), seeds=1, steps=2, batch=4, progress=False)
    before = (out / "trial.json").read_text()
    with pytest.raises(UserError, match=f"(?i){word}"):
        trial(real, out=out, size=16, generator=orders, gate=GateOrders(), overwrite=True, progress=False)
    assert (out / "trial.json").read_text() == before
    with pytest.raises(UserError, match=f"(?i){word}"):
        trial(real, out=tmp_path / "new", size=16, generator=orders, gate=GateOrders(), progress=False)
    assert not (tmp_path / "new").exists()


def test_a_stopped_trial_goes_on(tmp_path: Path, real: Path, study: Any) -> None:
    shift = lambda share, seed: 0.2 + 0.01 * seed - 0.2 * share  # noqa: E731
    whole = conducted(tmp_path / "whole", prepared(real, study.draws(), study.stand_in(shift)))
    stopped, train = 0, study.stand_in(shift)
    train.fail_at = 5
    out = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        prepared(real, study.draws(), train).conduct(out, overwrite=False)
    stopped = len(train.calls)
    train.fail_at = None
    again = conducted(out, prepared(real, study.draws(), train))
    for one in (whole, again):
        for pairs in one["synthetic"]:
            del pairs["path"], pairs["run"]
    assert again == whole
    assert len(train.calls) - stopped < len(whole["scores"]), "finished cells are read"
    with pytest.raises(UserError, match="another trial"):
        prepared(real, study.draws(), train, gate=GateOrders((100,), filters=("all",))).conduct(out, overwrite=False)


def test_an_inner_generator_that_saw_its_test_subjects_is_refused(tmp_path: Path, real: Path, study: Any) -> None:
    with pytest.raises(UserError, match="its generator has learned from labels of the test subject"):
        prepared(real, study.draws(leak=True), study.stand_in()).conduct(tmp_path / "trial", overwrite=False)


@pytest.mark.slow
def test_killed_and_gone_on_with_it_ends_as_if_undisturbed(tmp_path: Path) -> None:
    """Real generators, real segmenters, real kills: while an inner generator trains, and while cells do."""
    real = segmint.phantom("brain", out=tmp_path / "brain", subjects=10, seed=0, size=32)

    def start(out: Path) -> subprocess.Popen[bytes]:
        words = [
            "trial", real, "--recipe", "joint-stylegan2", "--kimg", "0.06", "--size", "32", "--gate", "--gate-shares", "100",
            "--gate-seeds", "1", "--arms", "100R,100F,gate", "--seeds", "1", "--steps", "20", "--device", "cpu", "--out", out,
        ]  # fmt: skip
        code = "import sys; from segmint.cli.main import main; sys.exit(main())"
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, words)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def result(out: Path) -> Any:
        content = json.loads((out / "trial.json").read_text())
        for pairs in content["synthetic"]:
            del pairs["path"], pairs["run"]
        return content

    assert start(tmp_path / "whole").wait() == 0
    out = tmp_path / "killed"
    for begun in (
        "gate/fold0/generator/run/log.jsonl",
        "gate/fold1/cells/100R-seed0/log.jsonl",
        "generators/seed0/run/log.jsonl",
    ):
        process = start(out)
        while not (out / begun).exists() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (out / "trial.json").exists()
    assert start(out).wait() == 0
    assert result(out) == result(tmp_path / "whole")
    assert [arm["name"] for arm in result(out)["arms"]] == ["100R", "100F", "gate"]
