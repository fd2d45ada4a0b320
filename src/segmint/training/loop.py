"""The one training loop, for every stage of every recipe."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import psutil
import torch
from torch import Tensor

from segmint.data.conditioned_pool import ConditionedPool
from segmint.errors import UserError
from segmint.recipes.contract import Batch, Measurement, Stage
from segmint.training import health
from segmint.training.checkpoint import CheckpointFolder, capture, restore
from segmint.training.order import DataOrder
from segmint.training.precision import Hardware
from segmint.training.run_folder import RunLog


@dataclass(frozen=True)
class Plan:
    """Budget of a stage, all in images shown.

    Attributes:
        total: when the stage ends (rounded up to whole batches).
        tick: how often a line is logged; snapshot: how often validation, preview and checkpoint happen.
    """

    total: int
    batch: int
    tick: int
    snapshot: int


@dataclass(frozen=True)
class Examination:
    """What a look at a stage gave: its validation measure, the diversity of its fakes relative to reals, and the distance
    between what it learns from relative to that to validation samples."""

    measurement: Measurement | None = None
    diversity: float | None = None
    training_diversity: float | None = None


Examiner = Callable[[Stage, int], Examination]


class Interrupted(Exception):
    """The user stopped the run; all is saved."""


class Diverged(UserError):
    """A loss is no longer finite."""


@dataclass
class Averages:
    """Running means of logged scalars within a tick; read once a tick, so that a GPU is not made to wait each step."""

    sums: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, logged: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Add one step's scalars."""
        for network, values in logged.items():
            sums, counts = self.sums.setdefault(network, {}), self.counts.setdefault(network, {})
            for name, value in values.items():
                sums[name] = sums[name] + value if name in sums else value.clone()
                counts[name] = counts.get(name, 0) + 1

    def means(self) -> dict[str, dict[str, float]]:
        """Mean of each scalar, in float."""
        return {
            network: {name: float(total) / self.counts[network][name] for name, total in sums.items()}
            for network, sums in self.sums.items()
        }


class LoopUpdate:
    """The `Update` a stage is given."""

    def __init__(
        self,
        stage: Stage,
        hardware: Hardware,
        generator: torch.Generator,
        total_images: int,
        *,
        check_finite: bool = True,
    ) -> None:
        self.stage, self.hardware, self.generator = stage, hardware, generator
        self.check_finite = check_finite
        self.images_shown, self.total_images = 0, total_images

    def autocast(self) -> AbstractContextManager[Any]:
        """The run's precision."""
        return self.hardware.autocast()

    def __call__(self, network: str, loss: Tensor) -> None:
        """Backward, finite check, optimiser step."""
        if self.check_finite and not math.isfinite(loss.item()):
            finding = health.not_finite(network, self.images_shown)
            raise Diverged(f"Training stopped: {finding.message}; {finding.advice}.")
        optimizer = self.stage.optimizers[network]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


