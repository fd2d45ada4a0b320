"""Published datasets as their owners ship them, one file each."""

from __future__ import annotations

from segmint.data.convert.layouts.chase_db1 import CHASE_DB1
from segmint.data.convert.layouts.drive import DRIVE
from segmint.data.convert.layouts.drosophila_vnc import DROSOPHILA_VNC
from segmint.data.convert.layouts.epfl_ca1 import EPFL_CA1
from segmint.data.convert.layouts.layout import Layout
from segmint.data.convert.layouts.lgg import LGG
from segmint.errors import UserError

LAYOUTS: tuple[Layout, ...] = (CHASE_DB1, DRIVE, DROSOPHILA_VNC, EPFL_CA1, LGG)
"""A new layout is one more file and one more name here."""

__all__ = ["LAYOUTS", "Layout", "find_layout"]


def find_layout(name: str) -> Layout:
    """The layout of that name.

    Raises:
        UserError: there is none.
    """
    for layout in LAYOUTS:
        if layout.name == name:
            return layout
    names = ", ".join(layout.name for layout in LAYOUTS)
    raise UserError(f'There is no layout "{name}": choose one of {names}, or folders for any images with masks.')
