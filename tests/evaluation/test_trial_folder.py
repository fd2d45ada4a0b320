from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from segmint.errors import UserError
from segmint.evaluation.jobs.orders import JobOrders
from segmint.evaluation.trial_folder import SETTINGS, begun_capacity, opened_trial_folder
from segmint.outputs import read_json, write_json

PLAN = {"arms": ["100R", "100F"], "seeds": 3, "real_slices": None}


def test_makes_the_folder_and_goes_on_with_it(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "trial"
    with opened_trial_folder(out, PLAN, overwrite=False) as folder:
        (folder / "cells").mkdir()
    assert read_json(out / SETTINGS) == {"kind": "trial", **PLAN}
    with opened_trial_folder(out, {**PLAN, "arms": ("100R", "100F")}, overwrite=False):
        assert (out / "cells").is_dir()


def test_settings_of_earlier_versions_are_read_with_what_those_versions_had(tmp_path: Path) -> None:
    arms = ["100R", "100R+25F", "100R+300F"]
    with opened_trial_folder(tmp_path / "trial", {"arms": arms}, overwrite=False):
        pass
    with opened_trial_folder(tmp_path / "trial", {"arms": arms, "primary": "100R+300F"}, overwrite=False):
        pass
    with (
        pytest.raises(UserError, match=r"primary: 100R\+300F there, 100R\+25F now"),
        opened_trial_folder(tmp_path / "trial", {"arms": arms, "primary": "100R+25F"}, overwrite=False),
    ):
        pass


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({"segmenter": "segan"}, "segmenter: unet there, segan now"),
        ({"segmenter_preset": "faithful"}, "segmenter preset: repaired there, faithful now"),
        ({"surface_tolerance": 2.0}, "surface tolerance: None there, 2.0 now"),
    ],
)
def test_what_could_not_be_chosen_then_is_refused_where_it_differs(
    tmp_path: Path, now: dict[str, object], words: str
) -> None:
    with opened_trial_folder(tmp_path / "trial", {"seeds": 3}, overwrite=False):
        pass
    with (
        pytest.raises(UserError, match=words),
        opened_trial_folder(tmp_path / "trial", {"seeds": 3, **now}, overwrite=False),
    ):
        pass


def begun_earlier(folder: Path, *capacities: str) -> Path:
    """A trial whose settings do not tell the width of its segmenters."""
    write_json(folder / SETTINGS, {"arms": ["100R"]})
    for seed, capacity in enumerate(capacities):
        cell = folder / f"fold{seed}" / "cells" / f"100R-seed{seed}"
        cell.mkdir(parents=True)
        write_json(cell / "config.json", {"capacity": capacity})
        write_json(cell / "result.json", {})
    return folder


def test_the_width_of_an_earlier_trial_is_that_of_its_segmenters(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    out = begun_earlier(tmp_path / "a", "full", "full")
    orders = JobOrders()
    assert begun_capacity(out) == "full"
    assert orders.with_capacity(out, asked=None, device="cpu", overwrite=False) == "full"
    assert orders.with_capacity(out, asked=None, device="cpu", overwrite=True) == "small"
    with opened_trial_folder(out, {"arms": ["100R"], "segmenter_capacity": "full"}, overwrite=False):
        pass
    with (
        pytest.raises(UserError, match="segmenter capacity: full there, small now"),
        opened_trial_folder(out, {"arms": ["100R"], "segmenter_capacity": "small"}, overwrite=False),
    ):
        pass


def test_segmenters_of_two_widths_are_not_compared(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    out = begun_earlier(tmp_path / "a", "small", "full")
    with pytest.raises(UserError, match="segmenters of both capacities, full and small, trained on different machines"):
        begun_capacity(out)


def test_a_cluster_is_asked_for_its_gpus(tmp_path: Path) -> None:
    for settings, device, capacity in (
        ({}, "auto", "small"), ({"gpus": "1"}, "auto", "full"), ({"gpus": "1"}, "cpu", "small"), ({}, "cuda", "full"),
    ):  # fmt: skip
        orders = JobOrders(cluster="slurm", settings=settings)
        assert orders.with_capacity(tmp_path / "new", asked=None, device=device, overwrite=False) == capacity


@pytest.mark.parametrize(
    ("change", "words"), [({"seeds": 5}, "seeds: 3 there, 5 now"), ({"arms": ["100R"]}, "arms: 100R, 100F there")]
)
def test_refuses_another_trial_in_one_sentence(tmp_path: Path, change: dict[str, object], words: str) -> None:
    with opened_trial_folder(tmp_path / "trial", PLAN, overwrite=False):
        pass
    with (
        pytest.raises(UserError, match=words),
        opened_trial_folder(tmp_path / "trial", {**PLAN, **change}, overwrite=False),
    ):
        pass
    assert read_json(tmp_path / "trial" / SETTINGS) == {"kind": "trial", **PLAN}


def test_refuses_what_is_no_trial(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    for out in (tmp_path, tmp_path / "letters.txt"):
        with pytest.raises(UserError, match="exists already"), opened_trial_folder(out, PLAN, overwrite=False):
            pass
    assert (tmp_path / "letters.txt").read_text() == "mine"
    assert not (tmp_path / SETTINGS).exists()


def test_overwrite_starts_afresh(tmp_path: Path) -> None:
    out = tmp_path / "trial"
    with opened_trial_folder(out, PLAN, overwrite=False):
        (out / "old").touch()
    with opened_trial_folder(out, {**PLAN, "seeds": 5}, overwrite=True):
        assert not (out / "old").exists()
    assert read_json(out / SETTINGS)["seeds"] == 5
    assert [path.name for path in tmp_path.iterdir()] == ["trial"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_another_process_keeps_its_trial(tmp_path: Path, overwrite: bool) -> None:
    out = tmp_path / "trial"
    with opened_trial_folder(out, PLAN, overwrite=False):
        pass
    hold = (
        "import sys; from pathlib import Path; from segmint.locks import locked\n"
        f"with locked(Path({str(out)!r})): print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="in use"), opened_trial_folder(out, PLAN, overwrite=overwrite):
            pass
    finally:
        process.communicate("")
    with opened_trial_folder(out, PLAN, overwrite=overwrite):
        pass


def test_a_folder_that_was_only_locked_may_be_used(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    with opened_trial_folder(tmp_path, PLAN, overwrite=False):
        pass


def test_unwritable_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match="cannot be written"),
        opened_trial_folder(tmp_path / "file" / "trial", PLAN, overwrite=False),
    ):
        pass
