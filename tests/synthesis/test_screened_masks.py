from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segmint.data.conditioned_pool import ConditionedPool
from segmint.data.dataset import open_dataset
from segmint.data.phantoms import write_phantom
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import open_slices
from segmint.errors import UserError
from segmint.evaluation.mask_comparison import compare_masks
from segmint.evaluation.mask_set import MaskSet
from segmint.synthesis.mask_source import BalancedMasks, DeformedMasks, RealMasks
from segmint.synthesis.screened_masks import ScreenedMasks, Yardstick, yardstick_of


def pool_of(kind: str, folder: Path) -> ConditionedPool:
    """All slices of ten subjects of a phantom."""
    dataset = open_dataset(write_phantom(kind, folder / kind, subjects=10, seed=0, size=64))
    slices = open_slices(dataset, size=64)
    return ConditionedPool(PairPool([PoolPart(slices, slices.indices(dataset.subjects))]))


@pytest.fixture(scope="module")
def vessels(tmp_path_factory: pytest.TempPathFactory) -> ConditionedPool:
    return pool_of("retina", tmp_path_factory.mktemp("screened"))


@pytest.fixture(scope="module")
def lesions(tmp_path_factory: pytest.TempPathFactory) -> ConditionedPool:
    """With a lesion on 18% of the slices."""
    return pool_of("stroke", tmp_path_factory.mktemp("screened"))


def squares(*sides: int) -> np.ndarray:
    """[n, 32, 32] one square each, each somewhere else."""
    masks = np.zeros((len(sides), 32, 32), dtype=np.uint8)
    for number, side in enumerate(sides):
        masks[number, 2 * number : 2 * number + side, 2:][:, :side] = 1
    return masks


def test_screened_masks_are_as_an_evaluation_wants_them(vessels: ConditionedPool) -> None:
    yardstick, deformed = yardstick_of(vessels), DeformedMasks(RealMasks(vessels))
    plain, screened = deformed.draw(range(60), seed=1), ScreenedMasks(deformed, yardstick).draw(range(60), seed=1)
    kept = yardstick.allows(plain[:, 0])
    assert 0 < kept.sum() < 60
    assert np.array_equal(screened[kept], plain[kept])
    real = MaskSet(vessels.read_masks(np.arange(len(vessels)))[:, 0], vessels.pool.subjects)
    names = [str(number) for number in range(60)]
    found = compare_masks(MaskSet(screened[:, 0], names), real, label_names=("background", "vessel"))
    assert found["nearest"]["share_above"] == 0
    shapes = found["labels"]["vessel"]
    assert {shapes[name]["inside"] for name in shapes if name != "present"} == {1.0}


def test_a_screened_mask_depends_on_its_number_and_the_seed_alone(vessels: ConditionedPool) -> None:
    source = ScreenedMasks(DeformedMasks(RealMasks(vessels)), yardstick_of(vessels))
    drawn = source.draw(range(30), seed=2)
    assert np.array_equal(source.draw([7, 21], seed=2), drawn[[7, 21]])
    assert not np.array_equal(source.draw(range(30), seed=3), drawn)


def test_what_a_yardstick_allows() -> None:
    masks = squares(5, 6, 7, 8, 9, 10)
    masks = np.concatenate([masks, np.roll(masks, (9, 18), axis=(1, 2))])
    yardstick = Yardstick.of(masks, list("abcdefghijkl"))
    assert set(yardstick.ranges) == {1}
    elsewhere = np.roll(masks[3], 8, axis=1)
    with_hole = elsewhere.copy()
    with_hole[tuple(np.argwhere(elsewhere).mean(axis=0).astype(int))] = 0
    larger = np.roll(squares(12)[0], (6, 8), axis=(0, 1))
    outside = np.roll(masks[3], (-6, 21), axis=(0, 1))
    shown = np.stack([elsewhere, masks[3], larger, with_hole, np.zeros_like(elsewhere), 2 * elsewhere, outside])
    assert yardstick.allows(shown).tolist() == [True, *[False] * 6]
    some_empty = Yardstick.of(np.concatenate([masks, 0 * masks[:2]]), list("abcdefghijklmn"))
    assert some_empty.allows(shown).tolist() == [True, False, False, False, True, False, False]


def test_a_label_of_few_subjects_has_no_range() -> None:
    masks = squares(5, 6, 7, 8, 9, 10)
    masks[0, 20:, 20:] = 2
    assert set(Yardstick.of(masks, list("abcdef")).ranges) == {1}


def test_few_subjects_say_nothing_of_what_is_usual() -> None:
    with pytest.raises(UserError, match="of 4 subjects, too few"):
        Yardstick.of(squares(5, 6, 7, 8, 9, 10), list("aabbcd"))


def test_a_source_that_only_copies_is_named(vessels: ConditionedPool) -> None:
    source = ScreenedMasks(RealMasks(vessels), yardstick_of(vessels))
    with pytest.raises(UserError, match="none of 200 masks drawn in a row"):
        source.draw([0], seed=0)


def test_a_balance_holds_behind_the_screen(lesions: ConditionedPool) -> None:
    yardstick = yardstick_of(lesions)
    source = BalancedMasks(ScreenedMasks(DeformedMasks(RealMasks(lesions)), yardstick), label=1, share=0.5)
    drawn = source.draw(range(40), seed=1)[:, 0]
    assert (drawn == 1).any(axis=(1, 2)).sum() == 20
    assert yardstick.allows(drawn).all()


def test_no_label_gets_rarer_by_the_screen(lesions: ConditionedPool) -> None:
    deformed = DeformedMasks(RealMasks(lesions))
    held = [
        source.draw(range(120), seed=0)[:, 0].any(axis=(1, 2))
        for source in (deformed, ScreenedMasks(deformed, yardstick_of(lesions)))
    ]
    assert 0 < held[0].sum() < 60
    assert np.array_equal(*held)
