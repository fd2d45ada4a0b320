"""A dataset: a folder of image + label map pairs in the nnU-Net v2 layout, opened in place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segmint.data.case import Case, Provenance
from segmint.data.dataset_json import Description, read_description
from segmint.data.formats import Format, Geometry, find_format
from segmint.data.grid import distance_apart
from segmint.data.layout import Found, FoundCase, find_cases
from segmint.data.sidecar import SIDECAR_NAME, CaseEntry, Sidecar, read_sidecar
from segmint.data.sidecar_check import sidecar_problems
from segmint.data.subjects import Split, SubjectKind, Subset
from segmint.errors import UserError

__all__ = ["Case", "Dataset", "Provenance", "Split", "Subset", "open_dataset"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """An opened dataset. Nothing is ever written into its folder by this class.

    Args:
        root: The folder.
        name: From dataset.json, or the folder's name.
        channel_names: In channel order.
        label_names: Index = id, 0 is background.
        file_ending: Of every image and label file.
        dimensions: Of the arrays; single-slice volumes count as 2-D.
        cases: The pairs of imagesTr and labelsTr, sorted by id.
        split: Stored split, if any.
        subsets: Stored smaller training sets by name.
        provenance: What made it, for synthetic datasets; None for real ones.
        licence: As stored.
        packed: All channels of a case lie in one file (RGB, or 4-D NIfTI of the Medical Segmentation Decathlon).
        conditions: Condition maps that every case has: name -> names of its ids (index = id).
        subject_kind: What the subjects are: "subject", "block" of one stack, or "image" of which nothing is known.
        unlabelled: The images of imagesUnlabelled, sorted by id; their subjects may be those of pairs, or others.
    """

    root: Path
    name: str
    channel_names: tuple[str, ...]
    label_names: tuple[str, ...]
    file_ending: str
    dimensions: Literal[2, 3]
    cases: tuple[Case, ...]
    split: Split | None
    subsets: Mapping[str, Subset]
    provenance: Provenance | None
    licence: str | None
    packed: bool = False
    conditions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    subject_kind: SubjectKind = "subject"
    unlabelled: tuple[Case, ...] = ()
    format: Format = field(repr=False, kw_only=True)

    @cached_property
    def identity(self) -> str:
        """Name and 12 hex digits of a hash over the name and every case's id and file sizes, unlabelled ones included.

        The same wherever the folder lies; cheap, since no file is opened.
        """
        digest = hashlib.sha256(self.name.encode())
        for mark, cases in (("", self.cases), ("unlabelled ", self.unlabelled)):
            for case in cases:
                sizes = ",".join(str(path.stat().st_size) for path in case.files)
                digest.update(f"\n{mark}{case.id}:{sizes}".encode())
        plain = re.sub(r"[^A-Za-z0-9._]+", "-", self.name).strip("-.") or "dataset"
        return f"{plain}-{digest.hexdigest()[:12]}"

    @cached_property
    def subjects(self) -> tuple[str, ...]:
        """All subjects of pairs, sorted."""
        return tuple(sorted({case.subject for case in self.cases}))

    def images_alone(self) -> Dataset:
        """The images of imagesUnlabelled as a dataset of their own, without labels, conditions or split."""
        return replace(self, cases=self.unlabelled, unlabelled=(), split=None, subsets={}, conditions={})

    @property
    def colour(self) -> bool:
        """The three channels are red, green and blue, by name; three contrasts in one RGB file are not."""
        return is_colour(self.channel_names)

    @property
    def rgb(self) -> bool:
        """The three channels lie in one RGB picture."""
        return self.packed and self.format.dimensions == frozenset({2})

    def cases_of(self, subjects: Iterable[str]) -> tuple[Case, ...]:
        """The cases of some subjects, sorted by id.

        Raises:
            UserError: a subject is not in this dataset.
        """
        wanted = set(subjects)
        unknown = sorted(wanted - set(self.subjects))
        if unknown:
            raise UserError(f'{self.root} has no subject "{unknown[0]}": its subjects are {shortened(self.subjects)}.')
        return tuple(case for case in self.cases if case.subject in wanted)

    def read_image(self, case: Case) -> NDArray[np.float32]:
        """Read [C, *spatial] in stored units.

        Raises:
            UserError: a file is damaged, the channels do not fit together, or a value is not finite.
        """
        parts: list[NDArray[np.float32]] = []
        for path in case.image_paths:
            stored = self.format.read_image(path)
            values = stored.astype(np.float32)
            if not np.isfinite(values).all():
                kind = "NaN" if np.isnan(values).any() else "infinite"
                raise UserError(f"{path} holds {kind} intensities: replace them by a number, such as the background's.")
            if parts:
                self._check_place(case, path)
            parts.append(self._in_dimensions(path, values, leading=1))
        if len({part.shape[1:] for part in parts}) > 1:
            shapes = " and ".join(sorted({_written(part.shape[1:]) for part in parts}))
            raise UserError(f'The channels of "{case.id}" in {self.root} have the shapes {shapes}: they must be equal.')
        image = parts[0] if len(parts) == 1 else np.concatenate(parts)
        self._check_channels(case, image.shape[0])
        return np.ascontiguousarray(image)

    def read_label(self, case: Case) -> NDArray[np.uint8]:
        """Read [*spatial] ids.

        Raises:
            UserError: the file is damaged, holds an id that dataset.json does not name, or differs in shape from its
                image.
            ValueError: the case is an image without a label map.
        """
        if case.label_path is None:
            raise ValueError(f"{case.id} has no label map")
        return self._read_ids(case, case.label_path, count=len(self.label_names), named_in="dataset.json")

    def read_prediction(self, case: Case, path: Path) -> NDArray[np.uint8]:
        """Read [*spatial] ids that somebody predicted for a case, in a file of the dataset's kind.

        Raises:
            UserError: the file is missing or damaged, holds an id that dataset.json does not name, or differs in shape from
                the image.
        """
        if not path.is_file():
            raise UserError(f'{path} does not exist: every image needs its prediction, and "{case.id}" has none.')
        advice = "predict with the labels of the dataset"
        return self._read_ids(case, path, count=len(self.label_names), named_in="dataset.json", advice=advice)

    def read_condition(self, case: Case, name: str) -> NDArray[np.uint8]:
        """Read [*spatial] ids of a condition map.

        Raises:
            UserError: there is no such map, the file is damaged, holds an id that segmint.json does not name, or differs
                in shape from its image.
        """
        if name not in self.conditions:
            raise UserError(
                f'{self.root} has no condition "{name}" (it has {", ".join(self.conditions) or "none"}): choose another '
                "one, or convert the dataset with it."
            )
        count = len(self.conditions[name])
        return self._read_ids(case, case.condition_paths[name], count=count, named_in=SIDECAR_NAME)

    def _read_ids(
        self, case: Case, path: Path, *, count: int, named_in: str, advice: str | None = None
    ) -> NDArray[np.uint8]:
        ids = self._in_dimensions(path, self.format.read_label(path), leading=0)
        unknown = unknown_ids(ids, count)
        if unknown:
            if advice is None and (unknown == [255] or min(unknown) < 0):
                advice = "write the masks with those ids instead, or convert them with `segmint data convert folders`"
            plural = "s" if len(unknown) > 1 else ""
            raise UserError(
                f"{path} holds the label id{plural} {shortened([str(one) for one in unknown])}, which {named_in} does "
                f"not name (it names 0 to {count - 1}): {advice or f'name them in {named_in}'}."
            )
        shape = self.shape(case)
        if ids.shape != shape:
            raise UserError(
                f"{path} has the shape {_written(ids.shape)} but {case.image_paths[0].name} has {_written(shape)}: an "
                "image and its mask must lie on the same grid."
            )
        self._check_place(case, path)
        return ids.astype(np.uint8, copy=False)

    def geometry(self, case: Case) -> Geometry:
        """Header of the first image file of a case, as stored (a single-slice volume is still 3-D here); read once."""
        path = case.image_paths[0]
        if path not in self._geometries:
            self._geometries[path] = self.format.geometry(path)
        return self._geometries[path]

    @cached_property
    def _geometries(self) -> dict[Path, Geometry]:
        return {}

    def shape(self, case: Case) -> tuple[int, ...]:
        """Spatial shape of the arrays of a case, read from the header alone."""
        stored = self.geometry(case).shape
        return tuple(stored[axis] for axis in self._kept_axes(case.image_paths[0], stored))

    def spacing(self, case: Case) -> tuple[float, ...]:
        """Millimetres per array axis, 1.0 where unknown."""
        return self.known_spacing(case) or (1.0,) * self.dimensions

    def known_spacing(self, case: Case) -> tuple[float, ...] | None:
        """Millimetres per array axis, None where neither the file nor segmint.json tells."""
        geometry = self.geometry(case)
        axes = self._kept_axes(case.image_paths[0], geometry.shape)
        if geometry.spacing is not None:
            return tuple(geometry.spacing[axis] for axis in axes)
        if case.spacing is not None:
            return (*case.spacing, *(1.0,) * len(axes))[: len(axes)]
        return None

    def affine(self, case: Case) -> NDArray[np.float64] | None:
        """[4, 4] voxel-to-world matrix of the stored array, where the file or segmint.json knows it."""
        affine = self.geometry(case).affine
        if affine is not None:
            return affine
        return None if case.affine is None else np.asarray(case.affine, dtype=np.float64)

    def _kept_axes(self, path: Path, stored: tuple[int, ...]) -> tuple[int, ...]:
        if len(stored) == self.dimensions:
            return tuple(range(len(stored)))
        axes = tuple(axis for axis, side in enumerate(stored) if side > 1) if 1 in stored else ()
        if len(axes) < self.dimensions and stored[-1:] == (1,):
            axes = tuple(range(len(stored) - 1))
        if len(axes) != self.dimensions:
            raise UserError(
                f"{path} is {len(stored)}-D, shape {_written(stored)}, in a dataset that is otherwise "
                f"{self.dimensions}-D: "
                "keep slices and volumes in separate datasets."
            )
        return axes

    def _in_dimensions(self, path: Path, array: NDArray[Any], *, leading: int) -> NDArray[Any]:
        spatial = array.shape[leading:]
        axes = self._kept_axes(path, spatial)
        return array.reshape(*array.shape[:leading], *(spatial[axis] for axis in axes))

    def _check_place(self, case: Case, path: Path) -> None:
        """Refuse a file that lies elsewhere in the world than the first image file of its case."""
        first, other = self.geometry(case), self.format.geometry(path)
        if first.affine is None or other.affine is None or first.shape != other.shape:
            return
        apart = distance_apart(first.shape, other.affine, first.affine)
        if apart is not None:
            raise UserError(
                f"{path} lies {apart:.3g} mm away from {case.image_paths[0].name} (their affines differ): resample it onto the "
                "same grid, or copy the affine if the voxels do match."
            )

    def _check_channels(self, case: Case, channels: int) -> None:
        if channels == len(self.channel_names):
            return
        raise UserError(
            f"{case.image_paths[0]} gives {channels} channel{'s' if channels > 1 else ''} where dataset.json names "
            f"{len(self.channel_names)} ({', '.join(self.channel_names)}): name every channel there, or store one "
            "file a channel."
        )


def is_colour(channel_names: Iterable[str]) -> bool:
    """Whether channels of these names are red, green and blue."""
    return tuple(name.lower() for name in channel_names) in (("red", "green", "blue"), ("r", "g", "b"))


def open_dataset(path: Path | str) -> Dataset:
    """Open a dataset in place: nnU-Net v2 raw, or the older `dataset.json` of the Medical Segmentation Decathlon.

    The folder is only read. Pixels are read, and checked, when they are asked for.

    Raises:
        UserError: the folder, its JSON files or the pairing of its files is wrong; the first problem found is named.
    """
    root = Path(path)
    description = read_description(root)
    sidecar = read_sidecar(root)
    found = find_cases(root, description, conditions=tuple(sidecar.conditions) if sidecar else ())
    problems = [*found.problems, *sidecar_problems(root, description, found, sidecar)]
    if problems:
        raise UserError(f"{problems[0]}{further(len(problems) - 1, root)}")
    return assemble(root, description, sidecar, found)


def assemble(root: Path, description: Description, sidecar: Sidecar | None, found: Found) -> Dataset:
    """Put together the parts of a dataset whose complete cases are known."""
    where = root / "dataset.json"
    file_format = find_format(found.file_ending, where=where)
    recorded = {} if sidecar is None else {**sidecar.unlabelled, **sidecar.cases}
    channels = len(description.channel_names)
    cases = tuple(_case(one, recorded.get(one.id), root=root, channels=channels) for one in found.cases)
    unlabelled = tuple(_case(one, recorded.get(one.id), root=root, channels=channels) for one in found.unlabelled)
    return Dataset(
        root=root,
        name=description.name or root.resolve().name,
        channel_names=description.channel_names,
        label_names=description.label_names,
        file_ending=found.file_ending,
        dimensions=_dimensions(file_format, cases),
        cases=cases,
        split=sidecar.split if sidecar else None,
        subsets=sidecar.subsets if sidecar else {},
        provenance=sidecar.provenance if sidecar else None,
        licence=(sidecar.licence if sidecar else None) or description.licence,
        packed=found.packed,
        conditions=sidecar.conditions if sidecar else {},
        subject_kind=sidecar.subject_kind if sidecar else "subject",
        unlabelled=unlabelled,
        format=file_format,
    )


def _case(one: FoundCase, entry: CaseEntry | None, *, root: Path, channels: int) -> Case:
    """Files and record of a case; its id is its subject where nothing is recorded."""
    entry = entry or CaseEntry(subject=one.id)
    if entry.intensity is not None and len(entry.intensity) != channels:
        raise UserError(
            f'{root / SIDECAR_NAME} records {len(entry.intensity)} intensity maps for "{one.id}" where dataset.json names'
            f" {channels} channels: record one a channel."
        )
    return Case(
        id=one.id,
        subject=entry.subject,
        volume=entry.volume,
        slice=entry.slice,
        axis=entry.axis,
        intensity=entry.intensity,
        image_paths=one.images,
        label_path=one.label,
        spacing=entry.spacing,
        affine=entry.affine,
        original_shape=entry.original_shape,
        padding=entry.padding,
        condition_paths=one.conditions,
        uncertainty=entry.uncertainty,
        drawn=entry.drawn,
    )


def _dimensions(file_format: Format, cases: Sequence[Case]) -> Literal[2, 3]:
    """2 or 3. Three headers are enough to tell; a case that differs is refused when it is read."""
    if file_format.dimensions == frozenset({2}):
        return 2
    for case in (cases[0], cases[len(cases) // 2], cases[-1]) if cases else ():
        shape = file_format.geometry(case.image_paths[0]).shape
        if len(shape) == 3 and 1 not in shape:
            return 3
    return 2


def unknown_ids(label: NDArray[Any], label_count: int) -> list[int]:
    """Ids of a label map that are not in 0..label_count-1, sorted."""
    if label.size == 0 or (int(label.min()) >= 0 and int(label.max()) < label_count):
        return []
    return [int(value) for value in np.unique(label) if not 0 <= int(value) < label_count]


def further(count: int, root: Path) -> str:
    """A pointer to the remaining problems."""
    if count <= 0:
        return ""
    return f" ({count} more problem{'s' if count > 1 else ''}: see `segmint data inspect {root}`.)"


def shortened(names: Iterable[str]) -> str:
    """The first five names, and how many more there are."""
    listed = list(names)
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")


def _written(shape: tuple[int, ...]) -> str:
    return " x ".join(str(side) for side in shape)
