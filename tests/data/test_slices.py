"""Slices of images and volumes, and the way back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from segmint.data.dataset import Split, Subset, open_dataset
from segmint.data.slices import open_slices
from segmint.errors import UserError

MakeDataset = Callable[..., Path]
VOLUMES = {"shapes": [(4, 9, 6), (5, 8, 7), (3, 7, 7)], "ending": ".nii.gz", "dtype": np.float32}


def test_images_are_slices_of_their_own(make_dataset: MakeDataset) -> None:
    slices = open_slices(open_dataset(make_dataset(subjects=["a", "b", "a", "c"])), size=8)
    assert slices.images.shape == (4, 1, 8, 8)
    assert slices.images.dtype == np.float32
    assert slices.labels.dtype == np.uint8
    assert not slices.images.flags.writeable
    assert (slices.scale, slices.axis, slices.reference_shape) == (1.0, None, (6, 8))
    assert slices.indices(["a"]).tolist() == [0, 2]
    assert slices.indices(["c", "a"]).dtype == np.int64
    assert [record.case for record in slices.records] == ["case0", "case1", "case2", "case3"]
    assert slices.padding(0) == ((1, 1), (0, 0))
    assert (slices.images[:, :, 0] == -1).all()
    with pytest.raises(UserError, match='no subject "z"'):
        slices.indices(["z"])


@pytest.mark.parametrize(("spacing", "axis"), [((1, 1, 1), 2), ((5, 1, 1), 0), ((1, 3, 2), 1), ((2, 2, 1), 1)])
def test_volumes_are_cut_along_the_largest_spacing(
    make_dataset: MakeDataset, spacing: tuple[float, ...], axis: int
) -> None:
    dataset = open_dataset(make_dataset(**VOLUMES, spacing=spacing))
    slices = open_slices(dataset, size=9)
    assert slices.axis == axis
    assert len(slices) == sum(shape[axis] for shape in VOLUMES["shapes"])
    assert slices.spacing == spacing


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_every_slice_comes_back_to_its_place(make_dataset: MakeDataset, axis: int) -> None:
    dataset = open_dataset(make_dataset(**VOLUMES))
    slices = open_slices(dataset, size=9, axis=axis)
    assert slices.scale == 1.0
    for index, record in enumerate(slices.records):
        case = next(case for case in dataset.cases if case.id == record.case)
        truth = np.take(dataset.read_label(case), record.slice, axis=axis)
        assert slices.original_shape(index) == truth.shape
        assert np.array_equal(slices.original_label(index), truth)
        assert np.array_equal(slices.undo(slices.labels[index], truth.shape, order=0), truth)
        assert record.foreground == bool(truth.any())
        image = np.take(dataset.read_image(case), record.slice, axis=axis + 1)
        back = slices.undo(slices.images[index], truth.shape, order=1)
        maps = slices.case_intensity[record.case]
        clipped = np.clip(image, maps[0].low, maps[0].high)
        assert np.allclose(maps[0].restore(back), clipped, atol=1e-3)


def test_one_scale_for_the_whole_dataset(make_dataset: MakeDataset) -> None:
    dataset = open_dataset(make_dataset(shapes=[(40, 20), (10, 10), (20, 30)]))
    slices = open_slices(dataset, size=16)
    assert slices.scale == 0.4
    assert slices.reference_shape == (40, 30)
    assert slices.padding(1) == ((6, 6), (6, 6))
    assert slices.slice_spacing == (2.5, 2.5)
    assert slices.original_label(0).shape == (40, 20)
    assert slices.undo(slices.labels[:1], (40, 20), order=0).shape == (1, 40, 20)


def test_the_spacing_of_slices_of_volumes(make_dataset: MakeDataset) -> None:
    dataset = open_dataset(make_dataset(**VOLUMES, spacing=(4.0, 1.0, 2.0)))
    assert open_slices(dataset, size=9).slice_spacing == (1.0, 2.0, 4.0)


def test_the_median_intensity_is_that_of_the_training_subjects(make_dataset: MakeDataset) -> None:
    split = Split(("s0",), (), ("s1", "s2"))
    dataset = open_dataset(make_dataset(**VOLUMES, finish={"split": split}))
    slices = open_slices(dataset, size=9)
    assert slices.intensity == slices.case_intensity["case0"]


def test_stored_subsets_of_slices_are_found(make_dataset: MakeDataset) -> None:
    slices = open_slices(open_dataset(make_dataset(**VOLUMES)), size=9, axis=2)
    subset = Subset("2-slices", ("s0", "s1"), (("case0", 5), ("case1", 0)))
    assert slices.subset_indices(subset).tolist() == [5, 6]
    assert slices.subset_indices(Subset("1", ("s1",))).tolist() == slices.indices(["s1"]).tolist()
    with pytest.raises(UserError, match='no slice 99 of "case0"'):
        slices.subset_indices(Subset("x", ("s0",), (("case0", 99),)))


def test_conditions_are_placed_as_labels_are(make_dataset: MakeDataset) -> None:
    conditions = {"same": ("background", "organ", "tumour"), "odd": ("background", "odd")}
    slices = open_slices(
        open_dataset(make_dataset("flat", shapes=[(40, 20), (10, 10)], conditions=conditions)), size=16
    )
    assert list(slices.conditions) == ["same", "odd"]
    assert np.array_equal(slices.conditions["same"], slices.labels)
    assert not slices.conditions["odd"].flags.writeable
    volumes = open_slices(open_dataset(make_dataset(**VOLUMES, conditions=conditions)), size=9, axis=1)
    assert np.array_equal(volumes.conditions["odd"], volumes.labels % 2)


def test_all_masks_empty_is_refused(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    for path in (folder / "labelsTr").iterdir():
        Image.fromarray(np.zeros((6, 8), np.uint8)).save(path)
    with pytest.raises(UserError, match=r"All label maps of .*set are empty"):
        open_slices(open_dataset(folder), size=8)


def test_a_synthetic_set_without_any_label_is_read(make_dataset: MakeDataset) -> None:
    """A generator that draws none is judged by audit and trial."""
    folder = make_dataset()
    for path in (folder / "labelsTr").iterdir():
        Image.fromarray(np.zeros((6, 8), np.uint8)).save(path)
    sidecar = json.loads((folder / "segmint.json").read_text())
    sidecar["provenance"] = {"run": "run", "checkpoint_sha256": "0", "seed": 0, "recipe": "joint-stylegan2"}
    (folder / "segmint.json").write_text(json.dumps(sidecar))
    assert not any(record.foreground for record in open_slices(open_dataset(folder), size=8).records)


def test_an_axis_that_does_not_exist_is_refused(make_dataset: MakeDataset) -> None:
    with pytest.raises(UserError, match="holds 2-D images: an axis"):
        open_slices(open_dataset(make_dataset("flat")), size=8, axis=0)
    with pytest.raises(UserError, match="axis 3 does not exist"):
        open_slices(open_dataset(make_dataset(**VOLUMES)), size=8, axis=3)
    with pytest.raises(UserError, match="size 0 is not possible"):
        open_slices(open_dataset(make_dataset("third")), size=0)


def test_shapes_that_differ_are_found_when_cutting(make_dataset: MakeDataset) -> None:
    folder = make_dataset(**VOLUMES)
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 9, 5), np.uint8), np.eye(4)), folder / "labelsTr" / "case0.nii.gz")
    with pytest.raises(
        UserError, match=r"case0\.nii\.gz has the shape 4 x 9 x 5 but case0_0000\.nii\.gz has 4 x 9 x 6"
    ):
        open_slices(open_dataset(folder), size=8)


def test_the_hippocampus_is_cut_and_put_together_again(real_data: Callable[[str], Path]) -> None:
    dataset = open_dataset(real_data("msd-hippocampus"))
    slices = open_slices(dataset, size=64)
    assert (slices.axis, slices.scale) == (2, 1.0)
    case = dataset.cases[7]
    mine = slices.indices([case.subject])
    shape = slices.original_shape(int(mine[0]))
    volume = np.stack([slices.undo(slices.labels[index], shape, order=0) for index in mine], axis=2)
    assert np.array_equal(volume, dataset.read_label(case))
    assert -1 <= slices.images[mine].min() < slices.images[mine].max() <= 1
