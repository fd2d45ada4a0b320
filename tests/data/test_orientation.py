from __future__ import annotations

import re
from itertools import permutations, product
from pathlib import Path

import nibabel
import numpy as np
import pytest
from tests.conftest import draw_discs

from segmint.data.case import Provenance
from segmint.data.dataset import open_dataset
from segmint.data.orientation import (
    Turn,
    affine_along,
    common_orientation,
    names_orientation,
    orientation_of,
    orientation_remark,
    other_plane,
    plane_of,
)
from segmint.data.writer import DatasetWriter

# Every way in which the axes of a volume can lie along those of the patient.
WAYS = [(order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]


def affine_of(order: tuple[int, ...], signs: tuple[int, ...]) -> np.ndarray:
    """Axis i of the array leads along axis order[i] of the patient, with steps of 1, 2 and 3 mm there."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (world, sign) in enumerate(zip(order, signs, strict=True)):
        affine[world, axis] = sign * (world + 1.0)
    return affine


@pytest.mark.parametrize(("order", "signs"), WAYS)
def test_turning_puts_every_voxel_where_it_belongs_and_back(order: tuple[int, ...], signs: tuple[int, ...]) -> None:
    """The volume holds its own world coordinates, so that after turning to RAS they rise along the axes in order."""
    affine, shape = affine_of(order, signs), (4, 3, 2)
    points = np.stack([*np.meshgrid(*map(np.arange, shape), indexing="ij"), np.ones(shape)], axis=-1)
    world = points @ affine.T
    turn = Turn(affine, "RAS")
    for axis in range(3):
        turned = turn.there(world[..., axis])
        steps = np.diff(turned, axis=axis)
        assert np.allclose(steps, axis + 1.0)
        assert all(np.allclose(np.diff(turned, axis=other), 0) for other in range(3) if other != axis)
        assert np.array_equal(turn.back(turned), world[..., axis])
    spacing = tuple(float(order[axis] + 1) for axis in range(3))
    assert turn.steps(spacing) == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(("order", "signs"), WAYS)
def test_an_affine_leads_where_its_orientation_says(order: tuple[int, ...], signs: tuple[int, ...]) -> None:
    orientation = orientation_of(affine_of(order, signs))
    assert names_orientation(orientation)
    spacing = [order[axis] + 1.0 for axis in range(3)]
    assert np.array_equal(affine_along(orientation, spacing), affine_of(order, signs))


@pytest.mark.parametrize("text", ["", "RA", "RASL", "RAL", "RRS", "ras", "XYZ", "../"])
def test_other_letters_name_no_orientation(text: str) -> None:
    assert not names_orientation(text)


def test_volumes_of_some_cases_may_lie_alike(tmp_path: Path) -> None:
    folder = draw_discs(tmp_path / "discs")
    for path in (folder / "imagesTr").glob("subject_00*"):
        nibabel.save(nibabel.Nifti1Image(np.asarray(nibabel.load(path).dataobj), np.diag([-1.0, 1, 3, 1])), path)
    dataset = open_dataset(folder)
    assert common_orientation(dataset) is None
    assert common_orientation(dataset, dataset.cases[1:]) == "RAS"
    assert common_orientation(dataset, dataset.cases[:1]) == "LAS"


def test_slices_of_another_plane_are_found(tmp_path: Path) -> None:
    dataset = open_dataset(draw_discs(tmp_path / "discs"))
    assert plane_of("RAS", 2) == "RA"
    assert other_plane(dataset, axis=2, plane="RA") is None
    assert other_plane(dataset, axis=2, plane=None) is None
    assert other_plane(dataset, axis=0, plane="RA") == "AS"
    assert other_plane(dataset, axis=2, plane="LA") == "RA"
    # The order of slices makes no difference to masks that are painted one by one.
    assert other_plane(dataset, axis=2, plane=plane_of("RAI", 2)) is None


def test_single_slices_lie_along_their_axis_of_one_voxel(tmp_path: Path) -> None:
    for ending, drawn in (("real", False), ("drawn", True)):
        folder = tmp_path / ending
        folder.mkdir()
        made = Provenance("run", "c0ffee", 0, "joint-stylegan2") if drawn else None
        writer = DatasetWriter(
            folder, name="slices", channel_names=["CT"], label_names=["background", "organ"], file_ending=".nii",
            provenance=made,
        )  # fmt: skip
        label = np.eye(6, dtype=np.uint8)[None]
        writer.add(
            "one", label[None].astype(np.float32), label, subject="a", affine=affine_along("LPS", (3.0, 1.0, 1.0))
        )
        writer.finish()
        dataset = open_dataset(folder)
        assert dataset.dimensions == 2
        assert other_plane(dataset, axis=None, plane="PS") is None
        assert other_plane(dataset, axis=None, plane="AS") == (None if drawn else "PS")


def test_orientations_by_name() -> None:
    assert orientation_of(np.eye(4)) == "RAS"
    assert orientation_of(np.diag([-1.0, -1.0, 1.0, 1.0])) == "LPS"
    oblique = np.eye(4)
    oblique[:2, :2] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    assert orientation_of(oblique) == "RAS"


@pytest.mark.parametrize(
    ("orientations", "said"),
    [
        ([], None),
        (["RAS"] * 3, None),
        (["RAS", "LPS", "RAS"], r"2 orientations \(RAS: 2, LPS: 1\).*some slices as mirror images"),
        (["RAS", "SPL"], "slices of different planes"),
    ],
)
def test_volumes_that_do_not_lie_alike_are_told(orientations: list[str], said: str | None) -> None:
    remark = orientation_remark(orientations)
    assert remark is None if said is None else re.search(said, remark or "")


def test_a_matrix_that_leads_nowhere_has_no_orientation() -> None:
    flat = np.diag([1.0, 0.0, 2.0, 1.0])
    assert orientation_of(flat) == "R?S"
    assert not names_orientation(orientation_of(flat))
    assert orientation_remark(["RAS", "R?S"]) is not None
