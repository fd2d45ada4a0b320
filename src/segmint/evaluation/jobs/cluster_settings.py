"""What is asked of a cluster for every job."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from segmint.errors import UserError

_EXTRA = "sbatch."
_NUMBERS = ("cpus", "gpus", "at_once")
_TIME = re.compile(r"(?:(?:(\d+)-)?(\d+):([0-5]?\d):[0-5]\d|(\d+))")


@dataclass(frozen=True)
class ClusterSettings:
    """Resources of each job; None leaves a choice to the cluster.

    Attributes:
        minutes: after which the cluster may end a job; it is then queued again and goes on, three times at most.
        cpus: cores, and threads unless those are named; gpus: on the node; memory: as in "16GB".
        at_once: jobs that run at a time.
        extra: further options of sbatch.
    """

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    minutes: int = 240
    cpus: int = 4
    gpus: int = 0
    memory: str | None = None
    at_once: int = 256
    extra: Mapping[str, str] = field(default_factory=dict)

    def parameters(self) -> dict[str, Any]:
        """What submitit's Slurm executor is told."""
        named = {"partition": self.partition, "account": self.account, "qos": self.qos, "mem": self.memory}
        return {
            **{key: value for key, value in named.items() if value is not None},
            "time": self.minutes,
            "cpus_per_task": self.cpus,
            **({"gpus_per_node": self.gpus} if self.gpus else {}),
            "array_parallelism": self.at_once,
            "job_name": "segmint",
            # Since Slurm 22.05 srun does not take the cores of its job by itself.
            "srun_args": [f"--cpus-per-task={self.cpus}"],
            **({"additional_parameters": dict(self.extra)} if self.extra else {}),
        }


def read_cluster_settings(settings: Mapping[str, str]) -> ClusterSettings:
    """`--cluster-set` as it is written.

    Raises:
        UserError: a key is unknown, or a value is none for it.
    """
    chosen: dict[str, Any] = {}
    extra = {}
    for key, value in settings.items():
        said = f"--cluster-set {key}={value}"
        if key.startswith(_EXTRA) and len(key) > len(_EXTRA):
            extra[key.removeprefix(_EXTRA)] = value
        elif key in _NUMBERS:
            if not value.isdecimal() or (int(value) < 1 and key != "gpus"):
                raise UserError(f"{said}: give a whole number{'' if key == 'gpus' else ' of at least 1'}.")
            chosen[key] = int(value)
        elif key == "time":
            chosen["minutes"] = _minutes(value, said)
        elif key == "memory":
            if not re.fullmatch(r"[1-9]\d*[KMGT]B?", value.upper()):
                raise UserError(f"{said}: write it as 16GB.")
            chosen["memory"] = value.upper()
        elif key in ("partition", "account", "qos"):
            if not value:
                raise UserError(f"{said}: its name is missing.")
            chosen[key] = value
        else:
            known = "partition, account, qos, time, cpus, gpus, memory, at_once"
            raise UserError(f"{said}: choose among {known}, or give any option of sbatch as sbatch.NAME=VALUE.")
    return ClusterSettings(**chosen, extra=extra)


def _minutes(text: str, said: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        raise UserError(f"{said}: write it in minutes, or as HOURS:MINUTES:SECONDS or DAYS-HOURS:MINUTES:SECONDS.")
    days, hours, minutes, alone = (int(part or 0) for part in found.groups())
    total = alone or 60 * (24 * days + hours) + minutes
    if total < 1:
        raise UserError(f"{said}: at least a minute is needed.")
    return total
