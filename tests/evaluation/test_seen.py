from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from segmint.data.case import Provenance
from segmint.errors import UserError
from segmint.evaluation.seen import Parts, check_seen

HERE, EDITED, ELSEWHERE = "study-0123456789ab", "study-ba9876543210", "other-0123456789ab"
PARTS = Parts(HERE, labelled=("a", "b"), validation=("v",), test=("x", "y"))


def made(**seen: Any) -> Provenance:
    lists = {name: tuple((identity, subject) for identity, subject in entries) for name, entries in seen.items()}
    return Provenance("run", "c0ffee", 0, "joint-stylegan2", **lists)


def check(**seen: Any) -> list[str]:
    return check_seen(Path("fakes"), made(**seen), PARTS, arm="100R+300F")


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
    assert len(notes) == 3
    assert "selected on 1 validation subject of" in notes[0]
    assert "without labels, of 2 more subjects" in notes[1]
    assert f"1 subject of another dataset, {ELSEWHERE}" in notes[2]


def test_plain_case_needs_one_note_and_another_version_is_named() -> None:
    assert check(labels_seen=[(HERE, "a"), (HERE, "b")], images_seen=[(HERE, "a")]) == []
    (note,) = check(labels_seen=[(EDITED, "a")])
    assert "another version" in note


def test_a_set_that_says_nothing_is_refused_and_one_that_saw_nothing_is_named() -> None:
    with pytest.raises(UserError, match="no provenance"):
        check_seen(Path("fakes"), None, PARTS, arm="100F")
    (note,) = check()
    assert "no data at all" in note
