"""What curation does to the labels: warned of where it is more than a tenth and more than chance."""

from __future__ import annotations

from typing import Any

import pytest

from segmint.evaluation.curation.outcome import balance_warnings


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
