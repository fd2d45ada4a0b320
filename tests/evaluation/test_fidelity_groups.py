"""The groups of subjects that are left out in turn."""

from __future__ import annotations

import numpy as np

from segmint.evaluation.fidelity_groups import dealt_groups
from segmint.evaluation.image_summary import ImageSummary


def test_as_many_groups_of_each_set_and_each_part_that_is_new_to_a_network_loses_its_share() -> None:
    units = np.repeat(np.arange(24), 2)
    values, learned = np.ones((48, 3)), np.isin(units, [0, 3, 4, 5, 8, 11, 13, 17, 18, 20, 21, 23])[:, None]
    features = {
        "net": values,
        "segmenter/0": np.where(learned, np.nan, values),
        "segmenter/1": np.where(learned, values, np.nan),
    }
    rest = {}, np.empty((0, 1, 1)), np.empty((0, 2), np.int64), np.empty(0)
    few = ImageSummary(np.arange(6), {"net": np.ones((6, 3))}, *rest)
    for seed in range(10):
        groups, other = dealt_groups((ImageSummary(units, features, *rest), few), seed=seed)
        assert sorted(other) == list(range(6))
        for part in (learned[:, 0], ~learned[:, 0]):
            assert np.bincount(groups[part]).tolist() == [4] * 6
