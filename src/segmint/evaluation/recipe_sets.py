"""The synthetic sets of a trial that trains its own generators: who draws them, and where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from segmint.data.subjects import Split
from segmint.evaluation.arms import Arm
from segmint.evaluation.design import Design
from segmint.evaluation.generator import check_kept
from segmint.evaluation.jobs.curation_job import CurationJob
from segmint.evaluation.jobs.job import Plan
from segmint.evaluation.jobs.pairs_job import PairsJob
from segmint.evaluation.recipe_orders import RecipeOrders


@dataclass(frozen=True)
class Place:
    """Where a part of the trial is: its folder, and what is said before its lines; `threads` are those of all parts."""

    folder: Path
    threads: int
    where: str

    def inside(self, *folders: str, words: str) -> Place:
        """A part of this part."""
        return Place(self.folder.joinpath(*folders), self.threads, f"{self.where}{words}, ")


def made_sets(
    orders: RecipeOrders, real: Design, arms: Sequence[Arm], place: Place
) -> Plan[tuple[list[Path], list[Path]]]:
    """Sets as drawn, and curated ones: of those given, or of generators trained on the trial's own split."""
    slices = len(real.regime.training)
    needed = _most(arms, slices, curated=True)
    if orders.given and not needed:
        return list(orders.given), []
    if orders.given:
        kept = [
            _curation(orders, real, path, pairs=needed, place=place.inside("curated", f"set{number}", words="curation"))
            for number, path in enumerate(orders.given)
        ]
        yield kept
        return list(orders.given), [job.target for job in kept]
    if not any(arm.synthetic for arm in arms):
        return [], []
    jobs = []
    for seed in range(orders.generator_seeds):
        inside = place.inside("generators", f"seed{seed}", words=f"generator {seed + 1}")
        jobs.append(pairs_job(orders, real, real.regime.split, arms, slices=slices, seed=seed, place=inside))
    yield jobs
    if needed:
        for job in jobs:
            check_kept(job.curated_target, needed=needed)
    return [job.target for job in jobs], [job.curated_target for job in jobs]


def _curation(orders: RecipeOrders, real: Design, drawn: Path, *, pairs: int, place: Place) -> CurationJob:
    return CurationJob(
        title=place.where.removesuffix(", "),
        dataset=orders.dataset,
        drawn=drawn,
        split=real.regime.split,
        size=real.regime.slices.size,
        axis=real.regime.slices.axis,
        pairs=pairs,
        folder=place.folder,
        steps=real.steps,
        batch=real.batch,
        device=orders.device,
        progress=orders.progress,
    )


def pairs_job(
    orders: RecipeOrders, real: Design, split: Split, arms: Sequence[Arm], *, slices: int, seed: int, place: Place
) -> PairsJob:
    """A synthetic set that is large enough for the arms, of a generator that sees no subject tested here or later.

    Args:
        slices: real ones that the arms' percentages are of.
    """
    tested = Split(split.train, split.validation, tuple(dict.fromkeys((*split.test, *real.regime.split.test))))
    return PairsJob(
        title=place.where.removesuffix(", "),
        orders=replace(orders.generator, threads=place.threads),
        dataset=orders.dataset,
        split=tested,
        subset=real.subset,
        size=real.regime.slices.size,
        axis=real.regime.slices.axis,
        seed=seed,
        pairs=_most(arms, slices, curated=False),
        curated=_most(arms, slices, curated=True),
        folder=place.folder,
        steps=real.steps,
        batch=real.batch,
        device=orders.device,
        progress=orders.progress,
        draw=orders.draw,
    )


def _most(arms: Sequence[Arm], real_slices: int, *, curated: bool) -> int:
    """How many synthetic pairs the arms with C, or with F, take at most."""
    return max(
        (arm.counts(real_slices).synthetic for arm in arms if arm.synthetic and arm.curated == curated), default=0
    )
