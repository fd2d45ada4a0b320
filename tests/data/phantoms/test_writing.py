from __future__ import annotations

import numpy as np
import pytest

from segmint.data.phantoms.writing import check_range, check_subject, subject_streams
from segmint.errors import UserError


def test_streams_of_every_subject_differ_and_repeat() -> None:
    def first(seed: int, subject: int) -> tuple[float, ...]:
        return tuple(float(rng.random()) for rng in subject_streams(seed, subject, 3))

    drawn = {first(seed, subject) for seed in range(3) for subject in range(3)}
    assert len(drawn) == 9
    assert len({number for numbers in drawn for number in numbers}) == 27
    assert first(1, 2) == first(1, 2)


def test_a_range_includes_its_ends() -> None:
    for value in (3, 9):
        check_range("retina", "size", value, 3, 9)


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        ("retina", 2, "A retina phantom cannot be drawn with size 2: give size from 3 to 9."),
        ("em-a", 10, "An em-a phantom cannot be drawn with size 10: give size from 3 to 9."),
    ],
)
def test_what_is_out_of_range_is_named(kind: str, value: int, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        check_range(kind, "size", value, 3, 9)


def test_negative_seeds_and_subjects_are_refused() -> None:
    with pytest.raises(UserError, match="seed -1"):
        check_subject("stroke", seed=-1, subject=0)
    with pytest.raises(UserError, match="subject -1"):
        check_subject("stroke", seed=0, subject=-1)


def test_streams_are_generators() -> None:
    assert all(isinstance(rng, np.random.Generator) for rng in subject_streams(0, 0, 2))
