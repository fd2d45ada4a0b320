from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from segmint.training.loss_plot import write_loss_plot


def test_each_loss_has_a_panel(tmp_path: Path) -> None:
    def line(kimg: float, value: float) -> dict[str, object]:
        return {
            "kimg": kimg,
            "losses": {"generator": {"adversarial": value}, "discriminator": {"adversarial": 1.0, "r1": value**4}},
            "validation": {"name": "dice", "value": 0.5},
        }

    write_loss_plot(tmp_path / "three.png", [line(k, 1.0 + k) for k in range(5)])
    fewer = [{**line(k, 1.0), "validation": None, "losses": {"generator": {"adversarial": 1.0}}} for k in range(3)]
    write_loss_plot(tmp_path / "one.png", fewer)
    three, one = (np.asarray(Image.open(tmp_path / name)) for name in ("three.png", "one.png"))
    assert three.shape[0] == 4 * one.shape[0]
    assert three.std() > 1


def test_nothing_logged_draws_nothing(tmp_path: Path) -> None:
    write_loss_plot(tmp_path / "none.png", [])
    assert not (tmp_path / "none.png").exists()
