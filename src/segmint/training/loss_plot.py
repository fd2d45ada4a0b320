"""losses.png: one panel for each network and loss, each with its own axis, logarithmic where the values span decades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segmint.outputs import staged_file

# Spanning more than this factor, a positive series is drawn on a logarithmic axis.
LOGARITHMIC_FROM = 20.0


def write_loss_plot(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Draw every logged loss and the validation measure against thousands of images shown."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    series: dict[str, list[tuple[float, float]]] = {}
    for line in lines:
        for network, losses in line["losses"].items():
            for name, value in losses.items():
                series.setdefault(f"{network}: {name}", []).append((line["kimg"], value))
        if line["validation"] is not None and line["validation"]["value"] is not None:
            name = f"validation: {line['validation']['name']}"
            series.setdefault(name, []).append((line["kimg"], line["validation"]["value"]))
    if not series:
        return
    figure = Figure(figsize=(7, 1.8 * len(series)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(series), 1, sharex=True, squeeze=False)[:, 0]
    for panel, (name, points) in zip(panels, series.items(), strict=True):
        kimg, values = zip(*points, strict=True)
        panel.plot(kimg, values, linewidth=1.2)
        panel.set_title(name.replace("_", " "), fontsize=9, loc="left")
        panel.grid(alpha=0.3)
        if min(values) > 0 and max(values) / min(values) > LOGARITHMIC_FROM:
            panel.set_yscale("log")
    panels[-1].set_xlabel("thousands of images shown (kimg)")
    with staged_file(path) as staging:
        figure.savefig(staging, dpi=110)
