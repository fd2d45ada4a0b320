"""A single-file HTML page from the JSON results of a run, a trial, or both."""

from __future__ import annotations

from segmint.report.build import build_report

__all__ = ["build_report"]
