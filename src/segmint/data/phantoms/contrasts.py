"""How bright each tissue is in each MR contrast, and how much that varies from subject to subject."""

from __future__ import annotations

import numpy as np

from segmint.data.phantoms.grid import Array

CHANNELS = ("T1", "T1CE", "T2", "FLAIR")

_SIGNAL: dict[str, tuple[float, float, float, float]] = {
    "white": (1.00, 1.02, 0.62, 0.78),
    "grey": (0.74, 0.78, 0.92, 1.00),
    "deep grey": (0.80, 0.84, 0.84, 0.96),
    "pallidum": (0.91, 0.94, 0.52, 0.72),
    "fluid": (0.30, 0.30, 1.85, 0.22),
    "dura": (0.45, 1.05, 0.55, 0.45),
    "vessel": (0.42, 1.65, 0.45, 0.35),
    "choroid": (0.52, 1.35, 1.30, 0.90),
    "hyperintensity": (0.76, 0.78, 1.22, 1.50),
    "edema": (0.66, 0.68, 1.42, 1.60),
    "enhancing": (0.66, 1.58, 1.10, 1.22),
    "necrosis": (0.41, 0.43, 1.64, 0.78),
}
"""Signal against white matter on T1."""
_SPREAD = {"edema": 0.07, "enhancing": 0.07, "necrosis": 0.08, "hyperintensity": 0.08, "vessel": 0.15}
"""Standard deviation of the logarithm of the signal between subjects, where it is not 0.03."""
TISSUES = tuple(_SIGNAL)


def draw_signals(rng: np.random.Generator) -> Array:
    """Signals [tissue, contrast] of one subject, in the order of `TISSUES` and `CHANNELS`."""
    signals = np.array(list(_SIGNAL.values()))
    spread = np.array([_SPREAD.get(tissue, 0.03) for tissue in TISSUES])
    signals = signals * np.exp(rng.normal(size=signals.shape) * spread[:, None])
    necrosis, enhancing = TISSUES.index("necrosis"), TISSUES.index("enhancing")
    # a core may be as clear as fluid or full of protein, which FLAIR does not suppress
    signals[necrosis, 3] *= np.exp(rng.normal(-0.2, 0.18))
    # and take up little contrast agent or much
    signals[enhancing, 1] *= np.exp(rng.normal(-0.05, 0.12))
    drawn: Array = signals.astype(np.float32)
    return drawn


def render(shares: Array, signals: Array) -> Array:
    """Images free of noise, [contrast, rows, columns, slices], of tissue shares [tissue, rows, columns, slices]."""
    images = np.zeros((len(CHANNELS), *shares.shape[1:]), dtype=np.float32)
    for share, signal in zip(shares, signals, strict=True):
        images += signal[:, None, None, None] * share
    return images
