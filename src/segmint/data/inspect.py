"""Looking at every file of a dataset: what is in it, and everything that is wrong with it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.data.case import Case
from segmint.data.case_intensity import stores_eight_bits
from segmint.data.dataset import Dataset, assemble
from segmint.data.dataset_json import read_description
from segmint.data.formats import ending_of
from segmint.data.layout import find_cases
from segmint.data.orientation import orientation_of, orientation_remark
from segmint.data.sidecar import Sidecar, read_sidecar
from segmint.data.sidecar_check import sidecar_problems
from segmint.data.subjects import PARTS
from segmint.errors import UserError

_MOST_SIZES = 5
# Of the range of 8 bits; black left out, 99% of the values of most MR kept in 8 bits lie within less.
_DARK = 0.65


def inspect_dataset(path: Path | str, *, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Read a whole dataset and describe it.

    Args:
        path: The dataset folder.
        progress: Called with (cases done, cases).

    Returns:
        A JSON-able description: name, identity, pairs, subjects, sizes, spacing (None where no file knows it),
        intensity range of every channel, share of every label and of every id of the condition maps, empty masks,
        split, and images without a label map (`unlabelled_held_out` are of validation or test subjects, so never learnt from);
        under "problems" one sentence for everything that must be mended, under "remarks" one for everything
        worth knowing.

    Raises:
        UserError: there is no such folder, or its dataset.json cannot be understood, so that nothing else can be told.
    """
    root = Path(path)
    description = read_description(root)
    problems: list[str] = []
    try:
        sidecar = read_sidecar(root)
    except UserError as error:
        sidecar = None
        problems.append(str(error))
    found = find_cases(root, description, conditions=tuple(sidecar.conditions) if sidecar else ())
    problems += [*found.problems, *sidecar_problems(root, description, found, sidecar)]
    dataset = assemble(root, description, sidecar, found)
    survey = _Survey(dataset)
    for number, case in enumerate((*dataset.cases, *dataset.unlabelled)):
        survey.add(case)
        if progress is not None:
            progress(number + 1, len(dataset.cases) + len(dataset.unlabelled))
    problems += survey.problems
    if survey.readable and survey.empty == survey.readable:
        problems.append(f"All masks of {root} are empty: check the masks, there is nothing to learn from them.")
    held_out = set() if dataset.split is None else {*dataset.split.validation, *dataset.split.test}
    per_subject = Counter(case.subject for case in dataset.cases)
    return {
        "path": str(root),
        "name": dataset.name,
        "identity": dataset.identity,
        "licence": dataset.licence,
        "synthetic": dataset.provenance is not None,
        "file_ending": dataset.file_ending,
        "dimensions": dataset.dimensions,
        "pairs": len(dataset.cases),
        "readable_pairs": survey.readable,
        "subjects": len(per_subject),
        "subject_kind": dataset.subject_kind,
        "pairs_per_subject": _spread(list(per_subject.values())),
        "sizes": survey.sizes(),
        "spacing": survey.spacing(),
        "channels": survey.channels(),
        "labels": survey.labels(),
        "conditions": survey.conditions(),
        "empty_masks": survey.empty,
        "split": None if dataset.split is None else {part: len(getattr(dataset.split, part)) for part in PARTS},
        "subsets": {
            name: {"subjects": len(one.subjects), "slices": None if one.slices is None else len(one.slices)}
            for name, one in dataset.subsets.items()
        },
        "test_images": _count(root / "imagesTs"),
        "unlabelled_images": len(dataset.unlabelled),
        "unlabelled_subjects": len({case.subject for case in dataset.unlabelled}),
        "unlabelled_held_out": sum(case.subject in held_out for case in dataset.unlabelled),
        "problems": problems,
        "remarks": [*survey.remarks(), *_on_unlabelled(dataset, sidecar)],
    }


