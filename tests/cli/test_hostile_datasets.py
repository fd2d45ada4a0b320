"""Datasets, trials and segmenters from strangers: no verb runs code of theirs or writes where it was not told to."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.conftest import Refused
from tests.cli.hostile import Exploit, change, replace_weights


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A dataset that lists its files, as a stranger's may."""
    folder = tmp_path / "pairs"
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    listed = {}
    for number in range(6):
        pixels = np.random.default_rng(number).integers(0, 255, (16, 16)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"imagesTr/c{number}_0000.png")
        Image.fromarray((pixels > 128).astype(np.uint8)).save(folder / f"labelsTr/c{number}.png")
        listed[f"c{number}"] = {"images": [f"imagesTr/c{number}_0000.png"], "label": f"labelsTr/c{number}.png"}
    content = {
        "channel_names": {"0": "grey"},
        "labels": {"background": 0, "x": 1},
        "file_ending": ".png",
        "dataset": listed,
    }
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Of all files of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def evaluate(real: Path, synthetic: Path, out: Path) -> list[object]:
    """The words of an evaluation of the masks alone."""
    return ["evaluate", real, synthetic, "--out", out, "--no-fidelity", "--no-privacy", "--device", "cpu"]


@pytest.mark.parametrize("case", ["../../victim/x", "/tmp/x", "..", ".x", "a/b", "a\\b", "a\0b", "a\nb", ""])
def test_cases_do_not_name_files_elsewhere(case: str, pairs: Path, harmless: Refused, tmp_path: Path) -> None:
    content = json.loads((pairs / "dataset.json").read_text())
    content["dataset"][case] = content["dataset"].pop("c3")
    (pairs / "dataset.json").write_text(json.dumps(content))
    out = tmp_path / "out"
    for words in (
        ["trial", "export", pairs, "--out", out, "--arms", "100R"],
        ["data", "binarise", pairs, "--out", out],
        ["data", "split", pairs, "--out", out],
        ["data", "inspect", pairs],
    ):
        harmless(*words, codes=(2,))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("provenance", "run"), "victim"),
        (("provenance", "run"), "/dev"),
        (("provenance", "run"), "\0"),
        (("provenance", "recipe"), "os.system"),
        (("provenance", "seed"), 10**30),
        (("cases",), {}),
        (("conditions",), {"../../victim/x": ["background", "x"]}),
        (("split",), {"train": ["../x"], "validation": [], "test": []}),
    ],
)
def test_what_a_synthetic_dataset_says_of_itself(
    keys: tuple[str, ...], value: object, discs_synthetic: Path, victim: Path, harmless: Refused, tmp_path: Path
) -> None:
    real = discs_synthetic.parent / "discs"
    synthetic = Path(shutil.copytree(discs_synthetic, tmp_path / "synthetic"))
    change(synthetic / "segmint.json", *keys, value=str(victim) if value == "victim" else value)
    out, before = tmp_path / "out", contents(synthetic)
    for words in (
        ["curate", real, synthetic, "--out", out, "--agreement", "0", "--device", "cpu"],
        ["trial", "export", real, synthetic, "--out", out],
    ):
        harmless(*words)
    harmless(*evaluate(real, synthetic, out), writes=synthetic)
    assert {name for name, held in contents(synthetic).items() if held != before.get(name)} <= {"DATASHEET.md"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["DATASHEET.md", "DATASHEET.segmint.md"])
def test_a_datasheet_that_leads_elsewhere(
    name: str, discs_synthetic: Path, victim: Path, harmless: Refused, tmp_path: Path
) -> None:
    synthetic = Path(shutil.copytree(discs_synthetic, tmp_path / "synthetic"))
    (synthetic / "DATASHEET.md").write_text("edited by somebody")
    (synthetic / name).unlink(missing_ok=True)
    (synthetic / name).symlink_to(victim / "thesis.txt")
    harmless(*evaluate(discs_synthetic.parent / "discs", synthetic, tmp_path / "out"), writes=synthetic)


