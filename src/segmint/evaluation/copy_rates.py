"""How many synthetic images are nearer to training images than new real ones are: threshold, base rate, excess.

What is usual is learnt from real images of subjects that did not train. Their subjects are dealt into two parts: one sets
the threshold, the other tells how often it is passed by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.tail import ABOVE, Tail
from segmint.metrics.excess_share import Share, effective_size, excess_share

# Below this number of held-out images no threshold is set.
FEWEST = 100
# Share of new real images that the threshold is to let pass. It is set for less than the 1% that is promised, since few
# subjects set it.
TARGET, PROMISED = 0.002, 0.01
# Chance of any false alarm among all synthetic images above which a single one is not called a copy.
_ALARM = 0.05


@dataclass(frozen=True)
class Nearness:
    """How near n images are to their nearest training images, higher is nearer, and the subject of each as [n] numbers."""

    values: NDArray[np.float64]
    units: NDArray[np.int64]


def compare_nearness(synthetic: NDArray[np.float64], held: Nearness | None, *, seed: int = 0) -> dict[str, Any]:
    """Hold synthetic images against new real ones.

    Args:
        synthetic: [n] how near each is to its nearest training image.
        held: the same of real images of subjects that did not train; None: there are none.
        seed: of the deal of held-out subjects.

    Returns:
        JSON-able: `synthetic` and `held_out` (`median`, `percentile_99`, `highest`; `held_out` None without any);
        `threshold`, None with fewer than 100 held-out images; and where there is one: `calibrated_on` and `measured_on`
        (`images`, `subjects`), `copies` and `false_positives` (`count`, `share`, `interval`: one-sided 95% bounds, those of
        real images widened for several images a subject), `excess` (`share`, `interval`), `certain`, how many are so near
        that among so many synthetic images a single chance hit would be a 5% event, and `certain_above`, from where on.
    """
    result: dict[str, Any] = {
        "synthetic": _spread(synthetic),
        "held_out": _spread(held.values) if held is not None else None,
        "threshold": None,
    }
    if held is None or len(held.values) < FEWEST or held.units.max() < 1:
        return result
    first = first_part(held.units, seed=seed)
    values = held.values[first]
    tail = Tail.of(values)
    threshold = max(tail.level(TARGET), float(np.quantile(values, 1 - PROMISED)))
    rest, units = held.values[~first], np.unique(held.units[~first], return_inverse=True)[1]
    effective = effective_size(rest > np.quantile(rest, 1 - ABOVE), units)
    usual = Share(int((rest > threshold).sum()), len(rest), effective)
    found = Share(int((synthetic > threshold).sum()), len(synthetic), len(synthetic))
    excess = excess_share(found, usual)
    certain = max(Tail.of(held.values).level(min(ABOVE, _ALARM / len(synthetic))), float(held.values.max()))
    return result | {
        "threshold": threshold,
        "calibrated_on": {"images": int(first.sum()), "subjects": len(np.unique(held.units[first]))},
        "measured_on": {"images": len(rest), "subjects": int(units.max()) + 1},
        "copies": _described(found),
        "false_positives": _described(usual),
        "excess": {"share": excess.value, "interval": [excess.low, excess.high]},
        "certain": int((synthetic > certain).sum()),
        "certain_above": certain,
    }


def first_part(units: NDArray[np.int64], *, seed: int) -> NDArray[np.bool_]:
    """[n] whether an image belongs to the first part: subjects dealt at random until it has half of the images."""
    order = np.random.default_rng(seed).permutation(int(units.max()) + 1)
    sizes = np.bincount(units, minlength=len(order))[order]
    before = np.cumsum(sizes) - sizes
    chosen = before < len(units) / 2
    chosen[-1] = False
    return np.isin(units, order[chosen])


def _described(share: Share) -> dict[str, Any]:
    return {"count": share.hits, "share": share.value, "interval": [share.low, share.high]}


def _spread(values: NDArray[np.float64]) -> dict[str, float]:
    median, high = np.quantile(values, [0.5, 0.99])
    return {"median": float(median), "percentile_99": float(high), "highest": float(values.max())}
