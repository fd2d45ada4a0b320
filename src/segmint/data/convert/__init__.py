"""Foreign layouts into datasets."""

from __future__ import annotations

from segmint.data.convert.folders import ConversionResult, convert_folders
from segmint.data.convert.pseudonyms import Pseudonyms
from segmint.data.convert.published import convert_layout

__all__ = ["ConversionResult", "Pseudonyms", "convert_folders", "convert_layout"]