class Loop:
    """Trains one stage to the end of its plan, from the last checkpoint if there is one.

    Args:
        pools: the stage's input streams.
        examine: looks at the stage at every snapshot; must draw no number from the training's generator.
        on_tick: is shown every logged line (progress).
    """

    def __init__(
        self,
        stage: Stage,
        pools: Mapping[str, ConditionedPool],
        *,
        name: str,
        plan: Plan,
        checkpoints: CheckpointFolder,
        log: RunLog,
        hardware: Hardware,
        seed: int,
        examine: Examiner,
        on_tick: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self.stage, self.pools, self.name, self.plan = stage, pools, name, plan
        self.checkpoints, self.log, self.hardware = checkpoints, log, hardware
        self.examine, self.on_tick = examine, on_tick
        self.generator = torch.Generator(device=hardware.device).manual_seed(seed)
        self.orders = {stream: DataOrder(len(pool), seed=seed, stream=stream) for stream, pool in pools.items()}
        self.update = LoopUpdate(stage, hardware, self.generator, plan.total)
        self.best: Measurement | None = None
        self.seconds = 0.0

    @property
    def images(self) -> int:
        """Images shown so far."""
        return self.update.images_shown

    def run(self) -> None:
        """Train.

        Raises:
            Interrupted: Ctrl-C or SIGTERM, be it in the last step; a checkpoint was saved.
            Diverged: a loss is no longer finite; the last checkpoint stands.
        """
        self._resume()
        self.stage.train()
        averages, tick_start, tick_images = Averages(), time.monotonic(), self.images
        with _stop_requests() as stopped:
            while self.images < self.plan.total and not self.stage.finished():
                averages.add(self.stage.step(self._batches(), self.update))
                self.update.images_shown += self.plan.batch
                self._average()
                ending = self.images >= self.plan.total or self.stage.finished()
                snapshot = ending or self._passes(self.plan.snapshot)
                if snapshot or stopped.is_set() or self._passes(self.plan.tick):
                    elapsed = time.monotonic() - tick_start
                    self.seconds += elapsed
                    self._tick(averages, rate=(self.images - tick_images) / elapsed, snapshot=snapshot)
                    averages, tick_start, tick_images = Averages(), time.monotonic(), self.images
                if stopped.is_set():
                    if not snapshot:
                        # Unexamined: a look that an undisturbed training does not take must not choose its best checkpoint.
                        self._save(None, best=False)
                    raise Interrupted

    def _passes(self, every: int) -> bool:
        """Whether the step just made crossed a multiple of `every` images."""
        return self.images // every > (self.images - self.plan.batch) // every

    def _batches(self) -> dict[str, Batch]:
        batches = {}
        for stream, pool in self.pools.items():
            positions = self.orders[stream].positions(self.images, self.plan.batch)
            images, labels = pool.read(positions)
            device = self.hardware.device
            conditions = None
            if pool.conditions:
                conditions = torch.from_numpy(pool.read_conditions(positions)).to(device).long()
            batches[stream] = Batch(
                torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device).long(), conditions
            )
        return batches

    @torch.no_grad()
    def _average(self) -> None:
        """Exponential moving averages of weights; buffers are copied [Karras 2018, section 6.1]."""
        for average_name, network_name in self.stage.averaged:
            half_life = self.stage.average_half_life(self.images)
            weight = 1 - 0.5 ** (self.plan.batch / half_life) if half_life > 0 else 1.0
            average, network = getattr(self.stage, average_name), getattr(self.stage, network_name)
            torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), weight)
            for mine, theirs in zip(average.buffers(), network.buffers(), strict=True):
                mine.copy_(theirs)

    def _tick(self, averages: Averages, *, rate: float, snapshot: bool) -> None:
        line: dict[str, Any] = {
            "stage": self.name,
            "images": self.images,
            "kimg": self.images / 1000,
            "unit": self.stage.unit,
            "share_done": round(self.images / self.plan.total, 4),
            "seconds": round(self.seconds, 2),
            "images_per_second": round(rate, 2),
            "memory_mb": _memory_mb(self.hardware.device),
            "losses": averages.means(),
            "augmentation": _optional_float(getattr(self.stage, "augmentation_strength", None)),
            "validation": None,
        }
        best = False
        if snapshot:
            examination = self._examine()
            if examination.measurement is not None:
                line["validation"] = vars(examination.measurement)
                best = examination.measurement.better_than(self.best)
                self.best = examination.measurement if best else self.best
            if examination.diversity is not None:
                line["diversity"] = round(examination.diversity, 4)
            if examination.training_diversity is not None:
                line["training_diversity"] = round(examination.training_diversity, 4)
        mine = [old for old in self.log.lines() if old["stage"] == self.name]
        line["health"] = [
            finding.as_json() for finding in health.assess([*mine, line], adversarial=self.stage.adversarial)
        ]
        self.log.append(line)
        if snapshot:
            self._save(line["validation"], best=best)
        self.on_tick(line)

    def _examine(self) -> Examination:
        self.stage.eval()
        with torch.no_grad():
            examination = self.examine(self.stage, self.images)
        self.stage.train()
        return examination

    def _save(self, measured: dict[str, Any] | None, *, best: bool) -> None:
        state = {
            "images": self.images,
            "seconds": self.seconds,
            "measured": measured,
            "best": vars(self.best) if self.best is not None else None,
            "stage": self.name,
        }
        self.checkpoints.save(capture(self.stage, self.generator), state, best=best)

    def _resume(self) -> None:
        if not self.checkpoints.has("last"):
            self.log.cut_back(self.name, -1)
            return
        checkpoint = self.checkpoints.load("last")
        self.checkpoints.remove_others()
        restore(self.stage, checkpoint.tensors, self.generator)
        self.update.images_shown = int(checkpoint.state["images"])
        self.seconds = float(checkpoint.state["seconds"])
        self.best = Measurement(**checkpoint.state["best"]) if checkpoint.state["best"] else None
        self.log.cut_back(self.name, self.images)


def _optional_float(value: Tensor | None) -> float | None:
    return None if value is None else round(float(value), 5)


def _memory_mb(device: str) -> int:
    if device == "cuda":
        return int(torch.cuda.max_memory_reserved() / 2**20)
    return int(psutil.Process().memory_info().rss / 2**20)


@contextmanager
def _stop_requests() -> Iterator[threading.Event]:
    """Turn SIGINT and SIGTERM into an event while the loop runs; a second signal acts as usual."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def request(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        stopped.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, request)
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
