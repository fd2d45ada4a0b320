"""Writing a dataset, file by file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmint.data.case import Case, Provenance
from segmint.data.conditions import FOLDER, checked_conditions, condition_path
from segmint.data.dataset import Dataset
from segmint.data.dataset_json import DATASET_JSON_NAME, write_description
from segmint.data.formats import find_format
from segmint.data.formats.copying import copy_channel
from segmint.data.formats.format import AnyArray
from segmint.data.formats.nifti import slice_affine
from segmint.data.intensity import IntensityMap
from segmint.data.sidecar import CaseEntry, Sidecar, write_sidecar
from segmint.data.subjects import Split, SubjectKind, Subset
from segmint.errors import UserError

_SAFE_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")


class DatasetWriter:
    """Writes pairs in the nnU-Net v2 layout into an existing, usually staged, folder.

    Args:
        folder: Where to write; exists already.
        name: Of the dataset.
        channel_names: In channel order.
        label_names: Index = id, 0 is background.
        file_ending: ".png", ".tif", ".nii.gz" or ".nii".
        licence: Of the images.
        provenance: For synthetic datasets.
        rgb: Three channels go into one 8-bit RGB file (PNG or TIFF) instead of one file a channel.
        conditions: Condition maps that every labelled case will have: name -> names of its ids (index = id).
        subject_kind: "subject" for patients, animals or specimens, "block" for blocks of one stack, "image" where
            nothing is known of whom an image comes from.

    Raises:
        UserError: no format has that file ending.
        ValueError: there are no channels or no label beside the background, or `rgb` or `conditions` do not fit.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        channel_names: Sequence[str],
        label_names: Sequence[str],
        file_ending: str,
        licence: str | None = None,
        provenance: Provenance | None = None,
        rgb: bool = False,
        conditions: Mapping[str, Sequence[str]] | None = None,
        subject_kind: SubjectKind = "subject",
    ) -> None:
        self.folder = Path(folder)
        self.name = name
        self.channel_names = tuple(channel_names)
        self.label_names = tuple(label_names)
        self.file_ending = file_ending
        self.licence = licence
        self.provenance = provenance
        self.rgb = rgb
        self.conditions = checked_conditions(conditions or {})
        self.subject_kind = subject_kind
        self._format = find_format(file_ending, where=self.folder / DATASET_JSON_NAME)
        if not self.channel_names or len(self.label_names) < 2 or len(self.label_names) > 256:
            raise ValueError("a dataset needs a channel, and 2 to 256 labels, background included")
        if rgb and (len(self.channel_names) != 3 or self._format.dimensions != frozenset({2})):
            raise ValueError("an RGB file has three channels and is PNG or TIFF")
        self._cases: dict[str, CaseEntry] = {}
        self._unlabelled: dict[str, CaseEntry] = {}

    def add(
        self,
        case_id: str,
        image: ArrayLike,
        label: ArrayLike | None,
        *,
        subject: str,
        volume: str | None = None,
        slice: int | None = None,
        axis: int | None = None,
        spacing: Sequence[float] | None = None,
        affine: ArrayLike | None = None,
        intensity: Sequence[IntensityMap] | None = None,
        original_shape: Sequence[int] | None = None,
        padding: Sequence[tuple[int, int]] | None = None,
        conditions: Mapping[str, ArrayLike] | None = None,
        uncertainty: float | None = None,
        drawn: tuple[int, int] | None = None,
    ) -> None:
        """Write one case.

        Args:
            case_id: Letters, digits, dot, dash and underscore.
            image: [C, *spatial] in stored units. Float for PNG is rounded: to 8 bits where every recorded intensity map
                lies within 0..255, to 16 bits otherwise.
            label: [*spatial] ids, or None: the image then goes to imagesUnlabelled.
            subject: Whom it comes from.
            volume: Volume this is a slice of.
            slice: Number of the slice in `volume`.
            axis: Axis of `volume` it was taken along.
            spacing: Millimetres per array axis; a slice may give a third number, the distance between slices.
            affine: [4, 4] of the array as stored; a 2-D array is stored in NIfTI as [h, w, 1] (see `slice_affine`).
            intensity: One map a channel.
            original_shape: Shape on the source's grid.
            padding: ((before, after), ...) per axis.
            conditions: [*spatial] ids of every declared condition map; an unlabelled case may lack some.
            uncertainty: Of the label map of a synthetic pair.
            drawn: (h, w) from which a synthetic slice was enlarged to this one.

        Raises:
            ValueError: shapes, ids or values do not fit what was declared.
        """
        channels = np.asarray(image)
        if _SAFE_ID.match(case_id) is None:
            raise ValueError(f'the case id "{case_id}" may hold letters, digits, ".", "-" and "_" only')
        if case_id in self._cases or case_id in self._unlabelled:
            raise ValueError(f'the case "{case_id}" is written twice')
        if channels.ndim - 1 not in self._format.dimensions or channels.shape[0] != len(self.channel_names):
            raise ValueError(f"{case_id}: image of shape {channels.shape} for {len(self.channel_names)} channels")
        if channels.dtype.kind == "f" and not np.isfinite(channels).all():
            raise ValueError(f"{case_id}: intensities that are not finite")
        entry = CaseEntry(
            subject=subject,
            volume=volume,
            slice=slice,
            axis=axis,
            spacing=None if spacing is None else tuple(float(one) for one in spacing),
            affine=None if affine is None else tuple(tuple(map(float, row)) for row in np.asarray(affine)),
            original_shape=None if original_shape is None else tuple(int(side) for side in original_shape),
            padding=None if padding is None else tuple((int(before), int(after)) for before, after in padding),
            intensity=None if intensity is None else tuple(intensity),
            uncertainty=uncertainty,
            drawn=drawn,
        )
        matrix = None if affine is None else np.asarray(affine, dtype=np.float64)
        maps = {
            name: self._checked_ids(case_id, name, ids, channels, count=len(self.conditions.get(name, ())))
            for name, ids in (conditions or {}).items()
        }
        missing = sorted(set(self.conditions) - set(maps))
        if label is not None and missing:
            raise ValueError(f'{case_id}: the condition "{missing[0]}" is declared but not given')
        ids = (
            None if label is None else self._checked_ids(case_id, "label", label, channels, count=len(self.label_names))
        )
        for name, one in maps.items():
            self._store(FOLDER, f"{case_id}_{name}", one, entry, matrix, label=True)
        if ids is None:
            self._write_image("imagesUnlabelled", case_id, channels, entry, matrix)
            self._unlabelled[case_id] = entry
            return
        self._write_image("imagesTr", case_id, channels, entry, matrix)
        self._store("labelsTr", case_id, ids, entry, matrix, label=True)
        self._cases[case_id] = entry

    def copy(self, dataset: Dataset, case: Case, *, intensity: Sequence[IntensityMap]) -> None:
        """Take over a pair of a dataset of the same channels, labels and file ending, with all that is recorded of it.

        Files are copied voxel for voxel, and lie as `add` would write them: NIfTI one channel a file, of single slices the axis
        of one voxel last. Of condition maps, those declared here are taken.

        Args:
            dataset: Has every condition that is declared here.
            case: One of its pairs; its id, which may be any file's name there, is kept.
            intensity: One map a channel.

        Raises:
            UserError: a file is damaged.
            ValueError: the case is written already, or has no label map.
        """
        if case.id in self._cases or case.id in self._unlabelled or case.label_path is None:
            raise ValueError(f'the case "{case.id}" is written twice, or has no label map')
        shape, spacing, affine = _as_added(dataset, case)
        place = None if dataset.geometry(case).shape == shape else affine
        entry = CaseEntry(
            subject=case.subject,
            volume=case.volume,
            slice=case.slice,
            axis=case.axis,
            spacing=spacing,
            affine=None if affine is None else tuple(tuple(map(float, row)) for row in affine),
            original_shape=case.original_shape,
            padding=case.padding,
            intensity=tuple(intensity),
            uncertainty=case.uncertainty,
            drawn=case.drawn,
        )
        images = [(path, 0) for path in case.image_paths]
        if dataset.packed and not dataset.rgb:
            images = [(case.image_paths[0], channel) for channel in range(len(self.channel_names))]
        images_folder, labels_folder = self.folder / "imagesTr", self.folder / "labelsTr"
        copies = [
            (path, channel, images_folder / f"{case.id}_{number:04d}{self.file_ending}")
            for number, (path, channel) in enumerate(images)
        ]
        copies.append((case.label_path, 0, labels_folder / f"{case.id}{self.file_ending}"))
        copies += [
            (case.condition_paths[name], 0, condition_path(self.folder, case.id, name, self.file_ending))
            for name in self.conditions
        ]
        for source, channel, target in copies:
            with _on_disk(target):
                target.parent.mkdir(exist_ok=True)
                copy_channel(source, target, channel=channel, shape=shape, affine=place)
        self._cases[case.id] = entry

    def finish(self, *, split: Split | None = None, subsets: Mapping[str, Subset] | None = None) -> None:
        """Write dataset.json and segmint.json.

        Raises:
            ValueError: no pair was added.
        """
        if not self._cases:
            raise ValueError("a dataset needs at least one pair")
        sidecar = Sidecar(
            cases=dict(sorted(self._cases.items())),
            unlabelled=dict(sorted(self._unlabelled.items())),
            conditions=self.conditions,
            subject_kind=self.subject_kind,
            split=split,
            subsets=dict(subsets or {}),
            licence=self.licence,
            provenance=self.provenance,
        )
        with _on_disk(self.folder):
            write_description(
                self.folder,
                name=self.name,
                channel_names=self.channel_names,
                label_names=self.label_names,
                file_ending=self.file_ending,
                training_cases=len(self._cases),
                licence=self.licence,
            )
            write_sidecar(self.folder, sidecar)

    @staticmethod
    def _checked_ids(case_id: str, name: str, given: ArrayLike, channels: AnyArray, *, count: int) -> AnyArray:
        ids = np.asarray(given)
        if count == 0:
            raise ValueError(f'{case_id}: the condition "{name}" is not declared')
        if ids.shape != channels.shape[1:]:
            raise ValueError(f"{case_id}: {name} of shape {ids.shape} for an image of shape {channels.shape}")
        if ids.dtype.kind not in "uib" or int(ids.min()) < 0 or int(ids.max()) >= count:
            raise ValueError(f"{case_id}: {name} ids outside 0..{count - 1}, or not integers")
        return ids

    def _write_image(
        self, folder: str, case_id: str, channels: AnyArray, entry: CaseEntry, affine: NDArray[np.float64] | None
    ) -> None:
        stored = channels if self._format.holds_float else _whole_numbers(case_id, channels, entry.intensity)
        parts = [stored] if self.rgb else [stored[channel : channel + 1] for channel in range(stored.shape[0])]
        for channel, part in enumerate(parts):
            self._store(folder, f"{case_id}_{channel:04d}", part, entry, affine, label=False)

    def _store(
        self,
        folder: str,
        name: str,
        array: AnyArray,
        entry: CaseEntry,
        affine: NDArray[np.float64] | None,
        *,
        label: bool,
    ) -> None:
        path = self.folder / folder / f"{name}{self.file_ending}"
        write = self._format.write_label if label else self._format.write_image
        with _on_disk(path):
            path.parent.mkdir(exist_ok=True)
            write(path, array, spacing=entry.spacing, affine=affine)


