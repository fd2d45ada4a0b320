"""Foreign layouts into datasets."""

from __future__ import annotations

from segmint.data.convert.folders import ConversionResult, convert_folders

__all__ = ["ConversionResult", "convert_folders"]
