"""What is wrong in the orders of a road, found before the hours of training that come first."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from segmint.data.dataset import open_dataset
from segmint.data.split import make_split
from segmint.errors import UserError
from segmint.evaluation.arms import REAL_ARM, Arm, parse_arms
from segmint.evaluation.design import design_trial, told_by
from segmint.evaluation.generator import check_generator
from segmint.evaluation.primary import choose_primary
from segmint.evaluation.recipe_check import check_gate
from segmint.synthesis.drawing_check import check_drawing
from segmint.workflow.orders import Orders


def check_orders(orders: Orders, dataset: Path, recipe: str, *, beside: Path, device: str) -> None:
    """Refuse what drawing pairs or the trial would refuse; training checks its own part as it begins.

    Args:
        recipe: that will be trained; device: on which segmenters will be; beside: some path in whose place nothing is written.

    Raises:
        UserError: something in the orders is wrong.
    """
    opened = open_dataset(dataset)
    check_drawing(
        recipe,
        preset=orders.preset,
        mask_source=orders.mask_source,
        truncation=orders.truncation,
        balance=orders.balance,
        label_names=opened.label_names,
    )
    arms = parse_arms(orders.arms)
    choose_primary([*arms, *([Arm(gated=True)] if orders.gate is not None else [])], orders.primary)
    repeating = next((arm.name for arm in arms if arm.repeated), None)
    if repeating is not None:
        raise UserError(
            f"--arms {repeating}: this command repeats no slices of one label; leave B out, or name the label to segmint trial"
            " (--repeat)."
        )
    # Synthetic arms need a synthetic set; all else of the trial is there.
    designed = partial(
        design_trial,
        dataset,
        [],
        size=orders.size,
        axis=orders.axis,
        arms=[REAL_ARM],
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
    with told_by("--segmenter-set"):
        # The split that training will make, where there is none: the trial takes that of the run.
        regime = designed(
            seeds=orders.seeds, split=opened.split or make_split(opened.subjects, seed=orders.seed)
        ).regime
        for arm in arms:
            arm.counts(len(regime.training))
        if orders.gate is not None:
            check_gate(
                orders.gate,
                arms,
                regime,
                curate=orders.curate,
                designed=lambda split: designed(seeds=1, split=split, inner=True),
                trainable=lambda split: check_generator(
                    orders.generator(recipe),
                    dataset,
                    split=split,
                    subset=orders.subset,
                    size=regime.slices.size,
                    axis=regime.slices.axis,
                    beside=beside,
                    device=device,
                ),
            )
