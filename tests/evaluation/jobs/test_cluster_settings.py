from __future__ import annotations

import pytest

from segmint.errors import UserError
from segmint.evaluation.jobs.cluster_settings import read_cluster_settings


def test_settings_become_what_submitit_is_told() -> None:
    asked = {
        "partition": "gpu", "account": "lab", "time": "1-02:30:00", "cpus": "8", "gpus": "1", "memory": "32gb", "at_once": "10",
        "sbatch.constraint": "a100",
    }  # fmt: skip
    assert read_cluster_settings(asked).parameters() == {
        "partition": "gpu",
        "account": "lab",
        "time": (24 + 2) * 60 + 30,
        "cpus_per_task": 8,
        "gpus_per_node": 1,
        "mem": "32GB",
        "array_parallelism": 10,
        "job_name": "segmint",
        "srun_args": ["--cpus-per-task=8"],
        "additional_parameters": {"constraint": "a100"},
    }
    plain = read_cluster_settings({}).parameters()
    assert (plain["time"], plain["cpus_per_task"]) == (240, 4)
    assert not {"partition", "mem", "gpus_per_node", "additional_parameters"} & set(plain)


@pytest.mark.parametrize(("text", "minutes"), [("90", 90), ("4:00:00", 240), ("0:30:59", 30), ("2-00:00:00", 2880)])
def test_times_are_written_as_slurm_has_them(text: str, minutes: int) -> None:
    assert read_cluster_settings({"time": text}).minutes == minutes


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("time", "soon"), ("time", "0"), ("time", "1:99:00"), ("cpus", "0"), ("cpus", "-1"), ("cpus", "two"), ("gpus", ""),
        ("memory", "16"), ("memory", "0GB"), ("partition", ""), ("sbatch.", "x"), ("colour", "red"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_named(key: str, value: str) -> None:
    with pytest.raises(UserError, match=f"^--cluster-set {key}={value}: "):
        read_cluster_settings({key: value})
