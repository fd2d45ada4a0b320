from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from segmint.errors import UserError
from segmint.training import stage_training
from segmint.training.run_folder import RunFolder
from segmint.training.train import train

TINY_SETTINGS = {"latent_size": "8", "width_base": "128", "width_maximum": "8"}


def tiny(dataset: Path, out: Path, **changes: Any) -> RunFolder:
    arguments: dict[str, Any] = {
        "kimg": 0.064,
        "batch": 4,
        "size": 32,
        "settings": TINY_SETTINGS,
        "threads": 1,
        "progress": False,
        "precision": "float32",
        "device": "cpu",
    }
    return train("joint-stylegan2", dataset, out=out, **{**arguments, **changes})


def last_weights(run: RunFolder) -> dict[str, torch.Tensor]:
    (stage,) = run.stage_folders()
    folder = run.checkpoints(stage)
    return load_file(folder.folder / folder.entry("last")["weights"])


def test_a_run_folder_holds_what_it_should(discs: Path, tmp_path: Path) -> None:
    run = tiny(discs, tmp_path / "run")
    assert run.status == "done"
    config = run.config
    assert config["recipe"] == "joint-stylegan2"
    assert config["task"]["label_count"] == 3
    assert [subject for _, subject in config["labels_seen"]] == [f"subject_{i:02d}" for i in range(4)]
    assert [subject for _, subject in config["selected_on"]] == ["subject_04", "subject_05"]
    lines = run.log()
    assert lines[-1]["images"] == 64
    assert {"generator", "discriminator"} <= lines[0]["losses"].keys()
    assert lines[-1]["validation"]["name"] == "sliced_wasserstein"
    for name in ("reals.png", "fakes_000000.png"):
        picture = np.asarray(Image.open(run.previews / name))
        assert picture.std() > 5
    assert (run.root / "losses.png").exists()
    assert not list(run.root.rglob("*.pkl")) + list(run.root.rglob("*.pt"))


def test_a_stopped_run_resumes_to_the_same_weights(discs: Path, tmp_path: Path) -> None:
    # Long enough to be caught on a busy machine.
    whole = last_weights(tiny(discs, tmp_path / "whole", kimg=0.192))
    command = [sys.executable, "-c", _SCRIPT, str(discs), str(tmp_path / "stopped"), json.dumps(TINY_SETTINGS)]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
    process.wait(180)
    stopped = RunFolder(tmp_path / "stopped")
    assert stopped.status == "interrupted", "the run ended before it could be stopped"
    assert 0 < stopped.log()[-1]["images"] < 192
    resumed = tiny(discs, stopped.root, resume=True, kimg=0.192)
    again = last_weights(resumed)
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert [line["images"] for line in resumed.log()] == sorted(line["images"] for line in resumed.log())
    # Nor does a stop add a look, which might choose another best checkpoint.
    looks = [
        [(line["images"], line["validation"]) for line in run.log() if line["validation"]]
        for run in (RunFolder(tmp_path / "whole"), resumed)
    ]
    assert looks[0] == looks[1]


