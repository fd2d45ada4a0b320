"""The whole road in one call: from a dataset, or from the built-in brain phantom, to a verdict and a report."""

from __future__ import annotations
