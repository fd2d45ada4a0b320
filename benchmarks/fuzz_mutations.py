"""Changing files as accidents, broken tools and hostile people do."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from fuzz_originals import Original

_ODD_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1e308,
    float("nan"),
    float("inf"),
    10**30,
    "",
    "..",
    "../../outside",
    "/etc/passwd",
    "\ud800",
    "a\0b",
    "x" * 5000,
    [],
    {},
    [[[]]],
    {"0": {"0": 0}},
)


def mutate(original: Original, random: np.random.Generator) -> bytes:
    """The content of the file that is changed, after one to three changes."""
    content = original.files[original.changed]
    if original.kind == "json" and random.random() < 0.7:
        return _changed_json(content, random)
    packed = original.changed.endswith(".gz")
    header_first = random.random() < 0.5
    if packed and random.random() < 0.7:
        return gzip.compress(_changed(content, random, header_first=header_first))
    content = _changed(gzip.compress(content) if packed else content, random, header_first=header_first)
    if original.kind == "png" and random.random() < 0.5:
        content = _with_right_checksums(content)
    return content


def _changed(content: bytes, random: np.random.Generator, *, header_first: bool) -> bytes:
    for _ in range(random.integers(1, 4)):
        content = _CHANGES[random.integers(len(_CHANGES))](content, random, 400 if header_first else None)
    return content


def _place(content: bytes, random: np.random.Generator, within: int | None) -> int:
    return int(random.integers(max(1, min(len(content), within or len(content)))))


def _flip(content: bytes, random: np.random.Generator, within: int | None) -> bytes:
    changed = bytearray(content or b"\0")
    for _ in range(random.integers(1, 9)):
        changed[_place(changed, random, within)] ^= 1 << int(random.integers(8))
    return bytes(changed)


def _odd_number(content: bytes, random: np.random.Generator, within: int | None) -> bytes:
    changed, place = bytearray(content), _place(content, random, within)
    width = int(random.choice([1, 2, 4, 8]))
    value = int(random.choice(_ODD_NUMBERS)) % (1 << 8 * width)
    changed[place : place + width] = value.to_bytes(width, "little" if random.random() < 0.5 else "big")
    return bytes(changed)


def _odd_float(content: bytes, random: np.random.Generator, within: int | None) -> bytes:
    changed, place = bytearray(content), _place(content, random, within) // 4 * 4
    value = random.choice([np.nan, np.inf, -1.0, 0.0, 1e30, 1e-30])
    changed[place : place + 4] = struct.pack("<f", value)
    return bytes(changed)


def _cut(content: bytes, random: np.random.Generator, within: int | None) -> bytes:
    return content[: _place(content, random, within)]


def _remove(content: bytes, random: np.random.Generator, within: int | None) -> bytes:
    place = _place(content, random, within)
    return content[:place] + content[place + int(random.integers(1, 40)) :]


def _repeat(content: bytes, random: np.random.Generator, within: int | None) -> bytes:
    place, length = _place(content, random, within), int(random.integers(1, 200))
    return content[:place] + content[place : place + length] * 2 + content[place + length :]


def _insert(content: bytes, random: np.random.Generator, within: int | None) -> bytes:
    place = _place(content, random, within)
    return content[:place] + random.bytes(int(random.integers(1, 40))) + content[place:]


def _blank(content: bytes, random: np.random.Generator, within: int | None) -> bytes:
    place, length = _place(content, random, within), int(random.integers(1, 400))
    return content[:place] + bytes(len(content[place : place + length])) + content[place + length :]


def _replace(content: bytes, random: np.random.Generator, within: int | None) -> bytes:
    del within
    return [b"", random.bytes(len(content)), bytes(len(content)), content * 2][int(random.integers(4))]


_CHANGES: tuple[Callable[[bytes, np.random.Generator, int | None], bytes], ...] = (
    _flip,
    _flip,
    _odd_number,
    _odd_number,
    _odd_number,
    _odd_float,
    _cut,
    _remove,
    _repeat,
    _insert,
    _blank,
    _replace,
)


def _with_right_checksums(content: bytes) -> bytes:
    """PNG whose chunks say the right checksum again, so that what lies behind it is tried too."""
    made, place = bytearray(content[:8]), 8
    while place + 12 <= len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        if place + 12 + length > len(content):
            break
        body = content[place + 4 : place + 8 + length]
        made += content[place : place + 4] + body + struct.pack(">I", zlib.crc32(body))
        place += 12 + length
    return bytes(made + content[place:])


def _changed_json(content: bytes, random: np.random.Generator) -> bytes:
    if random.random() < 0.1:
        odd = [
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b"1" * 6000,
            b"\xff\xfe{}",
            b'{"labels": {"a": 0}, "labels": 3}',
            b"NaN",
        ]
        return odd[int(random.integers(len(odd)))]
    value = json.loads(content)
    for _ in range(random.integers(1, 3)):
        value = _changed_value(value, random)
    return json.dumps(value).encode()


def _changed_value(value: Any, random: np.random.Generator) -> Any:
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = sorted(value)[int(random.integers(len(value)))]
        chance = random.random()
        if chance < 0.15:
            return {name: one for name, one in value.items() if name != key}
        if chance < 0.25:
            return {**value, str(random.choice(["", "../x", "\ud800", "256", "extra"])): value[key]}
        return {**value, key: _changed_value(value[key], random)}
    if isinstance(value, list) and value and random.random() < 0.7:
        place = int(random.integers(len(value)))
        return [*value[:place], _changed_value(value[place], random), *value[place + int(random.integers(2)) :]]
    return _ODD_VALUES[int(random.integers(len(_ODD_VALUES)))]
