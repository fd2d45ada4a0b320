"""segmint.json comes back as it was written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segmint.data.case import Provenance
from segmint.data.intensity import IntensityMap
from segmint.data.sidecar import CaseEntry, Sidecar, read_sidecar, write_sidecar
from segmint.data.subjects import Split, Subset
from segmint.errors import UserError


def test_everything_comes_back(tmp_path: Path) -> None:
    entry = CaseEntry(
        subject="p1",
        volume="v",
        slice=4,
        axis=2,
        spacing=(0.1, 0.2, 3.0),
        affine=((1.0, 0.0), (0.0, 1.0)),
        original_shape=(30, 40),
        padding=((1, 2), (3, 4)),
        intensity=(IntensityMap("percentile", -1.5, 1e4),),
    )
    sidecar = Sidecar(
        cases={"a": entry, "b": CaseEntry(subject="p2")},
        unlabelled={"u": CaseEntry(subject="p3")},
        split=Split(("p1",), (), ("p2",)),
        subsets={"1": Subset("1", ("p1",), (("a", 4),))},
        conditions={"membranes": ("background", "membrane")},
        subject_kind="block",
        licence="CC0",
        provenance=Provenance("runs/a", "ab" * 32, 3, "joint-stylegan2", (("set-0", "p1"),), (("set-0", "p1"),), ()),
    )
    write_sidecar(tmp_path, sidecar)
    assert read_sidecar(tmp_path) == sidecar
    assert "null" not in (tmp_path / "segmint.json").read_text()


def test_no_file_is_no_sidecar(tmp_path: Path) -> None:
    assert read_sidecar(tmp_path) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"format": 2, "cases": {}}, '"format"'),
        ({"cases": {"a": {}}}, '"cases.a.subject": field required'),
        ({"cases": {"a": {"subject": ""}}}, '"cases.a.subject"'),
        ({"cases": {"a": {"subject": "s", "axis": 3}}}, '"cases.a.axis"'),
        ({"cases": {"a": {"subject": "s", "intensity": [{"kind": "fixed", "low": 2, "high": 1}]}}}, "low < high"),
        ({"cases": {}, "split": {"train": ["a", "a"]}}, 'the subject "a" stands twice in train'),
        ({"cases": {}, "split": {"train": []}}, "no subject in train"),
        ({"cases": {}, "subject_kind": "mouse"}, '"subject_kind"'),
        ({"cases": {}, "conditions": {"a_b": ["background", "b"]}}, 'the condition name "a_b" may hold'),
        ({"cases": {}, "conditions": {"a": ["background"]}}, 'the condition "a" needs 2 to 256 different names'),
        ({"cases": {}, "conditions": {"a": ["b", "b"]}}, 'the condition "a" needs 2 to 256 different names'),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, content: dict[str, object], said: str) -> None:
    (tmp_path / "segmint.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=said) as caught:
        read_sidecar(tmp_path)
    assert "\n" not in str(caught.value)
    assert "pydantic" not in str(caught.value)
