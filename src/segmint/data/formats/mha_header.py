"""The header of a MetaImage file, checked before MetaIO reads it: of damaged ones that library can crash the whole process."""

from __future__ import annotations

import re
from pathlib import Path

from segmint.errors import UserError

_HEADER_BYTES = 16384
_LONGEST_VALUE = 1024
_DATA_FILE = re.compile(rb"^[ \t]*ElementDataFile[ \t]*[=:]([^\n]*)\n", re.MULTILINE)
_LINE = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9_.-]*)[ \t]*[=:][ \t]*([ -~\t\x80-\xff]*?)[ \t]*\r?")
_WHOLE, _NUMBER, _TRUTH = r"\+?\d{1,9}", r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", r"(?i:true|false|1|0)"
_THREE, _NINE = rf"{_NUMBER}(\s+{_NUMBER}){{2}}", rf"{_NUMBER}(\s+{_NUMBER}){{8}}"
# Every name that MetaIO knows for a thing.
_VALUES = {
    "NDims": "3",
    "DimSize": rf"{_WHOLE}(\s+{_WHOLE}){{2}}",
    "ElementType": r"MET_[A-Z_0-9]{1,20}",
    "ElementNumberOfChannels": "1",
    "BinaryData": "(?i:true|1)",
    "CompressedDataSize": r"\d{1,18}",
    **dict.fromkeys(("BinaryDataByteOrderMSB", "ElementByteOrderMSB", "CompressedData"), _TRUTH),
    **dict.fromkeys(("Offset", "Position", "Origin", "CenterOfRotation", "ElementSpacing", "ElementSize"), _THREE),
    **dict.fromkeys(("TransformMatrix", "Rotation", "Orientation"), _NINE),
}
_NEEDED = ("NDims", "DimSize", "ElementType")


def header_of(path: Path) -> bytes:
    """The header, up to where the voxels begin.

    Raises:
        UserError: it is damaged, or not that of a 3-D volume of one number a voxel, kept in the same file.
    """
    with path.open("rb") as handle:
        start = handle.read(_HEADER_BYTES)
    # A header may point to any other file on the disk instead of the voxels that follow it.
    place = _DATA_FILE.search(start)
    if place is None or place[1].strip() != b"LOCAL":
        raise UserError(f"{path} is damaged or keeps its voxels in another file: replace it by an intact .mha file.")
    header = start[: place.end()]
    fault = _fault(header[: place.start()].decode("latin-1"))
    if fault:
        raise UserError(f"{path} is damaged or not a 3-D .mha volume ({fault}): replace it by an intact copy.")
    return header


def _fault(text: str) -> str:
    """What is wrong with the lines of a header, or nothing."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        parts = _LINE.fullmatch(line)
        if parts is None or len(parts[2]) > _LONGEST_VALUE:
            return f"line {number} of its header is not a name and a value"
        name, value = parts[1], parts[2]
        if name in found:
            return f"its header names {name} twice"
        if name in _VALUES and re.fullmatch(_VALUES[name], value) is None:
            return f"{name} in its header is {value[:40]!r}"
        found[name] = value
    missing = [name for name in _NEEDED if name not in found]
    if missing:
        return f"its header lacks {', '.join(missing)}"
    return "HeaderSize in its header is not supported" if "HeaderSize" in found else ""
