"""What curation does to the labels: warned of where it is more than a tenth and more than chance."""

from __future__ import annotations

from typing import Any

import pytest

from segmint.evaluation.curation.outcome import balance_warnings, unjudged_sizes
from segmint.evaluation.curation.yardstick import Band


def balance(before: float, after: float) -> dict[str, Any]:
    return {"lesion": {"share": {"before": before, "after": after}, "area": {"before": 9.0, "after": 9.0}}}


@pytest.mark.parametrize(
    ("before", "after", "kept", "warned"),
    [
        (0.4, 0.2, 800, "rarer"),
        (0.4, 0.6, 800, "more common"),
        (0.4, 0.38, 800, None),
        (0.4, 0.4, 800, None),
        # Four of ten pairs kept: so much happens by chance.
        (0.4, 0.5, 10, None),
        (1.0, 1.0, 5, None),
        (0.0, 0.0, 5, None),
    ],
)
def test_shifts_of_a_labels_share(before: float, after: float, kept: int, warned: str | None) -> None:
    found = balance_warnings(balance(before, after), pairs=1000, kept=kept)
    if warned is None:
        assert found == []
        return
    (sentence,) = found
    assert (
        f"made lesion {warned}: it is in {100 * before:.0f}% of the drawn pairs and in {100 * after:.0f}%" in sentence
    )


@pytest.mark.parametrize(
    ("least", "words"),
    [
        ([0.5, 0.6, 0.7, 0.8], []),
        ([0, 0, 0, 0], [""]),
        ([0, 0.6, 0.7, 0.8], [" below about 100 pixels"]),
        ([0, 0, 0.7, 0], [" below about 200 pixels", " of about 300 pixels and more"]),
        ([0.5, 0, 0, 0.8], [" from about 100 to 300 pixels"]),
    ],
)
def test_which_sizes_of_a_label_are_not_judged(least: list[float], words: list[str]) -> None:
    bands = [Band(start=100 * number or 40, slices=40, least=one) for number, one in enumerate(least)]
    assert unjudged_sizes(bands) == words
