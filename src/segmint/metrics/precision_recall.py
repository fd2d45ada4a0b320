"""Precision and recall: which fakes lie among real images, and which real images among fakes [Kynkäänniemi 2019, section 2]."""

from __future__ import annotations

from segmint.metrics.neighbourhoods import Neighbourhoods

PRECISION, RECALL = "precision", "recall"
DIRECTION, RANGE = "higher", (0.0, 1.0)


def precision(found: Neighbourhoods) -> float:
    """Share of fakes that lie in the neighbourhood of any real image. One real image far from all others lets in many."""
    return float((found.between < found.real_radii[:, None]).any(axis=0).mean())


def recall(found: Neighbourhoods) -> float:
    """Share of real images that lie in the neighbourhood of any fake."""
    return float((found.between < found.fake_radii[None]).any(axis=1).mean())
