"""Membership by subject: the AUC against scikit-learn, planted leaks, and a split that is uneven by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from segmint.evaluation.membership import compare_membership

EACH = 4


def units(subjects: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.repeat(np.arange(subjects), EACH)


def people(generator: np.random.Generator, subjects: int, *, shift: float = 0.0, each: int = EACH) -> torch.Tensor:
    """Images of a subject lie about a point of their own."""
    centres = generator.normal(shift, 1, (subjects, 8)).repeat(each, axis=0)
    return torch.from_numpy(centres + generator.normal(0, 0.3, centres.shape)).float()


def compared(training: torch.Tensor, held: torch.Tensor, synthetic: torch.Tensor) -> dict[str, Any]:
    result = compare_membership(
        training, units(len(training) // EACH), held, units(len(held) // EACH), synthetic, seed=0
    )
    assert result is not None
    return result


def test_the_area_is_that_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    training, held = people(generator, 12), people(generator, 9)
    synthetic = people(generator, 50, each=1)
    nearest = [torch.cdist(one, synthetic).amin(dim=1).reshape(-1, EACH).amin(dim=1) for one in (training, held)]
    expected = roc_auc_score([1] * 12 + [0] * 9, -torch.cat(nearest).numpy())
    assert np.isclose(compared(training, held, synthetic)["auc"]["value"], expected)


def test_copies_of_training_images_show() -> None:
    generator = np.random.default_rng(0)
    training, held = people(generator, 30), people(generator, 30)
    result = compared(training, held, training[::2] + 0.01)
    assert result["auc"]["value"] > 0.95
    assert result["excess"]["interval"][0] > 0.2
    assert abs(result["control"]["value"] - 0.5) < 0.15
    assert not result["underpowered"]


def test_new_images_show_nothing() -> None:
    alarms = []
    for seed in range(4):
        generator = np.random.default_rng(seed)
        result = compared(people(generator, 24), people(generator, 24), people(generator, 150, each=1))
        assert 0.25 < result["auc"]["value"] < 0.75
        alarms.append(result["excess"]["interval"][0] > 0 and result["auc"]["interval"][0] > 0.5)
    assert sum(alarms) <= 1


def test_an_uneven_split_is_not_taken_for_a_leak() -> None:
    generator = np.random.default_rng(0)
    training, held = people(generator, 30), people(generator, 30, shift=1.0)
    result = compared(training, held, people(generator, 300, each=1))
    assert result["auc"]["interval"][0] > 0.6
    assert result["control"]["value"] > 0.6
    assert result["excess"]["interval"][0] < 0.1


def test_few_subjects_are_underpowered_or_not_tested() -> None:
    generator = np.random.default_rng(0)
    few = compared(people(generator, 6), people(generator, 5), people(generator, 50, each=1))
    assert few["underpowered"]
    assert (
        compare_membership(people(generator, 3), units(3), people(generator, 5), units(5), people(generator, 9)) is None
    )


def test_intervals_of_few_subjects_stay_in_the_range_of_an_auc() -> None:
    generator = np.random.default_rng(5)
    result = compared(people(generator, 4), people(generator, 2), people(generator, 30, each=1))
    for name in ("auc", "control"):
        low, high = result[name]["interval"]
        assert 0 <= low <= result[name]["value"] <= high <= 1
