from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmint.data.exemplars import choose_exemplars


def present(*rows: tuple[int, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Labels, background aside, of each pair."""
    table = np.zeros((len(rows), 4), dtype=bool)
    table[:, 0] = True
    for number, labels in enumerate(rows):
        table[number, list(labels)] = True
    return table


def test_they_are_spread_over_the_pairs() -> None:
    chosen = choose_exemplars(present(*[(1,)] * 40), 4)
    assert chosen.tolist() == [5, 15, 25, 35]


def test_empty_pairs_come_in_their_share_but_never_more_than_half() -> None:
    few_empty = present(*[(1,), (1,), (1,), ()] * 10)
    assert sum(few_empty[choose_exemplars(few_empty, 8), 1]) == 6
    most_empty = present(*[(), (), (), (), (), (), (), (), (), (1,)] * 4)
    assert sum(most_empty[choose_exemplars(most_empty, 8), 1]) == 4


def test_a_rare_label_is_among_them() -> None:
    table = present(*[(1,)] * 20, (1, 2), *[(1,)] * 10, (3,), *[(1,)] * 9)
    assert table[choose_exemplars(table, 4)].any(axis=0).all()


def test_rare_labels_are_among_them_as_often_as_asked() -> None:
    table = present(*[(1,), (1,), (1,), (), ()] * 20, (1, 2), (2,), (1, 3), (3,), (3,), (3,))
    chosen = table[choose_exemplars(table, 12, least=3)]
    # There are but two with the second label.
    assert chosen[:, 2].sum() == 2
    assert chosen[:, 3].sum() >= 3
    assert chosen[:, 1].sum() >= 3


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sets(st.integers(1, 3)), min_size=1, max_size=30), st.data())
def test_as_many_as_asked_for_and_each_once(rows: list[set[int]], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(rows)))
    chosen = choose_exemplars(present(*[tuple(row) for row in rows]), n, least=data.draw(st.integers(1, 4)))
    assert len(set(chosen.tolist())) == n
    assert chosen.tolist() == sorted(chosen.tolist())
    assert 0 <= chosen.min() <= chosen.max() < len(rows)


def test_more_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be chosen"):
        choose_exemplars(present((1,), (2,)), 3)
