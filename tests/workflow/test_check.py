"""What a road is told wrongly is said before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import segmint
from segmint.errors import UserError
from segmint.evaluation.gate import GateOrders
from segmint.workflow.check import check_orders
from segmint.workflow.orders import Orders


@pytest.mark.parametrize(
    ("recipe", "orders", "said"),
    [
        ("joint-stylegan2", {"truncation": 2.0}, "--truncation 2 must be above 0"),
        ("vess2image", {"truncation": 0.5}, "vess2image with --mask-source deformed paints masks"),
        ("vess2image", {"truncation": 0.5, "mask_source": "real"}, "with --mask-source real paints masks"),
        ("joint-stylegan2", {"balance": {"nothing": 0.5}}, "--balance nothing"),
        ("joint-stylegan2", {"augment": ("twirl",)}, "twirl"),
        ("joint-stylegan2", {"seeds": 0}, "--seeds 0"),
        ("joint-stylegan2", {"steps": 0}, "--steps 0"),
        ("joint-stylegan2", {"trial_batch": 0}, "--batch 0"),
        ("joint-stylegan2", {"size": 3}, "at least 4 pixels a side, not 3"),
        ("joint-stylegan2", {"subset": "some"}, "some"),
        ("joint-stylegan2", {"gate": GateOrders(seeds=0)}, "--gate-seeds 0"),
        ("joint-stylegan2", {"gate": GateOrders(shares=(0,))}, "--gate-shares"),
        ("joint-stylegan2", {"gate": GateOrders(folds=99)}, "99"),
    ],
)
def test_wrong_orders_are_refused(discs: Path, recipe: str, orders: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        check_orders(Orders(**{"size": 32, **orders}), discs, recipe, device="cpu")


@pytest.mark.parametrize("orders", [{"truncation": 0.7}, {"truncation": 1.0, "augment": ("strong", "cutmix")}])
def test_right_orders_pass(discs: Path, orders: dict[str, Any]) -> None:
    check_orders(Orders(size=32, **orders), discs, "joint-stylegan2", device="cpu")


def test_masks_of_a_generator_can_be_held_near_the_mean(discs: Path) -> None:
    check_orders(Orders(size=32, truncation=0.5, mask_source="mask-stylegan2"), discs, "vess2image", device="cpu")


def test_a_run_says_it_before_it_trains(discs: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="twirl"):
        segmint.run(discs, out=tmp_path / "out", size=32, augment=["twirl"], device="cpu", progress=False)
    assert not (tmp_path / "out" / "run").exists()
