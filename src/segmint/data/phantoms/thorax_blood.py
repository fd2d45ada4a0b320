"""Hounsfield units of blood: with and without contrast agent, early or late."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Blood:
    """What one subject's vessels hold, in Hounsfield units."""

    enhanced: bool
    aorta: np.float32
    branches: np.float32
    pulmonary: np.float32
    veins: np.float32
    left_heart: np.float32
    right_heart: np.float32
    heart_muscle: np.float32
    veins_gain: np.float32
    """How much brighter veins are than the liver around them."""
    mixing: np.float32
    """Unevenness of the contrast agent in the large veins."""
    calcium: np.float32
    """Brightness of plaques in the aorta's wall against blood."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Blood:
        """Draw an examination: half of them with contrast agent."""
        enhanced = bool(rng.random() < 0.5)
        plain = rng.normal(43, 4)
        left, right = (rng.uniform(90, 240), rng.uniform(80, 260)) if enhanced else (0.0, 0.0)
        veins = rng.uniform(0.2, 1.4) * right
        values = {
            "aorta": plain + left,
            "branches": plain + left * rng.normal(1, 0.04),
            "pulmonary": plain + right,
            "veins": plain + veins,
            "left_heart": plain + left * rng.normal(1, 0.04),
            "right_heart": plain + right * rng.uniform(0.75, 1.0),
            "heart_muscle": plain + (rng.uniform(20, 65) if enhanced else 3.0),
            "veins_gain": rng.uniform(10, 40) if enhanced else -8.0,
            "mixing": 0.2 * veins,
            "calcium": rng.uniform(0, 450),
        }
        return cls(enhanced, **{name: np.float32(value) for name, value in values.items()})
