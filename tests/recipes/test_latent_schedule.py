from __future__ import annotations

import pytest

from segmint.recipes.latent_schedule import perturbation_factor, rate_factor


def test_the_rate_rises_over_a_twentieth_and_falls_over_the_last_quarter() -> None:
    assert rate_factor(0.024) == pytest.approx(0.5)
    assert rate_factor(0.05) == rate_factor(0.5) == rate_factor(0.75) == 1
    assert rate_factor(0.875) == pytest.approx(0.5)
    assert rate_factor(1) == pytest.approx(0)


def test_the_perturbation_is_gone_after_three_quarters() -> None:
    assert [perturbation_factor(share) for share in (0, 0.375, 0.75, 1)] == [1, 0.25, 0, 0]
