"""Headers of MetaImage files, held against what other tools write and what damage makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from segmint.data.formats.mha_header import header_of
from segmint.errors import UserError

# As BRATS 2015 ships its volumes.
PUBLISHED = b"""ObjectType = Image
NDims = 3
BinaryData = True
BinaryDataByteOrderMSB = False
CompressedData = True
CompressedDataSize = 2234513
TransformMatrix = 1 0 0 0 1 0 0 0 1
Offset = -0 -239.5 1e-3
CenterOfRotation = 0 0 0
AnatomicalOrientation = RAI
ElementSpacing = 1 1 .5
DimSize = 240 240 155
ElementType = MET_SHORT
ElementDataFile = LOCAL
"""


def written(folder: Path, header: bytes) -> Path:
    path = folder / "volume.mha"
    path.write_bytes(header + b"voxels\nElementDataFile = LOCAL\n")
    return path


@pytest.mark.parametrize(
    "header",
    [
        PUBLISHED,
        PUBLISHED.replace(b"\n", b"\r\n"),
        PUBLISHED.replace(b" = ", b": "),
        PUBLISHED.replace(b"Offset", b"Comment = \xc3\xa9t\xc3\xa9 = 3\nITK_name = \nOffset"),
        PUBLISHED.replace(b"ElementType", b"ElementNumberOfChannels = 1\nElementType"),
    ],
    ids=["published", "carriage returns", "colons", "comments", "channels"],
)
def test_ends_where_the_voxels_begin(header: bytes, tmp_path: Path) -> None:
    assert header_of(written(tmp_path, header)) == header


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (b"NDims = 3\n", b"", "lacks NDims"),
        (b"NDims = 3", b"NDims = 30", "NDims in its header is '30'"),
        (b"240 155", b"240", "DimSize in its header is '240 240'"),
        (b"DimSize = 240", b"DimSize = -240", "DimSize in its header is '-240 240 155'"),
        (b"0 0 0 1\n", b"0 0 0 1 1\n", "TransformMatrix in its header is '1 0 0 0 1 0 0 0 1 1'"),
        (b"RAI", b"R\0\0", "line 10 of its header is not a name and a value"),
        (b"ObjectType", b"\0bjectType", "line 1 of its header is not a name and a value"),
        (b"Image", b"Image" * 300, "line 1 of its header is not a name and a value"),
        (b"CenterOfRotation", b"Offset", "names Offset twice"),
        (b" .5", b" nan", "ElementSpacing in its header is '1 1 nan'"),
        (b"MET_SHORT", b"MET_SHORT_ARRAY[3]", "ElementType in its header is 'MET_SHORT_ARRAY"),
        (b"RAI", b"RAI\nHeaderSize = 99", "HeaderSize in its header is not supported"),
        (b"BinaryData = True", b"BinaryData = False", "BinaryData in its header is 'False'"),
        (b"LOCAL", b"other.raw", "keeps its voxels in another file"),
    ],
)
def test_what_is_damaged_is_refused_before_any_library_sees_it(
    before: bytes, after: bytes, said: str, tmp_path: Path
) -> None:
    assert PUBLISHED.count(before) == 1
    with pytest.raises(UserError) as caught:
        header_of(written(tmp_path, PUBLISHED.replace(before, after)))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
