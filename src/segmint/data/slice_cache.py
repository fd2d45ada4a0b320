"""Decoded slices on disk, so that training never waits for decoding.

One folder a (dataset, size, axis) under `$SEGMINT_CACHE` or the user's cache folder, named by the dataset's identity
and a hash over everything the slices depend on: file sizes, modification times, recorded intensity maps, size, axis,
format version. A changed file therefore leads to a new folder; folders can be deleted at any time. Built under a lock,
aside, and moved into place.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.data.cache import cache_lock, cache_root
from segmint.data.case import Case
from segmint.data.case_intensity import CaseIntensity
from segmint.data.content import mark_of
from segmint.data.dataset import Dataset
from segmint.data.enlarged import ids_taken_back, taken_back
from segmint.data.placement import Placement, centre
from segmint.errors import UserError
from segmint.outputs import staged_folder

FORMAT_VERSION = 7
IMAGES, LABELS, INDEX = "images.npy", "labels.npy", "index.json"


def condition_file(name: str) -> str:
    """File of the slices of one condition map."""
    return f"condition-{name}.npy"


def cached_slices(
    dataset: Dataset,
    *,
    size: int,
    axis: int | None,
    scale: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Folder with the slices of a dataset, built if it is not there yet.

    Args:
        dataset: What to cut; images without label maps get no file of labels.
        size: Side of the square grid.
        axis: Axis of the volumes to cut along; None for 2-D datasets.
        scale: Target pixels per source pixel; by default such that the largest slice fits. Of slices that do not fit with a
            given one, the centre is kept.
        progress: Called with (cases done, cases) while building.

    Raises:
        UserError: a file of the dataset is wrong, or the cache cannot be written.
    """
    target = cache_root() / f"{dataset.identity}-{size}px-{_key(dataset, size=size, axis=axis, scale=scale)}"
    with cache_lock(target, what="slice"):
        if not _complete(target):
            if target.exists():
                shutil.rmtree(target)
            for leftover in target.parent.glob(f".{target.name}.partial-*"):
                shutil.rmtree(leftover, ignore_errors=True)  # of a build that was killed; its lock is ours now
            try:
                with staged_folder(target) as staging:
                    _build(dataset, staging, size=size, axis=axis, scale=scale, progress=progress)
            except OSError as error:
                raise UserError(
                    f"The slice cache {target} cannot be written ({error.strerror}): free some space or point "
                    "SEGMINT_CACHE to "
                    "another folder."
                ) from error
    return target


def _complete(target: Path) -> bool:
    """Whether the folder holds readable arrays of the lengths its index tells."""
    try:
        index = json.loads((target / INDEX).read_text(encoding="utf-8"))
        images = np.load(target / IMAGES, mmap_mode="r")
        labelled = [np.load(target / LABELS, mmap_mode="r")] if index["labelled"] else []
        conditions = [np.load(target / condition_file(name), mmap_mode="r") for name in index["conditions"]]
        return all(len(one) == len(index["slices"]) for one in (images, *labelled, *conditions))
    except (OSError, ValueError, EOFError, KeyError, TypeError):
        return False


def _key(dataset: Dataset, *, size: int, axis: int | None, scale: float | None) -> str:
    described: list[Any] = [
        FORMAT_VERSION,
        dataset.identity,
        size,
        axis,
        dataset.channel_names,
        len(dataset.label_names),
        sorted(dataset.conditions),
        *(() if scale is None else (scale,)),
    ]
    for case in dataset.cases:
        stats = [path.stat() for path in case.files]
        maps = [(one.kind, one.low, one.high) for one in case.intensity or ()]
        # What the files do not know is in segmint.json, and in the index: millimetres, and numbers of slices.
        recorded = (case.id, case.volume, case.slice, case.spacing, case.affine, case.drawn, maps)
        described.append((*recorded, [(stat.st_size, stat.st_mtime_ns) for stat in stats]))
    return hashlib.sha256(json.dumps(described).encode()).hexdigest()[:16]


