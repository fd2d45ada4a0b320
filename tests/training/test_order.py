from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from segmint.training.order import DataOrder


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 40), seed=st.integers(0, 2**31), first=st.integers(0, 200), n=st.integers(1, 50))
def test_what_is_shown_depends_on_its_number_alone(count: int, seed: int, first: int, n: int) -> None:
    whole = DataOrder(count, seed=seed, stream="labelled").positions(0, first + n)
    part = DataOrder(count, seed=seed, stream="labelled").positions(first, n)
    assert np.array_equal(whole[first:], part)


def test_every_epoch_shows_every_item_once() -> None:
    order = DataOrder(13, seed=3, stream="labelled")
    epochs = order.positions(0, 39).reshape(3, 13)
    assert all(sorted(epoch) == list(range(13)) for epoch in epochs.tolist())
    assert not np.array_equal(epochs[0], epochs[1])


def test_streams_and_seeds_differ() -> None:
    base = DataOrder(50, seed=0, stream="labelled").positions(0, 50)
    assert not np.array_equal(base, DataOrder(50, seed=0, stream="unlabelled").positions(0, 50))
    assert not np.array_equal(base, DataOrder(50, seed=1, stream="labelled").positions(0, 50))
