"""Published datasets as their owners ship them, one file each."""

from __future__ import annotations

from segmint.data.convert.layouts.brats_2015 import BRATS_2015
from segmint.data.convert.layouts.brats_2018 import BRATS_2018
from segmint.data.convert.layouts.brats_2023 import BRATS_2023
from segmint.data.convert.layouts.chase_db1 import CHASE_DB1
from segmint.data.convert.layouts.covid_19_ct import COVID_19_CT
from segmint.data.convert.layouts.dicom import DICOM
from segmint.data.convert.layouts.drive import DRIVE
from segmint.data.convert.layouts.drosophila_vnc import DROSOPHILA_VNC
from segmint.data.convert.layouts.dsb2018 import DSB2018
from segmint.data.convert.layouts.epfl_ca1 import EPFL_CA1
from segmint.data.convert.layouts.isles_2018 import ISLES_2018
from segmint.data.convert.layouts.layout import Layout
from segmint.data.convert.layouts.lgg import LGG
from segmint.data.convert.layouts.msd import MSD
from segmint.data.convert.layouts.nnunet import NNUNET
from segmint.data.convert.layouts.segthor import SEGTHOR
from segmint.errors import UserError

LAYOUTS: tuple[Layout, ...] = (
    CHASE_DB1,
    DRIVE,
    DROSOPHILA_VNC,
    EPFL_CA1,
    LGG,
    DSB2018,
    BRATS_2015,
    BRATS_2018,
    BRATS_2023,
    COVID_19_CT,
    ISLES_2018,
    SEGTHOR,
    MSD,
    NNUNET,
    DICOM,
)
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
