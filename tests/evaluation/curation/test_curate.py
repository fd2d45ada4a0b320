"""`segmint curate`: planted faults are dropped and good pairs kept; what is written, what it says it has seen, what it refuses."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmint import curate
from segmint.cli.main import main
from segmint.data.dataset import open_dataset
from segmint.errors import UserError
from segmint.evaluation.trial import trial
from segmint.outputs import read_json

QUICK: dict[str, Any] = {"size": 32, "steps": 360, "batch": 6, "device": "cpu", "progress": False}


@pytest.fixture(scope="module")
def curated(planted: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return curate(planted.real, planted.synthetic, out=tmp_path_factory.mktemp("curated") / "kept", **QUICK)


@pytest.fixture(scope="module")
def content(curated: Path) -> dict[str, Any]:
    found = read_json(curated / "curation.json")
    assert isinstance(found, dict)
    return found


def test_planted_faults_are_dropped_and_good_pairs_kept(planted: Any, content: dict[str, Any]) -> None:
    dropped = Counter(planted.kinds[one["pair"]] for one in content["pairs"] if not one["kept"])
    assert dropped["shifted"] == 15
    assert dropped["copy"] == 7
    assert dropped["forgotten"] == 8
    assert dropped["good"] <= 0.15 * 80, "two labels, 5% of real slices each, and copies by chance"
    for one in content["pairs"]:
        kind, reasons = planted.kinds[one["pair"]], one["reasons"]
        assert one["kept"] == (not reasons)
        if kind == "copy":
            assert "near-copy" in reasons
        if kind == "shifted":
            assert "disagreement: organ" in reasons
        if kind == "forgotten":
            assert one["agreement"]["lesion"] == 0
    by_lesion = [one["pair"] for one in content["pairs"] if "disagreement: lesion" in one["reasons"]]
    assert sum(planted.kinds[pair] == "forgotten" for pair in by_lesion) == 8


def test_what_is_written_is_a_dataset_of_the_kept_pairs(planted: Any, curated: Path, content: dict[str, Any]) -> None:
    kept = [one["pair"] for one in content["pairs"] if one["kept"]]
    dataset, drawn = open_dataset(curated), open_dataset(planted.synthetic)
    assert [case.id for case in dataset.cases] == kept
    assert len(kept) == content["counts"]["kept"] == content["counts"]["pairs"] - content["counts"]["dropped"]
    one = drawn.cases_of([kept[3]])[0]
    assert np.array_equal(dataset.read_image(dataset.cases_of([kept[3]])[0]), drawn.read_image(one))
    assert content["pictures"] == ["kept.png", "dropped.png", "copies.png"]
    for name in content["pictures"]:
        with Image.open(curated / name) as picture:
            assert min(picture.size) > 200
    assert content["thresholds"]["lesion"]["subjects"] == 14
    assert all(0.3 < band["least_dice"] <= 1 for band in content["thresholds"]["organ"]["bands"])
    assert 0 < content["held_out"]["would_be_dropped"] <= 0.1
    assert content["held_out"]["slices"] == 140, "validation subjects alone"
    assert content["copies"]["yardstick"] == "held-out"
    assert content["segmenter"] == {"recipe": "unet", "steps": 360, "batch": 6, "slices": 120, "subjects": 12}


def test_balance_before_and_after_is_told(planted: Any, curated: Path, content: dict[str, Any]) -> None:
    shares = {}
    for side, path in (("before", planted.synthetic), ("after", curated)):
        dataset = open_dataset(path)
        shares[side] = np.mean([(dataset.read_label(case) == 2).any() for case in dataset.cases])
    assert content["balance"]["lesion"]["share"] == pytest.approx(shares)
    assert content["balance"]["lesion"]["area"]["before"] > 10
    assert content["balance"]["organ"]["share"] == {"before": 1.0, "after": 1.0}


def test_it_says_what_the_choice_has_seen_and_trials_refuse_it_there(
    planted: Any, curated: Path, tmp_path: Path
) -> None:
    identity = open_dataset(planted.real).identity
    made, before = open_dataset(curated).provenance, planted.made
    assert made is not None
    assert made.labels_seen == before.labels_seen
    assert made.selected_on == tuple((identity, subject) for subject in planted.split.validation)
    assert made.stands_on == (f"{planted.synthetic.resolve()} {open_dataset(planted.synthetic).identity}",)
    assert (made.run, made.checkpoint_sha256, made.seed) == (before.run, before.checkpoint_sha256, before.seed)
    # The generator has seen none of the subjects that chose the pairs: only the curator has.
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(planted.real, elsewhere)
    record = json.loads((elsewhere / "segmint.json").read_text())
    parts = record["split"]
    parts["validation"], parts["test"] = parts["test"], parts["validation"]
    (elsewhere / "segmint.json").write_text(json.dumps(record))
    arms: dict[str, Any] = {
        "arms": ["100R", "20F"],
        "seeds": 1,
        "steps": 1,
        "size": 32,
        "device": "cpu",
        "progress": False,
    }
    with pytest.raises(UserError, match=r"20F refuses .* selected on the test subject \"held00\" and 13 more"):
        trial(elsewhere, [curated], out=tmp_path / "trial", **arms)
    assert not (tmp_path / "trial").exists()


def test_rules_can_be_left_out(planted: Any, tmp_path: Path) -> None:
    out = curate(planted.real, planted.synthetic, out=tmp_path / "a", agreement=0, **QUICK)
    found = read_json(out / "curation.json")
    assert set(found["counts"]) == {"pairs", "kept", "dropped", "near-copy"}
    assert (found["segmenter"], found["thresholds"], found["held_out"]) == (None, None, None)
    assert found["counts"]["dropped"] >= 7
    assert found["pictures"] == ["kept.png", "copies.png"]
    made = open_dataset(out).provenance
    assert made is not None
    assert {subject for _, subject in made.selected_on} == set(planted.split.validation), (
        "they told how near new images come"
    )
    with pytest.raises(UserError, match="Nothing to judge pairs by"):
        curate(planted.real, planted.synthetic, out=tmp_path / "b", agreement=0, copies=False, **QUICK)


def test_the_least_certain_are_dropped_where_pairs_tell(planted: Any, tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    pairs = [(f"p{i}", f"p{i}", planted.draw(generator), float((7 * i) % 20)) for i in range(20)]
    told = planted.write(tmp_path / "told", pairs, provenance=planted.made)
    alone: dict[str, Any] = QUICK | {"agreement": 0, "copies": False}
    out = curate(planted.real, told, out=tmp_path / "out", **alone)
    found = read_json(out / "curation.json")
    assert found["rules"]["keep"] == 0.9
    assert {one["uncertainty"] for one in found["pairs"] if not one["kept"]} == {18.0, 19.0}
    assert {tuple(one["reasons"]) for one in found["pairs"] if not one["kept"]} == {("uncertain",)}
    half = curate(planted.real, told, out=tmp_path / "half", keep=0.5, **alone)
    assert len(open_dataset(half).cases) == 10
    before = planted.write(tmp_path / "before", pairs, provenance=replace(planted.made, keep=0.9))
    with pytest.raises(UserError, match="--keep 1 leave all"):
        curate(planted.real, before, out=tmp_path / "none", **alone)
    with pytest.raises(UserError, match=r"--keep 0\.5: .* does not tell how certain"):
        curate(planted.real, planted.synthetic, out=tmp_path / "none", keep=0.5, **alone)


@pytest.mark.slow
def test_few_held_out_images_leave_the_training_subjects_as_the_yardstick_of_copies(
    planted: Any, tmp_path: Path
) -> None:
    few = tmp_path / "few"
    shutil.copytree(planted.real, few)
    record = json.loads((few / "segmint.json").read_text())
    record["split"]["validation"] = list(planted.split.validation[:2])
    (few / "segmint.json").write_text(json.dumps(record))
    out = curate(few, planted.synthetic, out=tmp_path / "out", **QUICK)
    found = read_json(out / "curation.json")
    assert found["copies"]["yardstick"] == "training"
    assert any("between two halves of the training subjects" in note for note in found["notes"])
    assert any("2 held-out subjects alone" in note for note in found["notes"])
    copies = {one["pair"] for one in found["pairs"] if "near-copy" in one["reasons"]}
    assert {name for name, kind in planted.kinds.items() if kind == "copy"} <= copies
    assert len(copies) <= 7 + 4
    labels = found["thresholds"]
    assert (labels["lesion"] is None) == any("lesion is in too few" in note for note in found["notes"])


def test_bad_input_is_one_sentence_and_leaves_nothing(planted: Any, tmp_path: Path) -> None:
    def refused(sentence: str, real: Path = planted.real, synthetic: Path = planted.synthetic, **options: Any) -> None:
        with pytest.raises(UserError, match=sentence):
            curate(real, synthetic, out=tmp_path / "out", **(QUICK | options))
        assert not (tmp_path / "out").exists()

    generator = np.random.default_rng(1)
    pairs = [(f"p{i}", f"p{i}", planted.draw(generator), None) for i in range(3)]
    identity = open_dataset(planted.real).identity

    def other(name: str, **options: Any) -> Path:
        path: Path = planted.write(tmp_path / name, pairs, **({"provenance": planted.made} | options))
        return path

    refused("is not a synthetic dataset", synthetic=other("plain", provenance=None))
    refused("is not a synthetic dataset", real=planted.synthetic, synthetic=planted.real)
    strange = replace(planted.made, labels_seen=(("heart-0123456789ab", "a"),), images_seen=(), selected_on=())
    refused("its generator has seen heart-0123456789ab", synthetic=other("strange", provenance=strange))
    refused("differ in their channels", synthetic=other("flair", channel_names=("FLAIR",)))
    refused("differ in their labels", synthetic=other("names", label_names=("background", "organ", "cyst")))
    leaky = replace(planted.made, images_seen=((identity, "test01"),))
    refused('has seen the test subject "test01"', synthetic=other("leaky", provenance=leaky))
    for options, sentence in (
        ({"agreement": 0.6}, "--agreement 0.6"),
        ({"keep": 0.0}, "--keep 0 must"),
        ({"steps": 0}, "--steps 0"),
    ):
        refused(sentence, **options)
    unsplit = planted.write(tmp_path / "unsplit", pairs)
    foreign = replace(planted.made, labels_seen=((open_dataset(unsplit).identity, "p0"),))
    refused("has no split", real=unsplit, synthetic=other("of unsplit", provenance=foreign))
    everything = replace(
        planted.made, labels_seen=tuple((identity, s) for s in (*planted.split.train, *planted.split.validation))
    )
    refused("has no validation subjects with masks", synthetic=other("all", provenance=everything))
    blank = [
        (f"p{i}", f"p{i}", (np.full((1, 32, 32), -0.5, np.float32), pair[1]), None)
        for i, (_, _, pair, _) in enumerate(pairs)
    ]
    nothing = planted.write(tmp_path / "blank", blank, provenance=planted.made)
    refused(r"no pair would be left \(0 of 3 pairs kept; dropped: 3 whose masks", synthetic=nothing, copies=False)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(UserError, match="exists already"):
        curate(planted.real, planted.synthetic, out=tmp_path / "out", **QUICK)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_the_command_prints_what_happened(planted: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(planted.real), str(planted.synthetic), "--out", str(tmp_path / "out"), "--no-copies"]
    assert main(["curate", *words, "--size", "32", "--steps", "360", "--batch", "6", "--device", "cpu"]) == 0
    printed = capsys.readouterr().out
    assert "of 110 pairs kept" in printed
    assert "held-out real slices the same rule would drop" in printed
    assert "lesion" in printed
    assert "reasons:" in printed
    assert main(["curate", str(planted.real), str(planted.real), "--out", str(tmp_path / "no")]) == 2
    assert "not a synthetic dataset" in capsys.readouterr().err
