"""What a trial that trains its own generators is told, and the designs that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from segmint.data.dataset import open_dataset
from segmint.data.subjects import Split
from segmint.evaluation.arms import REAL_ARM, Arm, parse_arm
from segmint.evaluation.cells import TrainsSegmenter
from segmint.evaluation.design import Design
from segmint.evaluation.gate import ALL, FILTERS, GateOrders, candidate_arms
from segmint.evaluation.generator import DrawsPairs, GeneratorOrders, draw_pairs
from segmint.evaluation.jobs.orders import IN_ORDER, JobOrders
from segmint.evaluation.primary import choose_primary


class MakesDesign(Protocol):
    """Resolves a trial of these arms; everything else about it is fixed."""

    def __call__(
        self,
        synthetic: Sequence[Path],
        *,
        arms: Sequence[str],
        seeds: int,
        split: Split | None,
        repeat: str | None,
        size: int | None,
        axis: int | None,
        curated: bool = False,
        inner: bool = False,
    ) -> Design: ...


@dataclass(frozen=True)
class RecipeOrders:
    """Arms, seeds, generators and gate of a trial whose synthetic sets are made on the way.

    Attributes:
        arms: as asked for; the gated one is resolved by the gate. primary: likewise.
        given: synthetic sets for the arms, where the generators are for the gate alone.
        size, axis, repeat: as in `segmint.trial`; split: in the place of the dataset's own.
        generator_seeds: generators trained for the trial itself; seed k of every arm with F takes set k modulo their number.
        generators_of: a trial whose finished generators are taken instead of training the same ones.
        jobs: where generators and cells are trained.
    """

    dataset: Path
    arms: tuple[Arm, ...]
    seeds: int
    generator: GeneratorOrders
    generator_seeds: int
    gate: GateOrders
    make: MakesDesign
    device: str
    progress: bool
    train: TrainsSegmenter
    draw: DrawsPairs = draw_pairs
    primary: str | None = None
    given: tuple[Path, ...] = ()
    size: int | None = None
    axis: int | None = None
    repeat: str | None = None
    split: Split | None = None
    generators_of: Path | None = None
    jobs: JobOrders = IN_ORDER

    @property
    def gated(self) -> bool:
        """Whether one of the arms is the gate's."""
        return any(arm.gated for arm in self.arms)

    @property
    def compared(self) -> str | None:
        """The arm of the primary comparison."""
        return choose_primary(self.arms, self.primary)

    def resolved(self) -> Design:
        """Split, size, axis and what is repeated, by the given sets where there are any, before anything is trained."""
        asked = [arm for arm in self.arms if not arm.gated]
        if not any(arm.content == REAL_ARM for arm in asked):
            asked.insert(0, parse_arm(REAL_ARM))
        if self.given:
            # Curated pairs are part of the given ones, which must be as many at least.
            shown = [*asked, *(candidate_arms(self.gate.shares) if self.gated else ())]
            arms = list(dict.fromkeys(replace(arm, curated=False) for arm in shown))
        else:
            arms = [arm for arm in asked if not arm.synthetic]
        repeating = any(arm.repeated for arm in self.arms)
        # An arm of repeated slices beside pairs is not among them yet.
        repeat = self.repeat if any(arm.repeated for arm in arms) or not repeating else None
        return self.make(
            self.given,
            arms=[arm.name for arm in arms],
            seeds=self.seeds,
            split=self.split,
            repeat=repeat,
            size=self.size,
            axis=self.axis,
        )

    def inputs(self, real: Design) -> list[Path]:
        """Folders that are read."""
        taken = [] if self.generators_of is None else [self.generators_of]
        return [*real.inputs, *self.given, *self.generator.inputs, *taken]

    def settings(self, real: Design) -> dict[str, Any]:
        """All that decides the result, as JSON."""
        return real.settings() | {
            "arms": [arm.name for arm in self.arms],
            "primary": self.compared,
            "generator": self.generator.as_json() | {"seeds": self.generator_seeds},
            "synthetic": [open_dataset(path).identity for path in self.given],
            "gate": asdict(self.gate) | {"filters": list(self.filters)} if self.gated else None,
        }

    def designs(
        self,
        real: Design,
        arms: Sequence[Arm],
        sets: Sequence[Path],
        curated: Sequence[Path],
        *,
        seeds: int,
        split: Split,
        inner: bool = False,
    ) -> list[Design]:
        """A trial of the arms without C, and one of those with it, whichever there are."""
        plain, kept = ([arm for arm in arms if arm.curated == kind] for kind in (False, True))
        designs = []
        if plain:
            used = sets if any(arm.synthetic for arm in plain) else ()
            designs.append(self.designed(real, used, plain, seeds=seeds, split=split, inner=inner))
        if kept:
            designs.append(self.designed(real, curated, kept, seeds=seeds, split=split, inner=inner))
        return designs

    def designed(
        self,
        real: Design,
        sets: Sequence[Path],
        arms: Sequence[Arm],
        *,
        seeds: int,
        split: Split,
        inner: bool = False,
    ) -> Design:
        """A trial of these arms on another split, on the same grid; an `inner` one is of the gate."""
        return self.make(
            sets,
            arms=[arm.name for arm in arms],
            seeds=seeds,
            split=split,
            repeat=self.repeat if any(arm.repeated for arm in arms) else None,
            size=real.regime.slices.size,
            axis=real.regime.slices.axis,
            curated=any(arm.curated for arm in arms),
            inner=inner,
        )

    @property
    def filters(self) -> tuple[str, ...]:
        """Which pairs the gate chooses of: where all are curated anyway, of those."""
        return self.gate.filters or ((ALL,) if self.generator.curate else FILTERS)
