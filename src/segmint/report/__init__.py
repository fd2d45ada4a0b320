"""A single-file HTML page from the JSON results of a run, a trial, or both.

The verb `segmint.report(folder)` and this package share a name, and importing any module of the package puts the package in the
verb's place. So the package itself can be called, and does what the verb does.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from segmint.report.build import build_report

__all__ = ["build_report"]


class _CallablePackage(ModuleType):
    def __call__(self, folder: Path) -> Path:
        """See `build_report`."""
        return build_report(folder)


sys.modules[__name__].__class__ = _CallablePackage