def _as_added(dataset: Dataset, case: Case) -> tuple[tuple[int, ...], tuple[float, ...], NDArray[np.float64] | None]:
    """Shape, spacing and affine of the files of a case where `DatasetWriter.add` writes them."""
    stored, affine = dataset.geometry(case), dataset.affine(case)
    shape, spacing = (*stored.shape, 1)[:3], case.spacing or dataset.spacing(case)
    if dataset.dimensions == 3 or shape[-1] == 1 or affine is None or stored.spacing is None:
        return shape, spacing, affine
    axis = shape.index(1)
    order = [*(other for other in range(3) if other != axis), axis]
    return (
        tuple(shape[one] for one in order),
        tuple(stored.spacing[one] for one in order),
        slice_affine(affine, axis=axis, index=0),
    )


@contextmanager
def _on_disk(path: Path) -> Iterator[None]:
    """A full, vanished or read-only disk is the user's to mend."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}): free some space or choose another --out."
        ) from error


def _whole_numbers(case_id: str, channels: AnyArray, intensity: Sequence[IntensityMap] | None) -> AnyArray:
    """uint8 or uint16 of the same values; floats are rounded."""
    if channels.dtype in (np.uint8, np.uint16):
        return channels
    rounded = np.rint(channels.astype(np.float64, casting="unsafe"))
    eight = intensity is not None and all(one.low >= 0.0 and one.high <= 255.0 for one in intensity)
    highest = 255 if eight else 65535
    if rounded.min() < 0 or rounded.max() > highest:
        raise ValueError(
            f"{case_id}: values from {rounded.min():g} to {rounded.max():g} do not fit {highest.bit_length()}-bit "
            "PNG; write NIfTI"
        )
    return rounded.astype(np.uint8 if eight else np.uint16)
