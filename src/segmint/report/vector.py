"""Matplotlib figures as inline SVG that takes its colours and fonts from the page.

Matplotlib draws with stand-in colours; each is then replaced by a CSS variable, so that one drawing serves the light,
the dark and the printed page. Every figure is drawn twice, for a wide and for a narrow screen: scaling one down would
make its text unreadable on a telephone.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

INK = "#010203"
MUTED = "#040506"
RULE = "#070809"
PAPER = "#0a0b0c"
REAL = "#101112"
FAKE = "#131415"
MIXED = "#161718"
FLIPPED = "#191a1b"
SERIES = ("#202122", "#232425", "#262728", "#292a2b", "#2c2d2e", "#2f3031")

_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    RULE: "var(--rule)",
    PAPER: "var(--paper)",
    REAL: "var(--real)",
    FAKE: "var(--fake)",
    MIXED: "var(--mixed)",
    FLIPPED: "var(--flipped)",
    **{colour: f"var(--series-{number})" for number, colour in enumerate(SERIES, start=1)},
}

WIDE_PIXELS = 720
NARROW_PIXELS = 352
_FONT_PIXELS = 12.5


@dataclass(frozen=True)
class Drawing:
    """One figure as two SVG elements (for a wide and a narrow screen) and the sentence that stands for it in speech."""

    wide: str
    narrow: str
    label: str


def draw(plot: Callable[[Any, bool], None], *, heights: tuple[float, float], label: str) -> Drawing:
    """Let `plot(figure, narrow)` draw on an empty figure, once wide and once narrow.

    `heights` are those of the wide and the narrow figure in CSS pixels.
    """
    return Drawing(
        wide=_render(plot, WIDE_PIXELS, heights[0], narrow=False, label=label),
        narrow=_render(plot, NARROW_PIXELS, heights[1], narrow=True, label=label),
        label=label,
    )


def _render(plot: Callable[[Any, bool], None], width: float, height: float, *, narrow: bool, label: str) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": "segmint",
        "text.parse_math": False,
        "font.size": _FONT_PIXELS,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "axes.titlelocation": "left",
        "axes.titlesize": _FONT_PIXELS,
        "axes.titleweight": "bold",
        "axes.titlepad": 9,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "grid.color": RULE,
        "grid.linewidth": 0.8,
        "legend.frameon": False,
        "legend.labelcolor": INK,
        "legend.fontsize": _FONT_PIXELS - 1,
        "lines.linewidth": 1.6,
        "text.color": INK,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": _FONT_PIXELS - 1,
        "ytick.labelsize": _FONT_PIXELS - 1,
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(width / 72, height / 72), dpi=72, layout="constrained")
        plot(figure, narrow)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", facecolor="none", edgecolor="none", metadata={"Date": None})
    return _inline(buffer.getvalue(), label)


def _inline(svg: str, label: str) -> str:
    """An SVG file as an element of a page: no prologue, metadata, namespaces; own ids; the page's colours and fonts."""
    from markupsafe import escape

    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\s+xmlns(:\w+)?="[^"]*"', "", body).replace("xlink:href", "href")
    prefix = "f" + hashlib.sha256(svg.encode()).hexdigest()[:8]
    body = re.sub(r'\bid="', f'id="{prefix}-', body)
    body = re.sub(r"url\(#", f"url(#{prefix}-", body)
    body = re.sub(r'href="#', f'href="#{prefix}-', body)
    body = re.sub(r"(font(?:-family)?: [^;\"]*?)(?:'DejaVu Sans'|sans-serif)[^;\"]*", r"\1var(--sans)", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, variable)
    opening = re.match(r"<svg[^>]*>", body)
    assert opening is not None
    view_box = re.search(r'viewBox="([^"]*)"', opening.group())
    assert view_box is not None
    head = f'<svg viewBox="{view_box.group(1)}" role="img" aria-label="{escape(label)}">'
    return head + body[opening.end() :].strip()


def plain(text: object, limit: int = 60) -> str:
    """A user's string fit for a figure: no control characters, shortened, never hidden by a leading underscore."""
    cleaned = "".join(character for character in str(text) if character.isprintable()).strip() or "(no name)"
    if cleaned.startswith("_"):
        cleaned = "\u200b" + cleaned
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"
