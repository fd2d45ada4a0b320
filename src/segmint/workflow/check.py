"""What is wrong in the orders of a road, found before the hours of training that come first."""

from __future__ import annotations

from pathlib import Path

from segmint.data.dataset import open_dataset
from segmint.errors import UserError
from segmint.evaluation.arms import REAL_ARM, Arm, parse_arms
from segmint.evaluation.design import design_trial, told_by
from segmint.evaluation.gate import FILTERS, candidate_arms, inner_splits
from segmint.evaluation.primary import choose_primary
from segmint.synthesis.drawing_check import check_drawing
from segmint.workflow.orders import Orders


def check_orders(orders: Orders, dataset: Path, recipe: str, *, device: str) -> None:
    """Refuse what drawing pairs or the trial would refuse; training checks its own part as it begins.

    Args:
        recipe: that will be trained; device: on which segmenters will be.

    Raises:
        UserError: something in the orders is wrong.
    """
    check_drawing(
        recipe,
        preset=orders.preset,
        mask_source=orders.mask_source,
        truncation=orders.truncation,
        balance=orders.balance,
        label_names=open_dataset(dataset).label_names,
    )
    choose_primary([*parse_arms(orders.arms), *([Arm(gated=True)] if orders.gate is not None else [])], orders.primary)
    # Synthetic arms need a synthetic set; all else of the trial is there.
    with told_by("--segmenter-set"):
        design = design_trial(
            dataset,
            [],
            size=orders.size,
            axis=orders.axis,
            arms=[REAL_ARM],
            seeds=orders.seeds,
            steps=orders.steps,
            batch=orders.trial_batch,
            segmenter=orders.segmenter,
            segmenter_preset=orders.segmenter_preset,
            segmenter_capacity=orders.segmenter_capacity,
            segmenter_settings=orders.segmenter_settings,
            augment=orders.augment,
            surface_tolerance=orders.surface_tolerance,
            subset=orders.subset,
            real_slices=None,
            device=device,
            demonstration=False,
        )
    if orders.gate is None:
        return
    if orders.gate.seeds < 1:
        raise UserError(f"--gate-seeds {orders.gate.seeds}: at least one is needed.")
    candidate_arms(orders.gate.shares, orders.gate.filters or FILTERS)
    inner_splits(design.regime.split, design.regime.labelled, folds=orders.gate.folds)
