"""Mask values become consecutive ids, one to one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmint.data.convert.mask_values import map_values
from segmint.errors import UserError

WHERE = Path("masks")


@settings(deadline=None, max_examples=50)
@given(values=st.sets(st.integers(16, 230), min_size=1, max_size=20), seed=st.integers(0, 99))
def test_every_value_keeps_its_own_id(values: set[int], seed: int) -> None:
    stored = np.array([0, *sorted(values)])
    mapping = map_values(dict.fromkeys(map(int, stored), WHERE), labels=None, where=WHERE)
    mask = np.random.default_rng(seed).choice(stored, (5, 6))
    ids = mapping.apply(mask)
    assert np.array_equal(stored[ids], mask)
    assert len(mapping.names) == len(stored)


@pytest.mark.parametrize("values", [[0, 1], [0, 1, 2, 3], [1, 2]])
def test_consecutive_ids_stay_what_they_are(values: list[int]) -> None:
    mapping = map_values(dict.fromkeys(values, WHERE), labels=None, where=WHERE)
    assert mapping.identical
    assert mapping.apply(np.array(values)).tolist() == values
    assert "are the label ids already" in mapping.sentence()


def test_gaps_are_closed_and_said() -> None:
    mapping = map_values(dict.fromkeys([0, 1, 2, 4], WHERE), labels=("necrosis", "edema", "enhancing"), where=WHERE)
    assert mapping.apply(np.array([0, 1, 2, 4])).tolist() == [0, 1, 2, 3]
    assert mapping.sentence() == (
        "Mask values were mapped to consecutive ids: "
        "0 -> 0 background, 1 -> 1 necrosis, 2 -> 2 edema, 4 -> 3 enhancing."
    )


def test_named_values_decide_the_order_and_the_background() -> None:
    labels = {"background": 255, "vessel": 0, "vein": 7}
    mapping = map_values(dict.fromkeys([0, 7, 255], WHERE), labels=labels, where=WHERE)
    assert mapping.apply(np.array([255, 0, 7])).tolist() == [0, 1, 2]


def test_a_named_label_may_be_in_no_mask() -> None:
    mapping = map_values({0: WHERE, 2: WHERE}, labels={"a": 1, "b": 2}, where=WHERE)
    assert mapping.names == ("background", "a", "b")
    assert mapping.apply(np.array([0, 2])).tolist() == [0, 2]


def test_more_labels_than_8_bits_hold_are_refused() -> None:
    with pytest.raises(UserError, match="300 different labels"):
        map_values(dict.fromkeys(range(301), WHERE), labels=None, where=WHERE)
