"""What `segmint run` and `segmint demo` are told to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from segmint.evaluation.arms import DEFAULT_ARMS
from segmint.evaluation.gate import GateOrders
from segmint.evaluation.generator import GeneratorOrders


@dataclass(frozen=True)
class Orders:
    """All that decides the result, as it goes into `steps.json`; None leaves a choice to the step itself."""

    recipe: str | None = None
    size: int | None = None
    kimg: float | None = None
    batch: int | None = None
    preset: str = "repaired"
    capacity: str | None = None
    mask_source: str | None = None
    auxiliary: str | None = None
    conditions: tuple[str, ...] | None = None
    tile: int | None = None
    balance: Mapping[str, float] = field(default_factory=dict)
    subset: str | None = None
    unlabelled: str = "auto"
    settings: Mapping[str, str] = field(default_factory=dict)
    axis: int | None = None
    seed: int = 0
    truncation: float | None = None
    arms: tuple[str, ...] = DEFAULT_ARMS
    primary: str | None = None
    seeds: int = 5
    steps: int | None = None
    trial_batch: int | None = None
    segmenter: str = "unet"
    segmenter_preset: str = "repaired"
    segmenter_capacity: str | None = None
    segmenter_settings: Mapping[str, str] = field(default_factory=dict)
    augment: tuple[str, ...] = ()
    surface_tolerance: float | None = None
    fidelity: bool = True
    privacy: bool = True
    alignment: bool = False
    gate: GateOrders | None = None
    curate: bool = False
    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None

    def generator(self, recipe: str) -> GeneratorOrders:
        """The same as the run's own, for the folds of the gate."""
        return GeneratorOrders(
            recipe,
            kimg=self.kimg,
            batch=self.batch,
            preset=self.preset,
            capacity=self.capacity,
            mask_source=self.mask_source,
            auxiliary=self.auxiliary,
            conditions=self.conditions,
            tile=self.tile,
            unlabelled=self.unlabelled,
            settings=self.settings,
            balance=self.balance,
            truncation=self.truncation,
            precision=self.precision,
            threads=self.threads,
            curate=self.curate,
        )
