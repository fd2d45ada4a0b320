"""The quantities of every set of the forecast benchmark, measured once and kept."""

from __future__ import annotations

from pathlib import Path

from forecast_data import SIZE
from forecast_quantities import forecast_quantities
from segmint.evaluation.alignment_audit import Learner
from segmint.evaluation.evidence import open_evidence
from segmint.outputs import read_json, without_nan, write_json

# Of each of the two segmenters that have learned from half the real training subjects.
STEPS, BATCH = 100, 16


def look(real: Path, synthetic: Path, target: Path) -> dict[str, float]:
    """By name; see `forecast_quantities`. What cannot be had is NaN."""
    if not target.exists():
        evidence = open_evidence(real, synthetic, holdout=None, size=SIZE, axis=None, device="cpu")
        # Trained for the first set of a dataset, read from the cache for the others.
        fitted = Learner("unet", STEPS, BATCH, "cpu", progress=False).cross_fitted(evidence)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_json(target, without_nan(forecast_quantities(evidence, fitted)))
    return {name: float("nan") if value is None else value for name, value in read_json(target).items()}