@pytest.mark.slow
def test_a_run_that_a_dataset_names_is_no_more_trusted(
    stranger: Path, discs_synthetic: Path, harmless: Refused, tmp_path: Path
) -> None:
    synthetic = Path(shutil.copytree(discs_synthetic, tmp_path / "synthetic"))
    change(synthetic / "segmint.json", "provenance", "run", value=str(stranger))
    change(stranger / "config.json", "recipe", value="os.system")
    real = discs_synthetic.parent / "discs"
    out = tmp_path / "out"
    for words in (
        ["curate", real, synthetic, "--out", out, "--agreement", "0", "--device", "cpu"],
        evaluate(real, synthetic, out),
    ):
        harmless(*words, writes=synthetic, codes=(2,))


@pytest.mark.slow
def test_trials_and_segmenters(discs_synthetic: Path, victim: Path, harmless: Refused, tmp_path: Path) -> None:
    real = discs_synthetic.parent / "discs"
    segmenter, trial, out = tmp_path / "segmenter", tmp_path / "trial", tmp_path / "out"
    tiny = ["--size", "32", "--steps", "2", "--batch", "2", "--device", "cpu"]
    train = ["segment", "train", real, "--out", segmenter, *tiny]
    conduct = ["trial", real, "--out", trial, "--arms", "100R", "--seeds", "1", *tiny]
    predict = ["segment", "predict", segmenter, real / "imagesTr", "--out", out, "--device", "cpu"]
    harmless(*train, writes=segmenter, codes=(0,))
    harmless(*conduct, writes=trial, codes=(0,))
    harmless(*predict, codes=(0,))
    kept = [Path(shutil.copytree(folder, tmp_path / f"kept-{folder.name}")) for folder in (segmenter, trial)]

    def restored() -> None:
        for folder, whole in zip((segmenter, trial), kept, strict=True):
            shutil.rmtree(folder)
            shutil.copytree(whole, folder)

    exploit = pickle.dumps({"stage/x": Exploit(victim)})
    for folder in (segmenter / "training", trial / "cells" / "100R-seed0"):
        replace_weights(folder, exploit)
    (trial / "cells" / "100R-seed0" / "result.json").unlink()
    harmless(*predict, codes=(2,))
    harmless(*conduct, writes=trial, codes=(2,))
    for keys, value in (
        (("recipe",), "os.system"),
        (("recipe",), "joint-stylegan2"),
        (("settings",), {"_target_": "os.system"}),
        (("settings", "width"), 2**30),
        (("settings", "levels"), 10**9),
        (("task", "size"), 10**9),
        (("task",), "os.system"),
        (("seed",), [0]),
    ):
        restored()
        change(segmenter / "training" / "config.json", *keys, value=value)
        harmless(*predict, codes=(2,))
    for name, keys, value in (
        ("settings.json", ("kind",), "os.system"),
        ("cells/100R-seed0/result.json", ("counts",), {"subject": "os.system"}),
        ("cells/100R-seed0/result.json", ("curve",), [[1]]),
        ("cells/100R-seed0/result.json", ("metrics",), {"a": {"b": "c"}}),
    ):
        restored()
        change(trial / name, *keys, value=value)
        harmless(*conduct, writes=trial, codes=(2,))
    for folder, command in ((segmenter, train), (trial, conduct)):
        restored()
        (folder / ".lock").unlink()
        (folder / ".lock").symlink_to(victim / "thesis.txt")
        harmless(*command, writes=folder, codes=(2,))


@pytest.mark.slow
def test_images_to_be_labelled(interpreted_run: Path, victim: Path, harmless: Refused, tmp_path: Path) -> None:
    run, out = Path(shutil.copytree(interpreted_run, tmp_path / "stranger")), tmp_path / "out"
    export = ["annotate", "export", run, "--n", "1", "--out", out, "--device", "cpu"]
    harmless(*export, codes=(0,))
    change(run / "config.json", "parts", -1, "settings", "members", value=10**9)
    harmless(*export, codes=(2,))
    shutil.copyfile(interpreted_run / "config.json", run / "config.json")
    replace_weights(run, pickle.dumps({"stage/x": Exploit(victim)}))
    harmless(*export, codes=(2,))
    harmless("annotate", "import", run, victim, writes=run, codes=(2,))
