"""The check that names the file and the entry."""

from __future__ import annotations

import json
from typing import Any

import pytest

from segmint.errors import UserError
from segmint.report.stored.entries import Amount, Count, Entry, Interval, Number, PictureName, Subject, check_entries


class Sample(Entry):
    number: Number | None = None
    amount: Amount | None = None
    count: Count | None = None
    interval: Interval | None = None
    subject: Subject | None = None
    picture: PictureName | None = None


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"other": {"entries": ["may", 1, None]}},
        {"number": 3},
        {"number": -2.5e30},
        {"amount": 0, "count": 0},
        {"interval": [None, 1]},
        {"subject": ["study", "a"]},
        {"picture": "privacy.png"},
    ],
)
def test_what_fits(content: dict[str, Any]) -> None:
    check_entries(Sample, content, "a.json")


@pytest.mark.parametrize(
    "text",
    [
        '{"number": "3"}',
        '{"number": true}',
        '{"number": NaN}',
        '{"number": Infinity}',
        '{"number": 1e300}',
        f'{{"number": 1{"0" * 400}}}',
        '{"amount": -1}',
        '{"count": 1.5}',
        '{"count": true}',
        '{"interval": [1]}',
        '{"interval": [1, 2, 3]}',
        '{"interval": {"0": 1, "1": 2}}',
        '{"subject": "ab"}',
        '{"picture": "../privacy.png"}',
        '{"picture": "/etc/passwd"}',
        '{"picture": ""}',
        '{"picture": "a\\u0000b"}',
    ],
)
def test_what_does_not_is_one_sentence_with_file_and_entry(text: str) -> None:
    content = json.loads(text)
    (name,) = content
    with pytest.raises(UserError, match=rf'^a\.json is not as segmint writes it \("{name}.*make it anew') as caught:
        check_entries(Sample, content, "a.json")
    assert "\n" not in str(caught.value)


def test_depth_has_an_end() -> None:
    content: Any = 1
    for _ in range(20):
        content = [content]
    check_entries(Sample, {"other": content}, "a.json")
    for _ in range(500):
        content = {"a": content}
    with pytest.raises(UserError, match="nested too deeply"):
        check_entries(Sample, {"other": content}, "a.json")