def test_a_stop_in_the_last_look_of_a_training_is_heard(
    discs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = stage_training.examiner_of

    def signalling(*arguments: Any, **named: Any) -> Any:
        examine = build(*arguments, **named)

        def look(stage: Any, images: int) -> Any:
            if images == 64:
                os.kill(os.getpid(), signal.SIGINT)
            return examine(stage, images)

        return look

    monkeypatch.setattr(stage_training, "examiner_of", signalling)
    with pytest.raises(KeyboardInterrupt):
        tiny(discs, tmp_path / "run")
    assert RunFolder(tmp_path / "run").status == "interrupted"
    monkeypatch.undo()
    before = last_weights(RunFolder(tmp_path / "run"))
    run = tiny(discs, tmp_path / "run", resume=True)
    assert run.status == "done"
    assert all(torch.equal(before[name], value) for name, value in last_weights(run).items())


# The signal comes from a thread of the same process: on a busy machine another one may come too late.
_SCRIPT = """
import json, os, signal, sys, threading, time
from pathlib import Path
from segmint.training.train import train

def stop_when_something_is_logged():
    while not Path(sys.argv[2], "log.jsonl").exists():
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=stop_when_something_is_logged, daemon=True).start()
train("joint-stylegan2", Path(sys.argv[1]), out=Path(sys.argv[2]), kimg=0.192, batch=4, size=32, threads=1, progress=False,
      precision="float32", device="cpu", settings=json.loads(sys.argv[3]))
"""


def test_resuming_a_finished_run_changes_nothing(discs: Path, tmp_path: Path) -> None:
    run = tiny(discs, tmp_path / "run")
    before = last_weights(run)
    after = last_weights(tiny(discs, tmp_path / "run", resume=True))
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_run_from_before_orientations_and_marks_were_stored_resumes(discs: Path, tmp_path: Path) -> None:
    run = tiny(discs, tmp_path / "run", kimg=0.008)
    config = json.loads((run.root / "config.json").read_text())
    assert config["grid"].pop("orientation") == "RAS"
    assert len(config.pop("marks_seen")) == len(config["split"]["train"]) + len(config["split"]["validation"])
    (run.root / "config.json").write_text(json.dumps(config))
    assert tiny(discs, tmp_path / "run", kimg=0.008, resume=True).status == "done"
    config["grid"]["orientation"] = "LPS"
    (run.root / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="was trained with grid"):
        tiny(discs, tmp_path / "run", kimg=0.008, resume=True)


def test_an_existing_output_is_refused_and_left_alone(discs: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="--overwrite"):
        tiny(discs, tmp_path / "run")
    assert (tmp_path / "run" / "mine.txt").read_text() == "keep"


@pytest.mark.parametrize("changes", [{"seed": 1}, {"batch": 8}, {"kimg": 0.128}, {"threads": 2}])
def test_resuming_with_other_settings_is_refused(discs: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    tiny(discs, tmp_path / "run", kimg=0.008) if "kimg" not in changes else tiny(discs, tmp_path / "run")
    with pytest.raises(UserError, match="was trained with"):
        tiny(discs, tmp_path / "run", resume=True, **{"kimg": 0.008, **changes})


def test_the_setting_that_differs_is_named(discs: Path, tmp_path: Path) -> None:
    tiny(discs, tmp_path / "run", kimg=0.008)
    with pytest.raises(UserError, match=r"was trained with parts\.0\.settings\.r1_gamma = \S+, now it is 7\.0:"):
        tiny(discs, tmp_path / "run", kimg=0.008, resume=True, settings={**TINY_SETTINGS, "r1_gamma": "7"})


def test_a_dry_run_writes_nothing(discs: Path, tmp_path: Path) -> None:
    tiny(discs, tmp_path / "run", dry_run=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 48}, "pixels"),
        ({"batch": 0, "kimg": 0.0}, "positive"),
        ({"settings": {"r1_gama": "1"}}, "no such setting"),
        ({"settings": {"r1_gamma": "many"}}, "r1_gamma"),
        ({"preset": "best"}, "preset"),
        ({"subset": "10"}, "no such subset"),
        ({"labelled_subjects": 9}, "training subjects"),
    ],
)
def test_wrong_arguments_are_one_sentence(discs: Path, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        tiny(discs, tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


def test_a_diverging_training_is_named(discs: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="learning_rate"):
        tiny(discs, tmp_path / "run", settings={**TINY_SETTINGS, "learning_rate": "1e30"})
    assert RunFolder(tmp_path / "run").status == "diverged"


def test_labelled_subjects_limit_what_is_seen(discs: Path, tmp_path: Path) -> None:
    run = tiny(discs, tmp_path / "run", kimg=0.008, labelled_subjects=2)
    assert len(run.config["labels_seen"]) == 2
    assert run.config["dataset"]["training_slices"] == 6
