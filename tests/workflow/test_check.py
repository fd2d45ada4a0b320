"""What a road is told wrongly is said before anything is trained."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import forget_sidecar

import segmint
from segmint.data.dataset import open_dataset
from segmint.data.split import make_split
from segmint.errors import UserError
from segmint.evaluation.gate import GateOrders, inner_splits
from segmint.workflow.check import check_orders
from segmint.workflow.orders import Orders


def copy_images(dataset: Path, one: str, other: str) -> None:
    """Give a subject of the discs the images of another."""
    shutil.copyfile(dataset / "imagesTr" / f"{one}_0000.nii.gz", dataset / "imagesTr" / f"{other}_0000.nii.gz")


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
        ("joint-stylegan2", {"gate": GateOrders(), "arms": ("100F", "100R+300F")}, "gate's arm is compared with 100R"),
        # Of 12 slices one, but of the 6 of an inner fold none.
        (
            "joint-stylegan2",
            {"gate": GateOrders(shares=(5,))},
            "--gate-shares: .* has 5% of 6 real slices, which is none",
        ),
        (
            "datasetgan",
            {"gate": GateOrders(), "settings": {"labelled_images": "8"}},
            "--gate-folds 2 leaves a fold that cannot be used: 8 labelled images are to be inverted and there are 6",
        ),
        ("joint-stylegan2", {"gate": GateOrders(filters=("curated",)), "curate": True}, "--curate curates all pairs"),
        ("joint-stylegan2", {"arms": ("100R", "1F")}, "The arm 1F has 1% of 12 real slices, which is none"),
        ("joint-stylegan2", {"arms": ("100R", "100R+50B+100F")}, r"--arms 100R\+100F\+50B: .* leave B out"),
    ],
)
def test_wrong_orders_are_refused(discs: Path, recipe: str, orders: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        check_orders(Orders(**{"size": 32, **orders}), discs, recipe, beside=discs, device="cpu")


def test_patients_under_two_names_count_as_one_for_the_gate(discs: Path) -> None:
    split = open_dataset(discs).split
    assert split is not None
    one, other = (inner.test[0] for inner in inner_splits(split, split.train))
    copy_images(discs, one, other)
    check_orders(Orders(size=32), discs, "joint-stylegan2", beside=discs, device="cpu")
    with pytest.raises(UserError, match=r"here are 4, which count as 3, as some have the same images, pixel by pixel"):
        check_orders(Orders(size=32, gate=GateOrders()), discs, "joint-stylegan2", beside=discs, device="cpu")


@pytest.mark.parametrize("seed", [0, 1])
def test_a_dataset_without_a_split_is_split_as_training_will(discs: Path, seed: int) -> None:
    split = make_split(open_dataset(discs).subjects, seed=seed)
    assert split != make_split(open_dataset(discs).subjects, seed=1 - seed)
    copy_images(discs, split.train[0], split.test[0])
    forget_sidecar(discs)
    with pytest.raises(UserError, match=f'"{split.train[0]}" .* and "{split.test[0]}"'):
        check_orders(Orders(size=32, seed=seed), discs, "joint-stylegan2", beside=discs, device="cpu")


@pytest.mark.parametrize(
    "orders",
    [
        {"truncation": 0.7},
        {"truncation": 1.0, "augment": ("strong", "cutmix")},
        {"gate": GateOrders((25,)), "curate": True},
    ],
)
def test_right_orders_pass(discs: Path, orders: dict[str, Any]) -> None:
    check_orders(Orders(size=32, **orders), discs, "joint-stylegan2", beside=discs, device="cpu")


def test_masks_of_a_generator_can_be_held_near_the_mean(discs: Path) -> None:
    check_orders(
        Orders(size=32, truncation=0.5, mask_source="mask-stylegan2"), discs, "vess2image", beside=discs, device="cpu"
    )


def test_a_run_says_it_before_it_trains(discs: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="twirl"):
        segmint.run(discs, out=tmp_path / "out", size=32, augment=["twirl"], device="cpu", progress=False)
    assert not (tmp_path / "out" / "run").exists()
