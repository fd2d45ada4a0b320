"""What a published layout tells of the files its owners ship."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segmint.data.convert.contrast import Contrast
from segmint.data.formats.format import AnyArray
from segmint.data.subjects import SubjectKind

Option = Literal["observer", "blocks", "keep_unlabelled", "priority"]
DEFAULT_BLOCKS = 4


@dataclass(frozen=True)
class LayoutOptions:
    """Choices that some layouts leave.

    Args:
        observer: Whose masks to take, 1 or 2.
        blocks: Blocks of consecutive slices that a stack is parted into.
        keep_unlabelled: Images without a mask are kept, where the layout would leave them out.
        priority: Names of labels; where two overlap, the first named wins.
    """

    observer: int = 1
    blocks: int = DEFAULT_BLOCKS
    keep_unlabelled: bool = False
    priority: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Content:
    """What a case holds: image [C, *spatial] (uint8 or uint16 for PNG), ids [*spatial] or None, and ids of every condition map.

    Volumes and their slices also tell their place: millimetres per array axis, and the [4, 4] voxel-to-world matrix.
    """

    image: AnyArray
    label: NDArray[np.uint8] | None
    conditions: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    spacing: tuple[float, ...] | None = None
    affine: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class SourceCase:
    """One image of a source.

    Args:
        id: Case id in the dataset.
        path: Image file, for messages.
        place: Path of the image in the source, in which --subject is searched.
        subject: Whom it comes from, as the layout tells.
        read: Reads the files; raises UserError where one is wrong.
        part: Part of the owners' own split, if they made one.
        volume: Volume this is a slice of.
        slice: Its number in the volume.
        axis: Axis of the volume it was taken along.
    """

    id: str
    path: Path
    place: str
    subject: str
    read: Callable[[], Content]
    part: Literal["train", "test"] | None = None
    volume: str | None = None
    slice: int | None = None
    axis: int | None = None


@dataclass(frozen=True)
class Source:
    """A published dataset as it was found.

    Args:
        cases: Its images.
        channel_names: In channel order.
        label_names: Index = id.
        conditions: Condition maps of every labelled case: name -> names of its ids.
        subject_kind: What the subjects are.
        originally: Images in the dataset as its owners ship it.
        remarks: Sentences that the user should read.
        file_ending: What the cases are stored as.
        rgb: Three channels of pictures go into one RGB file.
        licence: As the files themselves tell it, instead of the layout's.
        contrast: "subject" records percentile maps of each volume, for MR stored in 8 bits.
    """

    cases: Sequence[SourceCase]
    channel_names: tuple[str, ...]
    label_names: tuple[str, ...]
    originally: int
    conditions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    subject_kind: SubjectKind = "subject"
    remarks: tuple[str, ...] = ()
    file_ending: str = ".png"
    rgb: bool = True
    licence: str | None = None
    contrast: Contrast = "file"


@dataclass(frozen=True)
class Layout:
    """A published dataset that can be converted.

    Args:
        name: How it is asked for.
        title: What it shows.
        files: The files as they come, for the list of layouts.
        origin: Where users get them.
        licence: Of the images, stored with the dataset.
        find: Finds the files in a folder, and raises UserError where some are missing.
        options: Choices it leaves.
        coded: Ids and subjects that `find` gives are those of patients, and never written: codes take their place.
    """

    name: str
    title: str
    files: str
    origin: str
    licence: str
    find: Callable[[Path, LayoutOptions], Source]
    options: frozenset[Option] = frozenset()
    coded: bool = False