def _build(
    dataset: Dataset,
    folder: Path,
    *,
    size: int,
    axis: int | None,
    scale: float | None,
    progress: Callable[[int, int], None] | None,
) -> None:
    shapes = [dataset.shape(case) for case in dataset.cases]
    planes = [_plane_shape(shape, axis) for shape in shapes]
    counts = [1 if axis is None else shape[axis] for shape in shapes]
    placement = Placement(size, scale or min(1.0, size / max(max(plane) for plane in planes)))
    planes = [placement.largest_part(plane) for plane in planes]
    labelled = all(case.label_path is not None for case in dataset.cases)
    channels, total = len(dataset.channel_names), sum(counts)
    id_files = [*([LABELS] if labelled else []), *(condition_file(name) for name in dataset.conditions)]
    _check_space(folder, total * size * size * (4 * channels + len(id_files)))

    spacing = np.median([dataset.spacing(case) for case in dataset.cases], axis=0)
    intensity_of = CaseIntensity(dataset)
    slices: list[tuple[int, int, bool]] = []
    marks: list[str] = []
    intensity = []
    # Plain writes rather than writes through a memory map: on a full disk those end in an error, these in a crash.
    with ExitStack() as stack:
        images, *handles = (stack.enter_context((folder / name).open("wb")) for name in (IMAGES, *id_files))
        _write_header(images, (total, channels, size, size), np.dtype(np.float32))
        for handle in handles:
            _write_header(handle, (total, size, size), np.dtype(np.uint8))
        for number, (case, count) in enumerate(zip(dataset.cases, counts, strict=True)):
            id_maps = [dataset.read_label(case)] if labelled else []
            image = dataset.read_image(case)
            id_maps += [dataset.read_condition(case, name) for name in dataset.conditions]
            maps = intensity_of(case, image)
            intensity.append([(one.kind, one.low, one.high) for one in maps])
            normalised = np.stack([one.normalise(channel) for one, channel in zip(maps, image, strict=True)])
            for index in range(count):
                marks.append(mark_of(image if axis is None else np.take(image, index, axis=axis + 1)))
                plane = normalised if axis is None else np.take(normalised, index, axis=axis + 1)
                planes_of_ids = [ids if axis is None else np.take(ids, index, axis=axis) for ids in id_maps]
                placed, placed_ids = _placed(placement, case, plane, planes_of_ids, central=planes[number])
                images.write(placed.tobytes())
                for handle, ids in zip(handles, placed_ids, strict=True):
                    handle.write(ids.tobytes())
                number_in_volume = index if axis is not None else case.slice or 0
                slices.append((number, number_in_volume, labelled and bool(planes_of_ids[0].any())))
            if progress is not None:
                progress(number + 1, len(dataset.cases))
    index_content = {
        "scale": placement.scale,
        "spacing": [float(one) for one in spacing],
        "slices": slices,
        "marks": marks,
        "plane_shapes": planes,
        "intensity": intensity,
        "conditions": list(dataset.conditions),
        "labelled": labelled,
    }
    (folder / INDEX).write_text(json.dumps(index_content), encoding="utf-8")


def _placed(
    placement: Placement,
    case: Case,
    plane: NDArray[np.float32],
    id_planes: Sequence[NDArray[np.uint8]],
    *,
    central: tuple[int, int],
) -> tuple[NDArray[np.float32], list[NDArray[np.uint8]]]:
    """Channels [C, S, S] and id maps [S, S] of a slice [C, h, w] on the square grid.

    Args:
        central: shape of the part of it that the grid holds.

    Raises:
        UserError: it is said to have been enlarged from more pixels than it has.
    """
    shape, drawn = (plane.shape[1], plane.shape[2]), case.drawn
    if drawn is not None and (drawn[0] > shape[0] or drawn[1] > shape[1]):
        raise UserError(
            f'segmint.json says that "{case.id}" was drawn in {drawn[0]} x {drawn[1]} pixels ("drawn"), but its files have'
            f" {shape[0]} x {shape[1]}: remove that entry."
        )
    if drawn is not None and shape == central:
        images = [placement.place_image(taken_back(one, drawn), original_shape=shape) for one in plane]
        return np.stack(images), [_placed_ids(placement, one, drawn) for one in id_planes]
    images = [placement.place_image(centre(channel, central)) for channel in plane]
    return np.stack(images), [placement.place_label(centre(one, central)) for one in id_planes]


def _placed_ids(placement: Placement, plane: NDArray[np.uint8], drawn: tuple[int, int]) -> NDArray[np.uint8]:
    """An id map [h, w] that was drawn in fewer pixels, [S, S]; as real ones are made smaller where it was changed since."""
    back = ids_taken_back(plane, drawn)
    if back is None:
        return placement.place_label(plane)
    return placement.place_label(back, original_shape=(plane.shape[0], plane.shape[1]))


def _plane_shape(shape: tuple[int, ...], axis: int | None) -> tuple[int, int]:
    height, width = (side for number, side in enumerate(shape) if number != axis)
    return height, width


def _write_header(handle: Any, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
    description = np.lib.format.dtype_to_descr(dtype)
    np.lib.format.write_array_header_2_0(handle, {"descr": description, "fortran_order": False, "shape": shape})


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"The slice cache in {folder.parent} needs {needed / 1e9:.1f} GB but {free / 1e9:.1f} GB are free: free "
            "some space, "
            "choose a smaller --size, or point SEGMINT_CACHE to another disk."
        )
