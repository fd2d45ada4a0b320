"""How the jobs of a trial are carried out, as the user has ordered it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from segmint.errors import UserError
from segmint.evaluation.jobs.cluster_settings import ClusterSettings, read_cluster_settings
from segmint.evaluation.jobs.executor import Executor
from segmint.evaluation.jobs.in_order import InOrder
from segmint.evaluation.trial_folder import begun_capacity, begun_with
from segmint.training.precision import choose_hardware
from segmint.training.segmenter import default_capacity


@dataclass(frozen=True)
class JobOrders:
    """Where jobs run; none of it changes what comes out, but for `threads`.

    Attributes:
        processes: local processes at a time; 1 is this process itself.
        cluster: None, or "slurm"; settings: what is asked of it, as `--cluster-set` has it.
        threads: CPU threads of every training; default: what the trial was begun with, or this process's share.
    """

    processes: int = 1
    cluster: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    threads: int | None = None

    def check(self) -> None:
        """Refuse what cannot be carried out from here.

        Raises:
            UserError: something cannot.
        """
        if self.processes < 1:
            raise UserError(f"--processes {self.processes}: at least one is needed.")
        if self.threads is not None and self.threads < 1:
            raise UserError(f"--threads {self.threads}: at least one thread is needed.")
        if self.cluster is None:
            if self.settings:
                raise UserError(
                    f"--cluster-set {next(iter(self.settings))}: it is for a cluster: give --cluster slurm, or leave it out."
                )
            return
        if self.cluster != "slurm":
            raise UserError(f"--cluster {self.cluster} is unknown: slurm is the one there is.")
        if self.processes > 1:
            raise UserError("--processes is for this machine and --cluster for another: leave one of them out.")
        read_cluster_settings(self.settings)
        from segmint.evaluation.jobs.slurm import check_slurm

        check_slurm()

    def device_here(self, device: str) -> str:
        """Where this process may look for a GPU: the cluster's are not its own."""
        return device if self.cluster is None else "auto"

    def with_threads(self, out: Path, *, overwrite: bool) -> int:
        """CPU threads of every training.

        They are decided when a trial begins and kept when it is gone on with, so that its scores are the same, bit for bit,
        wherever and in however many processes its jobs run.

        Args:
            out: folder of the trial; overwrite: what is there will be cleared away.
        """
        if self.threads is not None:
            return self.threads
        before = {} if overwrite else begun_with(out)
        if "threads" in before:
            return int(before["threads"])
        if self.cluster is not None:
            return self._cluster().cpus
        whole = choose_hardware(device="cpu").threads
        # The variable is a setting of every process; and a trial of a version without processes took all cores.
        return whole if "OMP_NUM_THREADS" in os.environ or before else max(1, whole // self.processes)

    def with_capacity(self, out: Path, *, asked: str | None, device: str, overwrite: bool) -> str:
        """Width of every segmenter: as asked, or as the trial in `out` was begun with, or as suits where they train.

        On a cluster that is a GPU where one is asked for, by `device` or of the cluster.

        Raises:
            UserError: `out` holds segmenters of both widths.
        """
        if asked is not None:
            return asked
        begun = None if overwrite else begun_capacity(out)
        if begun is not None:
            return begun
        if self.cluster is None:
            return default_capacity(choose_hardware(device=device).device)
        gpu = device == "cuda" or (device == "auto" and self._cluster().gpus > 0)
        return default_capacity("cuda" if gpu else "cpu")

    @contextmanager
    def carried_out(self, out: Path, *, threads: int, device: str, console: Console) -> Iterator[Executor]:
        """The executor, which is closed whatever happens; what workers print lies under `out`."""
        executor = self._executor(out, threads=threads, device=device, console=console)
        try:
            yield executor
        finally:
            executor.close()

    def _executor(self, out: Path, *, threads: int, device: str, console: Console) -> Executor:
        if self.cluster is not None:
            from segmint.evaluation.jobs.slurm import Slurm

            return Slurm(self._cluster(threads), folder=out / "slurm", console=console)
        if self.processes > 1:
            from segmint.evaluation.jobs.processes import Processes

            return Processes(self.processes, folder=out / "workers", threads=threads, device=device, console=console)
        return InOrder(console)

    def _cluster(self, threads: int | None = None) -> ClusterSettings:
        """As asked for; a job has as many cores as threads, unless told otherwise."""
        cores = {} if threads is None or "cpus" in self.settings else {"cpus": str(threads)}
        return read_cluster_settings({**self.settings, **cores})


IN_ORDER = JobOrders()
"""One job after the other, in this process."""
