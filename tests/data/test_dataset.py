"""Opening datasets: what they hold, and one clear sentence for everything that can be wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image
from tests.conftest import forget_sidecar

from segmint.data.dataset import Split, open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError

MakeDataset = Callable[..., Path]


def change_json(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text())
    for key, value in changes.items():
        if value is None:
            content.pop(key, None)
        else:
            content[key] = value
    path.write_text(json.dumps(content))


def test_a_dataset_tells_what_it_holds(make_dataset: MakeDataset) -> None:
    split = Split(("a", "b"), (), ("c",))
    folder = make_dataset(
        subjects=["a", "b", "c", "a"],
        channels=("T1", "T2"),
        finish={"split": split},
        spacing=(0.5, 2.0),
        slice=3,
        volume="v",
    )
    dataset = open_dataset(folder)
    assert dataset.subjects == ("a", "b", "c")
    assert [case.id for case in dataset.cases_of(["a"])] == ["case0", "case3"]
    assert dataset.channel_names == ("T1", "T2")
    assert dataset.label_names == ("background", "organ", "tumour")
    assert (dataset.dimensions, dataset.licence, dataset.split) == (2, "CC0", split)
    assert dataset.read_image(dataset.cases[0]).shape == (2, 6, 8)
    assert dataset.read_image(dataset.cases[0]).dtype == np.float32
    assert dataset.read_label(dataset.cases[0]).shape == (6, 8)
    assert dataset.spacing(dataset.cases[0]) == (0.5, 2.0)
    assert (dataset.cases[0].slice, dataset.cases[0].volume) == (3, "v")
    with pytest.raises(UserError, match='no subject "d"'):
        dataset.cases_of(["d"])


def test_identity_follows_content_not_place(make_dataset: MakeDataset, tmp_path: Path) -> None:
    folder = make_dataset()
    identity = open_dataset(folder).identity
    assert identity.startswith("set-")
    assert len(identity) == len("set-") + 12
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert open_dataset(tmp_path / "elsewhere").identity == identity
    Image.fromarray(np.random.default_rng(9).integers(0, 255, (6, 80)).astype(np.uint8)).save(
        folder / "imagesTr" / "case0_0000.png", compress_level=0
    )
    assert open_dataset(folder).identity != identity


def test_without_sidecar_every_case_is_its_own_subject(make_dataset: MakeDataset) -> None:
    folder = make_dataset(subjects=["a", "a", "b", "b"])
    forget_sidecar(folder)
    assert open_dataset(folder).subjects == ("case0", "case1", "case2", "case3")


def test_a_lost_sidecar_is_missed(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    (folder / "segmint.json").unlink()
    with pytest.raises(UserError, match=r'segmint.json is missing, though dataset.json names it.*remove "sidecar"'):
        open_dataset(folder)
    (problem,) = inspect_dataset(folder)["problems"]
    assert "segmint.json is missing" in problem


def test_rgb_is_one_file_with_three_channels(make_dataset: MakeDataset) -> None:
    folder = make_dataset(channels=("pre", "FLAIR", "post"), rgb=True)
    dataset = open_dataset(folder)
    assert dataset.rgb
    assert len(list((folder / "imagesTr").iterdir())) == 4
    assert dataset.read_image(dataset.cases[0]).shape == (3, 6, 8)


def test_volumes_know_their_spacing(make_dataset: MakeDataset) -> None:
    folder = make_dataset(shapes=[(4, 5, 6)] * 3, ending=".nii.gz", dtype=np.float32, spacing=(1.0, 1.5, 3.0))
    dataset = open_dataset(folder)
    assert dataset.dimensions == 3
    assert dataset.spacing(dataset.cases[0]) == (1.0, 1.5, 3.0)
    assert dataset.affine(dataset.cases[0]) is not None


def test_single_slice_volumes_are_2d(make_dataset: MakeDataset) -> None:
    folder = make_dataset(shapes=[(4, 5)] * 3, ending=".nii.gz", dtype=np.float32, spacing=(1.0, 1.5, 3.0))
    dataset = open_dataset(folder)
    assert dataset.dimensions == 2
    assert dataset.read_image(dataset.cases[0]).shape == (1, 4, 5)
    assert dataset.spacing(dataset.cases[0]) == (1.0, 1.5)


def test_a_volume_among_slices_is_refused(make_dataset: MakeDataset) -> None:
    folder = make_dataset(shapes=[(4, 5)] * 5, ending=".nii.gz", dtype=np.float32)
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 5, 6), np.float32), np.eye(4)), folder / "imagesTr/case1_0000.nii.gz")
    dataset = open_dataset(folder)
    with pytest.raises(
        UserError, match=r"case1_0000.nii.gz is 3-D, shape 4 x 5 x 6, in a dataset that is otherwise 2-D"
    ):
        dataset.read_image(dataset.cases[1])


def test_files_may_be_listed_in_dataset_json(make_dataset: MakeDataset, tmp_path: Path) -> None:
    folder = make_dataset()
    listed = {"one": {"images": ["../set/imagesTr/case1_0000.png"], "label": "../set/labelsTr/case1.png"}}
    (tmp_path / "pointing").mkdir()
    shutil.copy(folder / "dataset.json", tmp_path / "pointing")
    change_json(tmp_path / "pointing" / "dataset.json", dataset=listed, sidecar=None)
    pointing, original = open_dataset(tmp_path / "pointing"), open_dataset(folder)
    assert np.array_equal(pointing.read_image(pointing.cases[0]), original.read_image(original.cases[1]))


def decathlon(folder: Path, *, channels: int) -> Path:
    (folder / "imagesTr").mkdir(parents=True)
    (folder / "labelsTr").mkdir()
    rng = np.random.default_rng(0)
    for name in ("brain_1", "brain_2"):
        shape = (4, 5, 6, channels) if channels > 1 else (4, 5, 6)
        image = nibabel.Nifti1Image(rng.normal(size=shape).astype(np.float32), np.diag([1, 1, 2, 1]))
        nibabel.save(image, folder / "imagesTr" / f"{name}.nii.gz")
        label = rng.integers(0, 2, (4, 5, 6)).astype(np.uint8)
        nibabel.save(nibabel.Nifti1Image(label, np.diag([1, 1, 2, 1])), folder / "labelsTr" / f"{name}.nii.gz")
        (folder / "imagesTr" / f"._{name}.nii.gz").write_bytes(b"left by an archive")
    content = {
        "name": "BRATS",
        "licence": "CC BY-SA 4.0",
        "modality": {str(number): f"contrast {number}" for number in range(channels)},
        "labels": {"0": "background", "1": "tumour"},
        "training": [
            {"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"}
            for name in ("brain_2", "brain_1")
        ],
    }
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("channels", [1, 4])
def test_the_decathlon_is_read_in_place(tmp_path: Path, channels: int) -> None:
    dataset = open_dataset(decathlon(tmp_path / "old", channels=channels))
    assert [case.id for case in dataset.cases] == ["brain_1", "brain_2"]
    assert dataset.read_image(dataset.cases[0]).shape == (channels, 4, 5, 6)
    assert dataset.read_label(dataset.cases[0]).shape == (4, 5, 6)
    assert dataset.label_names == ("background", "tumour")
    assert dataset.licence == "CC BY-SA 4.0"
    assert dataset.spacing(dataset.cases[0]) == (1, 1, 2)


def test_4d_is_refused_by_name_where_channels_are_files(make_dataset: MakeDataset) -> None:
    folder = make_dataset(shapes=[(4, 5, 6)] * 3, ending=".nii.gz", dtype=np.float32)
    path = folder / "imagesTr" / "case0_0000.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 5, 6, 2), np.float32), np.eye(4)), path)
    dataset = open_dataset(folder)
    with pytest.raises(UserError, match=r"case0_0000.nii.gz gives 2 channels where dataset.json names 1 \(grey\)"):
        dataset.read_image(dataset.cases[0])


def _break_missing_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def _break_no_json(folder: Path) -> None:
    (folder / "dataset.json").unlink()


def _break_not_json(folder: Path) -> None:
    (folder / "dataset.json").write_text("{")


def _break_list_json(folder: Path) -> None:
    (folder / "dataset.json").write_text("[]")


def _break_no_labels(folder: Path) -> None:
    change_json(folder / "dataset.json", labels=None)


def _break_label_gap(folder: Path) -> None:
    change_json(folder / "dataset.json", labels={"background": 0, "tumour": 255})


def _break_ignore(folder: Path) -> None:
    change_json(folder / "dataset.json", labels={"background": 0, "organ": 1, "ignore": 2})


def _break_channel_gap(folder: Path) -> None:
    change_json(folder / "dataset.json", channel_names={"0": "T1", "2": "T2"})


def _break_ending(folder: Path) -> None:
    change_json(folder / "dataset.json", file_ending=".mha")


def _break_no_images_folder(folder: Path) -> None:
    shutil.rmtree(folder / "imagesTr")


def _break_image_without_mask(folder: Path) -> None:
    (folder / "labelsTr" / "case1.png").unlink()


def _break_mask_without_image(folder: Path) -> None:
    (folder / "imagesTr" / "case1_0000.png").unlink()


def _break_missing_channel(folder: Path) -> None:
    change_json(folder / "dataset.json", channel_names={"0": "T1", "1": "T2"})


def _break_unnamed_channel(folder: Path) -> None:
    shutil.copy(folder / "imagesTr" / "case1_0000.png", folder / "imagesTr" / "case1_0001.png")


def _break_no_channel_number(folder: Path) -> None:
    (folder / "imagesTr" / "case1_0000.png").rename(folder / "imagesTr" / "case1.png")


def _break_mixed_endings(folder: Path) -> None:
    shutil.copy(folder / "imagesTr" / "case1_0000.png", folder / "imagesTr" / "case9_0000.tif")


def _break_empty(folder: Path) -> None:
    for path in [*(folder / "imagesTr").iterdir(), *(folder / "labelsTr").iterdir()]:
        path.unlink()
    forget_sidecar(folder)


def _break_sidecar_json(folder: Path) -> None:
    change_json(folder / "segmint.json", cases={"case0": {"subject": 7}})


def _break_sidecar_key(folder: Path) -> None:
    change_json(folder / "segmint.json", splitt={})


def _break_two_parts(folder: Path) -> None:
    change_json(folder / "segmint.json", split={"train": ["s0", "s1"], "validation": ["s1"], "test": []})


def _break_unknown_subject(folder: Path) -> None:
    change_json(folder / "segmint.json", split={"train": ["s0", "s8"], "validation": [], "test": []})


def _break_subset(folder: Path) -> None:
    change_json(
        folder / "segmint.json",
        split={"train": ["s0"], "validation": [], "test": ["s1"]},
        subsets={"1": {"name": "1", "subjects": ["s1"]}},
    )


def _break_unrecorded(folder: Path) -> None:
    content = json.loads((folder / "segmint.json").read_text())
    del content["cases"]["case2"]
    (folder / "segmint.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_break_missing_folder, "set does not exist: give the folder"),
        (_break_no_json, "has no dataset.json.*data convert folders"),
        (_break_not_json, "dataset.json cannot be read as JSON"),
        (_break_list_json, "must hold one JSON object"),
        (_break_no_labels, 'dataset.json is not valid: "labels": field required'),
        (_break_label_gap, "label ids 0, 255: they must run 0"),
        (_break_ignore, '"ignore" label'),
        (_break_channel_gap, '"channel_names" 0, 2: number them'),
        (_break_ending, 'file ending ".mha": it must be one of .png'),
        (_break_no_images_folder, "imagesTr does not exist"),
        (_break_image_without_mask, r'The image "case1" in .*imagesTr has no mask in .*labelsTr: add'),
        (_break_mask_without_image, r'The mask "case1" in .*labelsTr has no image in .*imagesTr: add'),
        (_break_missing_channel, r"case0_0001.png is missing: dataset.json names 2 channels \(\"T2\" is number 1\)"),
        (_break_unnamed_channel, "case1_0001.png is a channel that .* does not name"),
        (_break_no_channel_number, "case1.png has no channel number: name it case1_0000.png"),
        (_break_mixed_endings, "case9_0000.tif does not have the file ending .png"),
        (_break_empty, "holds no .png files: the dataset is empty"),
        (_break_sidecar_json, 'segmint.json is not valid: "cases.case0.subject"'),
        (_break_sidecar_key, 'segmint.json is not valid: "splitt"'),
        (_break_two_parts, 'the subject "s1" is in both train and validation'),
        (_break_unknown_subject, 'splits the subject "s8", which no case has'),
        (_break_subset, 'the subject "s1" in the subset "1", but not in train'),
        (_break_unrecorded, 'does not know the case "case2"'),
    ],
)
def test_a_spoilt_dataset_is_refused_in_one_sentence(
    make_dataset: MakeDataset, spoil: Callable[[Path], None], said: str
) -> None:
    folder = make_dataset()
    spoil(folder)
    with pytest.raises(UserError, match=said) as caught:
        open_dataset(folder)
    assert "\n" not in str(caught.value)


def test_several_problems_point_to_inspect(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    (folder / "labelsTr" / "case1.png").unlink()
    (folder / "labelsTr" / "case2.png").unlink()
    with pytest.raises(UserError, match=r"case1.*1 more problem: see `segmint data inspect"):
        open_dataset(folder)


def test_files_that_are_no_images_are_left_alone(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    for name in ("imagesTr/notes.txt", "imagesTr/._case0_0000.png", "labelsTr/Thumbs.db"):
        (folder / name).write_text("x")
    assert len(open_dataset(folder).cases) == 4


def test_shapes_that_differ_are_refused(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    Image.fromarray(np.zeros((6, 9), np.uint8)).save(folder / "labelsTr" / "case1.png")
    dataset = open_dataset(folder)
    with pytest.raises(UserError, match=r"case1.png has the shape 6 x 9 but case1_0000.png has 6 x 8"):
        dataset.read_label(dataset.cases[1])


def test_channels_of_different_shapes_are_refused(make_dataset: MakeDataset) -> None:
    folder = make_dataset(channels=("T1", "T2"))
    Image.fromarray(np.zeros((6, 9), np.uint8)).save(folder / "imagesTr" / "case1_0001.png")
    dataset = open_dataset(folder)
    with pytest.raises(UserError, match=r'channels of "case1" .* shapes 6 x 8 and 6 x 9'):
        dataset.read_image(dataset.cases[1])


def test_ids_without_a_name_are_refused(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    Image.fromarray(np.array([[0, 255] * 4] * 6, np.uint8)).save(folder / "labelsTr" / "case1.png")
    dataset = open_dataset(folder)
    with pytest.raises(
        UserError,
        match=r"case1.png holds the label id 255, which .* \(it names 0 to 2\): write the masks with those ids",
    ):
        dataset.read_label(dataset.cases[1])


@pytest.mark.parametrize(("value", "said"), [(np.nan, "NaN"), (np.inf, "infinite")])
def test_intensities_that_are_not_finite_are_refused(make_dataset: MakeDataset, value: float, said: str) -> None:
    folder = make_dataset(shapes=[(4, 5, 6)] * 3, ending=".nii.gz", dtype=np.float32)
    voxels = np.zeros((4, 5, 6), np.float32)
    voxels[1, 2, 3] = value
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), folder / "imagesTr" / "case0_0000.nii.gz")
    dataset = open_dataset(folder)
    with pytest.raises(UserError, match=f"case0_0000.nii.gz holds {said} intensities"):
        dataset.read_image(dataset.cases[0])


def test_one_intensity_map_a_channel_is_asked_for(tmp_path: Path) -> None:
    from segmint.data.intensity import IntensityMap

    writer = DatasetWriter(
        tmp_path, name="x", channel_names=["a", "b"], label_names=["background", "o"], file_ending=".png"
    )
    one = IntensityMap("fixed", 0, 255)
    writer.add("c", np.zeros((2, 4, 4), np.uint8), np.ones((4, 4), np.uint8), subject="s", intensity=[one])
    writer.finish()
    with pytest.raises(UserError, match=r'records 1 intensity maps for "c" where dataset.json names 2'):
        open_dataset(tmp_path)


def test_the_hippocampus_of_the_decathlon_opens_in_place(real_data: Callable[[str], Path]) -> None:
    dataset = open_dataset(real_data("msd-hippocampus"))
    assert len(dataset.cases) >= 100
    assert dataset.label_names == ("background", "anterior", "posterior")
    case = dataset.cases[0]
    assert dataset.read_image(case).shape[1:] == dataset.read_label(case).shape == dataset.shape(case)
    assert set(np.unique(dataset.read_label(case))) == {0, 1, 2}
