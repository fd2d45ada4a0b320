from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from segmint.evaluation.signed_rank import signed_ranks


def test_each_arm_has_the_p_value_of_scipy_on_its_subject_means() -> None:
    rng = np.random.default_rng(0)
    control = rng.normal(0.7, 0.1, (3, 12))
    arms = {
        "100F": control - 0.03 + rng.normal(0, 0.02, control.shape),
        "100R+300F": control + rng.normal(0, 0.02, (3, 12)),
    }
    found = signed_ranks(arms, control)
    for name, scores in arms.items():
        assert found[name].p == pytest.approx(stats.wilcoxon(scores.mean(axis=0), control.mean(axis=0)).pvalue)
        assert found[name].subjects == 12
    assert found["100F"].adjusted == pytest.approx(2 * found["100F"].p)
    assert found["100R+300F"].adjusted == found["100R+300F"].p


def test_holm_by_hand() -> None:
    """Six subjects, all with one sign: p = 2 / 2^6; five of six in rank, the smallest against: p = 4 / 64; and so on."""
    control = np.zeros((1, 6))
    steps = np.arange(1.0, 7.0)[None] / 100
    signs = {"all": [1] * 6, "one": [-1, 1, 1, 1, 1, 1], "two": [1, -1, 1, 1, 1, 1], "half": [-1, 1, -1, 1, -1, 1]}
    found = signed_ranks({name: steps * sign for name, sign in signs.items()}, control)
    p = [2 / 64, 4 / 64, 6 / 64]
    assert [found[name].p for name in ("all", "one", "two")] == pytest.approx(p)
    assert found["all"].adjusted == pytest.approx(4 * p[0])
    assert found["one"].adjusted == pytest.approx(3 * p[1])
    assert found["two"].adjusted == pytest.approx(max(3 * p[1], 2 * p[2]))
    assert found["half"].adjusted == pytest.approx(max(3 * p[1], found["half"].p))


def test_what_cannot_be_tested_leaves_the_others_alone() -> None:
    control = np.full((2, 5), 0.8)
    missing = np.full((2, 5), np.nan)
    better = control + np.array([0.01, 0.02, 0.03, 0.04, 0.05])
    better[0, 1] = np.nan
    better[:, 4] = np.nan
    found = signed_ranks({"same": control.copy(), "missing": missing, "better": better}, control)
    assert (found["same"].p, found["same"].adjusted) == (1.0, 1.0)
    assert np.isnan([found["missing"].p, found["missing"].adjusted]).all()
    assert found["missing"].subjects == 0
    assert found["better"].subjects == 4
    assert found["better"].p == pytest.approx(2 / 16)
    assert found["better"].adjusted == pytest.approx(4 / 16), "of two arms that could be tested"