class _Survey:
    """What was seen of the cases so far."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.problems: list[str] = []
        self.readable = 0
        self.empty = 0
        self._sizes: Counter[tuple[int, ...]] = Counter()
        self._spacings: list[tuple[float, ...]] = []
        self._orientations: list[str] = []
        channels = len(dataset.channel_names)
        self._dtypes: set[str] = set()
        self._lows = np.full(channels, np.inf)
        self._highs = np.full(channels, -np.inf)
        self._voxels = np.zeros(len(dataset.label_names), dtype=np.int64)
        self._holders = np.zeros(len(dataset.label_names), dtype=np.int64)
        self._condition_voxels = {
            name: np.zeros((2, len(ids)), dtype=np.int64) for name, ids in dataset.conditions.items()
        }
        self._histogram = np.zeros(256, dtype=np.int64)
        self._constant: list[str] = []
        self._contents: dict[str, Case] = {}
        self._twins: list[tuple[Case, Case]] = []
        self._largest_unlabelled = 0

    def add(self, case: Case) -> None:
        """Read one case and count it, or note what is wrong with it."""
        image = self._try_image(case)
        if case.label_path is None:
            if image is not None:
                self._check_twin(case, image)
                self._largest_unlabelled = max(self._largest_unlabelled, *image.shape[1:])
            return
        label = self._try_label(case)
        if image is None or label is None:
            return
        self._add_conditions(case)
        self.readable += 1
        self._dtypes.add(str(self.dataset.geometry(case).dtype))
        self._sizes[label.shape] += 1
        if case.spacing is not None or self.dataset.geometry(case).spacing is not None:
            self._spacings.append(self.dataset.spacing(case))
        affine = self.dataset.affine(case)
        if affine is not None and self.dataset.dimensions == 3:
            self._orientations.append(orientation_of(affine))
        flat = image.reshape(image.shape[0], -1)
        self._lows = np.minimum(self._lows, flat.min(axis=1))
        self._highs = np.maximum(self._highs, flat.max(axis=1))
        if stores_eight_bits(self.dataset, case) and case.intensity is None:
            self._histogram += np.bincount(flat.astype(np.uint8).ravel(), minlength=256)
        counts = np.bincount(label.ravel(), minlength=len(self._voxels))
        self._voxels += counts
        self._holders += counts > 0
        self.empty += int(counts[1:].sum() == 0)
        self._check_twin(case, image)

    def _check_twin(self, case: Case, image: NDArray[np.float32]) -> None:
        """Note an image that was there before, or holds nothing."""
        flat = image.reshape(image.shape[0], -1)
        if (flat.min(axis=1) == flat.max(axis=1)).all():
            self._constant.append(case.id)
            return
        digest = hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()
        twin = self._contents.setdefault(digest, case)
        if twin is not case:
            self._twins.append((twin, case))
            if twin.subject != case.subject:
                self.problems.append(
                    f'"{twin.id}" and "{case.id}" are the same image under the subjects "{twin.subject}" and '
                    f'"{case.subject}": '
                    "remove one, or a split by subject will leak."
                )

    def _try_image(self, case: Case) -> NDArray[np.float32] | None:
        try:
            return self.dataset.read_image(case)
        except UserError as error:
            self.problems.append(str(error))
            return None

    def _try_label(self, case: Case) -> NDArray[np.uint8] | None:
        try:
            return self.dataset.read_label(case)
        except UserError as error:
            if str(error) not in self.problems:  # a damaged image header is met by both
                self.problems.append(str(error))
            return None

    def _add_conditions(self, case: Case) -> None:
        for name, counted in self._condition_voxels.items():
            try:
                ids = self.dataset.read_condition(case, name)
            except UserError as error:
                self.problems.append(str(error))
                continue
            counts = np.bincount(ids.ravel(), minlength=counted.shape[1])
            counted += np.stack([counts, counts > 0])

    def sizes(self) -> dict[str, Any] | None:
        """Smallest, largest and most frequent shapes."""
        if not self._sizes:
            return None
        shapes = np.array(list(self._sizes))
        return {
            "smallest": [int(side) for side in shapes.min(axis=0)],
            "largest": [int(side) for side in shapes.max(axis=0)],
            "different": len(self._sizes),
            "most_frequent": [
                {"shape": list(shape), "pairs": count} for shape, count in self._sizes.most_common(_MOST_SIZES)
            ],
        }

    def spacing(self) -> dict[str, list[float]] | None:
        """Per array axis, in millimetres."""
        if not self._spacings:
            return None
        values = np.array(self._spacings)
        return {
            "median": [float(one) for one in np.median(values, axis=0)],
            "smallest": [float(one) for one in values.min(axis=0)],
            "largest": [float(one) for one in values.max(axis=0)],
        }

    def channels(self) -> list[dict[str, Any]]:
        """Name, stored type and range of every channel."""
        return [
            {
                "name": name,
                "stored_as": ", ".join(sorted(self._dtypes)),
                "lowest": float(low) if self.readable else None,
                "highest": float(high) if self.readable else None,
            }
            for name, low, high in zip(self.dataset.channel_names, self._lows, self._highs, strict=True)
        ]

    def labels(self) -> list[dict[str, Any]]:
        """Share of the pixels and number of pairs of every label."""
        return _shares(self.dataset.label_names, self._voxels, self._holders)

    def conditions(self) -> list[dict[str, Any]]:
        """The same for every condition map, under its name."""
        return [
            {"name": name, "labels": _shares(self.dataset.conditions[name], voxels, holders)}
            for name, (voxels, holders) in self._condition_voxels.items()
        ]

    def remarks(self) -> list[str]:
        """What is worth knowing but need not be mended."""
        remarks = []
        names = self.dataset.label_names
        absent = [names[number] for number in range(1, len(names)) if self.readable and not self._holders[number]]
        if absent and self.empty < self.readable:
            remarks.append(f"No mask holds the label{'s' if len(absent) > 1 else ''} {', '.join(absent)}.")
        if self._constant:
            remarks.append(f"{len(self._constant)} images hold one value only, such as {self._constant[0]}.")
        within = [(one, other) for one, other in self._twins if one.subject == other.subject]
        if within:
            remarks.append(
                f"{len(within)} image{'s are' if len(within) > 1 else ' is'} there more than once within a subject, "
                "such as "
                f"{within[0][0].id} and {within[0][1].id}."
            )
        brightest = _percentile(self._histogram[1:]) + 1
        if not self.dataset.colour and self._histogram[1:].any() and brightest < _DARK * 255:
            remarks.append(
                f"99% of the 8-bit intensities are at most {brightest}, so training sees little contrast: if these are MR, convert"
                " them with --contrast subject."
            )
        turned = orientation_remark(self._orientations)
        if turned is not None:
            remarks.append(turned)
        kind = self.dataset.subject_kind
        if kind == "block":
            remarks.append("The subjects are blocks of one stack: what is found on them is described, not judged.")
        single = len(self.dataset.subjects) == len(self.dataset.cases) and self.dataset.dimensions == 2
        alone = kind == "image" or (kind == "subject" and single)
        if alone and len(self.dataset.cases) > 1 and self.dataset.provenance is None:
            remarks.append(
                "Every image is its own subject; if patients have several, split with `segmint data split --subject "
                "REGEX`."
            )
        if self._sizes and self._largest_unlabelled > max(max(shape) for shape in self._sizes):
            remarks.append(
                "Some images without a mask are larger than all that have one: training sees the centre of those."
            )
        if self.dataset.split is None and self.dataset.provenance is None:
            remarks.append("There is no split yet; `segmint data split` makes one.")
        return remarks


def _on_unlabelled(dataset: Dataset, sidecar: Sidecar | None) -> list[str]:
    """Whom images without a mask come from decides whether a training may see them."""
    silent = [case.id for case in dataset.unlabelled if sidecar is None or case.id not in sidecar.unlabelled]
    if not silent:
        return []
    return [
        f"Nothing tells whom {len(silent)} of the images without a mask come from, such as {silent[0]}, so each counts as a subject"
        " of its own: if some are of validation or test subjects, say so under unlabelled in segmint.json, or with `segmint data"
        " split --subject REGEX`, or training will see them."
    ]


def _shares(names: Sequence[str], voxels: NDArray[np.int64], holders: NDArray[np.int64]) -> list[dict[str, Any]]:
    total = max(1, int(voxels.sum()))
    return [
        {"id": number, "name": name, "share": float(counted / total), "pairs": int(held)}
        for number, (name, counted, held) in enumerate(zip(names, voxels, holders, strict=True))
    ]


def _percentile(histogram: NDArray[np.int64]) -> int:
    """The value that 99% lie at or below."""
    return int(np.searchsorted(np.cumsum(histogram), 0.99 * histogram.sum()))


def _spread(values: list[int]) -> dict[str, float] | None:
    if not values:
        return None
    return {"smallest": min(values), "median": float(np.median(values)), "largest": max(values)}


def _count(folder: Path) -> int:
    if not folder.is_dir():
        return 0
    return sum(ending_of(path.name) is not None and not path.name.startswith(".") for path in folder.iterdir())
