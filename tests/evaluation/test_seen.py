from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from segmint.data.case import Provenance
from segmint.errors import UserError
from segmint.evaluation.seen import Parts, check_seen

MARKS = {"11": {"a"}, "22": {"b", "v"}, "33": {"x"}}
HERE, EDITED, ELSEWHERE = "study-0123456789ab", "study-ba9876543210", "other-0123456789ab"
PARTS = Parts(HERE, labelled=("a", "b"), validation=("v",), test=("x", "y"), marks=MARKS)


def made(**seen: Any) -> Provenance:
    lists = {name: tuple((identity, subject) for identity, subject in entries) for name, entries in seen.items()}
    return Provenance("run", "c0ffee", 0, "joint-stylegan2", **lists)


def check(marks: tuple[tuple[str, str, str], ...] = (), **seen: Any) -> list[str]:
    return check_seen(Path("fakes"), replace(made(**seen), marks_seen=marks), PARTS, arm="100R+300F")


@pytest.mark.parametrize("name", ["labels_seen", "images_seen", "selected_on"])
@pytest.mark.parametrize("identity", [HERE, EDITED])
def test_refuses_a_test_subject_in_any_list(name: str, identity: str) -> None:
    with pytest.raises(UserError, match=rf'100R\+300F refuses fakes: .* the test subject "y" \({name}\)'):
        check(**{"labels_seen": [(HERE, "a")], name: [(identity, "y"), (HERE, "a")]})


@pytest.mark.parametrize("stranger", ["v", "c"])
def test_refuses_labels_that_the_arm_does_not_have(stranger: str) -> None:
    with pytest.raises(UserError, match=rf'labels of "{stranger}"'):
        check(labels_seen=[(HERE, "a"), (HERE, stranger)])


def test_allows_and_names_the_rest() -> None:
    notes = check(
        labels_seen=[(HERE, "a"), (ELSEWHERE, "x")],
        images_seen=[(HERE, "a"), (HERE, "u"), (HERE, "v")],
        selected_on=[(HERE, "v")],
    )
    assert len(notes) == 4
    assert "selected on 1 validation subject of" in notes[0]
    assert "without labels, of 2 more subjects" in notes[1]
    assert f"1 subject of another dataset, {ELSEWHERE}; whether any of them is a test subject" in notes[2]
    assert f'the names of subjects of {ELSEWHERE} that its generator has seen, such as "x"' in notes[3]


def test_images_that_validation_and_test_subjects_share_are_the_affair_of_the_split() -> None:
    shared = replace(PARTS, marks=MARKS | {"44": {"v", "x"}})

    def checked(marks: str, name: str = "selected_on", parts: Parts = shared) -> list[str]:
        chosen = replace(made(**{name: [(HERE, "v")]}), marks_seen=((HERE, "v", marks),))
        return check_seen(Path("fakes"), chosen, parts, arm="100R+300F")

    assert checked("22 44")
    with pytest.raises(UserError, match=r"\(selected_on\), of whom images are equal, .* of the test subject \"x\""):
        checked("33", parts=PARTS)
    with pytest.raises(UserError, match=r"\(images_seen\), of whom images are equal, .* of the test subject \"x\""):
        checked("44", "images_seen")


@pytest.mark.parametrize("name", ["labels_seen", "images_seen", "selected_on"])
@pytest.mark.parametrize("identity", [HERE, ELSEWHERE])
def test_refuses_a_test_subject_under_another_name(name: str, identity: str) -> None:
    seen = {name: [(identity, "a")]}
    word = rf'"a" of {identity} \({name}\), of whom images are equal, .* of the test subject "x"; train it on the split'
    with pytest.raises(UserError, match=word):
        check(((identity, "a", "00 33"),), **seen)
    with pytest.raises(UserError, match=word):
        check(((identity, "a", "33"), (identity, "a", "44")), **seen)
    assert check(((identity, "a", "00 44"),), **seen) is not None


def test_labels_learned_under_another_name_count() -> None:
    with pytest.raises(
        UserError, match='has learned from labels of "v", which the real slices of the trial do not have'
    ):
        check(((ELSEWHERE, "q", "22"),), labels_seen=[(ELSEWHERE, "q")])
    assert check(((ELSEWHERE, "q", "11"),), labels_seen=[(ELSEWHERE, "q")])


def test_what_could_be_checked_is_said() -> None:
    (note,) = check(((ELSEWHERE, "q", "55"),), images_seen=[(ELSEWHERE, "q")])
    assert "none of them has an image of a test subject, pixel by pixel" in note
    assert "as far as" not in note
    many = " ".join(f"{number:016x}" for number in range(16))
    both = [(ELSEWHERE, "q"), (ELSEWHERE, "r")]
    (note,) = check(((ELSEWHERE, "q", many), (ELSEWHERE, "r", "55")), images_seen=both)
    assert "pixel by pixel, as far as 16 slices of 1 of them tell, for more are not kept; a changed copy" in note
    (note,) = check(((ELSEWHERE, "q", many), (ELSEWHERE, "r", many)), images_seen=both)
    assert "as far as 16 slices of each tell" in note
    (note,) = check(((ELSEWHERE, "q", "55"),), images_seen=[(ELSEWHERE, "q"), (ELSEWHERE, "r")])
    assert "cannot be checked" in note


def test_plain_case_needs_one_note_and_another_version_is_named() -> None:
    assert check(labels_seen=[(HERE, "a"), (HERE, "b")], images_seen=[(HERE, "a")]) == []
    (note,) = check(labels_seen=[(EDITED, "a")])
    assert "another version" in note


def test_a_set_that_says_nothing_is_refused_and_one_that_saw_nothing_is_named() -> None:
    with pytest.raises(UserError, match="no provenance"):
        check_seen(Path("fakes"), None, PARTS, arm="100F")
    (note,) = check()
    assert "no data at all" in note
