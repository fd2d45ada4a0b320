"""What is wrong in the orders of a trial that trains its own generators, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.arms import REAL_ARM, Arm, parse_arm
from segmint.evaluation.curation.curate import RESULT as CURATION
from segmint.evaluation.design import Design
from segmint.evaluation.gate import FILTERS, KEPT, GateOrders, candidate_arms, inner_splits
from segmint.evaluation.generator import check_generator, draw_pairs
from segmint.evaluation.recipe_orders import RecipeOrders
from segmint.evaluation.regime import Regime


def check_orders(orders: RecipeOrders, real: Design, out: Path) -> None:
    """Refuse what is wrong in the orders, before anything is written.

    Raises:
        UserError: something is.
    """
    if orders.generator_seeds < 1:
        raise UserError(f"--generator-seeds {orders.generator_seeds}: at least one is needed.")
    if orders.generator_seeds > orders.seeds:
        raise UserError(
            f"--seeds {orders.seeds} cannot use {orders.generator_seeds} generators: give at least as many seeds."
        )
    if not orders.gated and not any(arm.synthetic for arm in orders.arms):
        raise UserError(
            f"--recipe {orders.generator.recipe}: no arm would use its pairs; name one with F, such as 100F, or leave it out."
        )
    for arm in orders.arms:
        if not arm.gated:
            arm.counts(len(real.regime.training))
    curated = next((arm.name for arm in orders.arms if arm.curated), None)
    if curated is not None and orders.generator.curate:
        raise _curated_twice(curated)
    if real.real_slices is not None:
        raise UserError(
            "--real-slices: generators learn from whole subjects, so use a stored --subset of them with --recipe."
        )
    for path in orders.given:
        if orders.generator.curate != (path / CURATION).is_file():
            raise UserError(
                f"{path} is {'not ' if orders.generator.curate else ''}curated, and the gate would judge pairs that are"
                f"{'' if orders.generator.curate else ' not'}: give --curate and what segmint curate wrote, or neither."
            )

    def trainable(split: Split) -> None:
        if orders.draw is draw_pairs:
            check_generator(
                orders.generator,
                orders.dataset,
                split=split,
                subset=real.subset,
                size=real.regime.slices.size,
                axis=real.regime.slices.axis,
                beside=out,
                device=orders.jobs.device_here(orders.device),
            )

    trainable(real.regime.split)
    if orders.gated:
        check_gate(
            orders.gate,
            orders.arms,
            real.regime,
            curate=orders.generator.curate,
            designed=lambda split: orders.designed(real, [], [parse_arm(REAL_ARM)], seeds=1, split=split, inner=True),
            trainable=trainable,
        )


def check_gate(
    gate: GateOrders,
    arms: Sequence[Arm],
    regime: Regime,
    *,
    curate: bool,
    designed: Callable[[Split], Design],
    trainable: Callable[[Split], None],
) -> None:
    """Refuse what the gate of a trial could not look at.

    Args:
        arms: of the trial; regime: its real slices.
        curate: all pairs of the trial are curated.
        designed: the trial of 100R alone on another split; trainable: refuses a split on which no generator can be trained.

    Raises:
        UserError: 100R is missing, there are no seeds, shares or filters, pairs would be curated twice, or a fold cannot be
            used.
    """
    if not any(arm.name == REAL_ARM for arm in arms):
        raise UserError(f"--arms: the gate's arm is compared with {REAL_ARM}; name that too.")
    if gate.seeds < 1:
        raise UserError(f"--gate-seeds {gate.seeds}: at least one is needed.")
    if curate and KEPT in (gate.filters or ()):
        raise _curated_twice("--gate-filters curated")
    candidates = candidate_arms(gate.shares, gate.filters or FILTERS)
    for split in inner_splits(regime.split, regime.labelled, folds=gate.folds, marks=regime.slices.subjects_by_mark):
        try:
            inner = designed(split)
            trainable(split)
        except UserError as error:
            raise UserError(f"--gate-folds {gate.folds} leaves a fold that cannot be used: {error}") from error
        try:
            for arm in candidates:
                arm.counts(len(inner.regime.training))
        except UserError as error:
            raise UserError(f"--gate-shares: {error}") from error


def _curated_twice(named: str) -> UserError:
    return UserError(f"{named}: --curate curates all pairs of the trial; leave one of the two out.")
