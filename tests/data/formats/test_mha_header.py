"""Damaged headers of MetaImage files; what intact ones say is held against ITK beside the reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from segmint.data.formats.mha import read_mha
from segmint.errors import UserError

HEADER = b"""NDims = 3
CompressedData = False
TransformMatrix = 1 0 0 0 1 0 0 0 1
Offset = 0 0 0
ElementSpacing = 1 1 .5
DimSize = 5 4 3
ElementType = MET_SHORT
ElementDataFile = LOCAL
"""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (b"NDims = 3\n", b"", "NDims is not said, not 3"),
        (b"NDims = 3", b"NDims\0\0\0", "its header is no text"),
        (b"= False", b"= Tru\xff", r"CompressedData is 'Tru\xff'"),
        (b"5 4 3", b"5 4", "DimSize is '5 4'"),
        (b"5 4 3", b"-5 4 3", "DimSize is '-5 4 3'"),
        (b"5 4 3", b"5 4 0", "it has no voxels"),
        (b"5 4 3", b"5 4 9", "it ends before its voxels do"),
        (b"0 0 1\n", b"0 0 1 1\n", "TransformMatrix is '1 0 0 0 1 0 0 0 1 1'"),
        (b"Offset", b"Offset = 1 1 1\nOffset", "its header says Offset twice"),
        (b".5", b"nan", "ElementSpacing is '1 1 nan'"),
        (b".5", b"-1", "its spacing is impossible"),
        (b"MET_SHORT", b"MET_SHORT_ARRAY\xe9", r"ElementType is 'MET_SHORT_ARRAY\xe9'"),
        (b"DimSize", b"HeaderSize = 99\nDimSize", "HeaderSize is '99'"),
        (b"DimSize", b"BinaryData = False\nDimSize", "its voxels are stored as text"),
        (b"= False", b"= True\nCompressedDataSize = -3", "CompressedDataSize is '-3'"),
        (b"= False", b"= True\nHeaderSize = -1", "where its voxels begin is not said"),
        (b"= False", b"= True", "while decompressing data"),
        (b"ElementDataFile", b"", "its header has no end"),
        (b"\n", b" " * 5000, "its header has no end"),
    ],
)
def test_damaged_headers_are_refused_in_one_line(before: bytes, after: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "volume.mha"
    path.write_bytes(HEADER + bytes(120))
    assert read_mha(path)[0].shape == (1, 5, 4, 3)
    assert before in HEADER
    path.write_bytes(HEADER.replace(before, after) + bytes(120))
    with pytest.raises(UserError) as caught:
        read_mha(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
