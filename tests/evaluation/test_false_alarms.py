from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from segmint.evaluation.false_alarms import compare_false_alarms, surely_more

ABSENT = np.arange(20)[:, None] < 12


def scores(found: int) -> np.ndarray:
    """Dice [3 seeds, 20 subjects, 1 label]: 12 subjects lack the label, and the first `found` of them show it all the same."""
    lacking = np.where(np.arange(12) < found, 0.0, np.nan)
    return np.tile(np.concatenate([lacking, np.full(8, 0.8)])[None, :, None], (3, 1, 1))


def test_the_share_of_subjects_without_the_label_that_show_it() -> None:
    alarms = compare_false_alarms(scores(6), scores(3), ABSENT)
    assert alarms is not None
    assert (alarms.treated, alarms.control, alarms.difference.value) == (0.5, 0.25, 0.25)
    differences = np.repeat([0.0, 1.0, 0.0], [3, 3, 6])
    oracle = stats.t.interval(0.95, 11, 0.25, stats.sem(differences))
    assert alarms.difference.interval == pytest.approx(oracle)


@pytest.mark.parametrize(("found", "sure"), [(0, False), (3, False), (6, True), (9, True), (11, True), (12, True)])
def test_more_of_them_are_never_less_sure(found: int, sure: bool) -> None:
    """As the sign test, the oracle: of 12 subjects 6 that all change one way are sure, 3 are not."""
    alarms = compare_false_alarms(scores(found), scores(0), ABSENT)
    assert alarms is not None
    assert surely_more(alarms.difference) == sure == (2 * 0.5**found < 0.05)
    assert alarms.difference.high <= 1


def test_where_every_subject_has_every_label_there_are_none() -> None:
    assert compare_false_alarms(scores(3), scores(0), np.zeros((20, 1), dtype=bool)) is None
    assert not surely_more(None)
    one = np.arange(20)[:, None] < 1
    alarms = compare_false_alarms(scores(3), scores(0), one)
    assert alarms is not None
    assert not surely_more(alarms.difference), "one subject says nothing of others"
