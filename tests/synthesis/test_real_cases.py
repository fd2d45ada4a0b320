"""Real cases beside drawn ones: whatever trains can be copied, voxel for voxel, with all that is recorded of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image

from segmint.data.case import Case
from segmint.data.dataset import Dataset, open_dataset
from segmint.data.intensity import IntensityMap
from segmint.data.slices import open_slices
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.synthesis.real_cases import RealCases

SHAPE = (10, 7)


def described(folder: Path, ending: str, *, channels: int = 1, pairs: dict[str, Any] | None = None) -> Path:
    """Write a dataset.json such as nnU-Net takes, or the Decathlon's."""
    names = {str(number): f"c{number}" for number in range(channels)}
    content: dict[str, Any] = {"name": "Real"}
    if pairs is None:
        content |= {"channel_names": names, "labels": {"background": 0, "cell": 1}, "file_ending": ending}
    else:
        training = [{"image": image, "label": label} for image, label in pairs.items()]
        content |= {"modality": names, "labels": {"0": "background", "1": "cell"}, "training": training}
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


def drawn(number: int, shape: tuple[int, ...] = SHAPE) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(number)
    label = (random.random(shape) < 0.4).astype(np.uint8)
    return (20 + 60 * label + random.normal(0, 5, shape)).clip(0).astype(np.uint16), label


def pictures(folder: Path, names: list[str], *, bright: int | None = None, rgb: bool = False) -> Path:
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    for number, name in enumerate(names):
        image, label = drawn(number)
        if bright is not None:
            image, label = np.tile(image, (5, 5)), np.tile(label, (5, 5))
            image[0, 0] = bright
        pixels = np.stack([image] * 3, axis=-1).astype(np.uint8) if rgb else image
        Image.fromarray(pixels).save(folder / f"imagesTr/{name}_0000.png")
        Image.fromarray(label).save(folder / f"labelsTr/{name}.png")
    return described(folder, ".png", channels=3 if rgb else 1)


def configured(dataset: Dataset, **changes: Any) -> dict[str, Any]:
    """What of a run's configuration is needed: the last subject is for validation, the one before for test."""
    *training, test, validation = dataset.subjects
    return {
        "dataset": {
            "path": str(dataset.root),
            "identity": dataset.identity,
            "channel_names": list(dataset.channel_names),
            "label_names": list(dataset.label_names),
            "file_ending": dataset.file_ending,
            "rgb": dataset.rgb,
            "dimensions": dataset.dimensions,
        },
        "split": {"train": training, "validation": [validation], "test": [test]},
        "size": 16,
        "axis": None if dataset.dimensions == 2 else 0,
        "seed": 0,
        "auxiliary": None,
        "conditions": {},
        **changes,
    }


def mixed(root: Path, out: Path, *, conditions: dict[str, list[str]] | None = None) -> tuple[Dataset, Dataset]:
    """The real dataset and one that holds its cases beside a synthetic pair, read back."""
    dataset = open_dataset(root)
    real = RealCases(configured(dataset, conditions=conditions or {}), seed=0)
    out.mkdir()
    names = {name: ids for name, ids in (conditions or {}).items() if real.has_condition(name)}
    writer = DatasetWriter(
        out,
        name="mixed",
        channel_names=dataset.channel_names,
        label_names=dataset.label_names,
        file_ending=dataset.file_ending,
        rgb=dataset.rgb,
        conditions=names,
    )
    shape = (1, *SHAPE) if dataset.dimensions == 3 else SHAPE
    image, label = np.full((len(dataset.channel_names), *shape), 9, np.uint8), np.zeros(shape, np.uint8)
    name = "synthetic_s0_000000"
    writer.add(name, image, label, subject=name, conditions=dict.fromkeys(names, label))
    writer.finish(split=real.add(writer, [name]))
    return dataset, open_dataset(out)


def same(dataset: Dataset, copy: Dataset) -> list[tuple[Case, Case]]:
    """Real cases and their copies, of which pixels, subjects and intensity maps have been compared."""
    assert copy.split is not None
    training, validation = copy.split.train, copy.split.validation
    by_id = {case.id: case for case in copy.cases}
    pairs = [(case, by_id.pop(case.id)) for case in dataset.cases if case.subject in {*training, *validation}]
    assert list(by_id) == ["synthetic_s0_000000"]
    maps = open_slices(dataset, size=16, axis=None if dataset.dimensions == 2 else 0).case_intensity
    for case, found in pairs:
        assert np.array_equal(copy.read_image(found), dataset.read_image(case))
        assert np.array_equal(copy.read_label(found), dataset.read_label(case))
        assert (found.subject, found.intensity) == (case.subject, maps[case.id])
        assert copy.spacing(found) == pytest.approx(dataset.spacing(case))
    (folds, held) = json.loads((copy.root / "splits_final.json").read_text()), {case.id for case, _ in pairs}
    assert {case for fold in folds for case in fold["val"]} == held, "synthetic cases are validated on"
    assert all("synthetic_s0_000000" in fold["train"] for fold in folds)
    return pairs


def test_dark_16_bit_pictures_with_bright_pixels(tmp_path: Path) -> None:
    """Percentile maps lie below 255, and values do not."""
    root = pictures(tmp_path / "dark", [f"c{i}" for i in range(4)], bright=900)
    pairs = same(*mixed(root, tmp_path / "mixed"))
    for case, found in pairs:
        assert all(a.read_bytes() == b.read_bytes() for a, b in zip(case.files, found.files, strict=True))
        assert found.intensity is not None
        assert found.intensity[0].high < 255


@pytest.mark.parametrize("names", [["case 0", "case 1", "case 2"], ["_a", "b (2)", "ä,ö"], ["a_0000", "a", "b_c"]])
def test_cases_keep_the_names_they_have(names: list[str], tmp_path: Path) -> None:
    same(*mixed(pictures(tmp_path / "named", names), tmp_path / "mixed"))


def test_colour_stays_one_file(tmp_path: Path) -> None:
    dataset, copy = mixed(pictures(tmp_path / "colour", ["a", "b", "c"], rgb=True), tmp_path / "mixed")
    assert copy.rgb
    same(dataset, copy)


@pytest.mark.parametrize("thin", [0, 1, 2])
def test_single_slices_lie_where_they_lay(thin: int, tmp_path: Path) -> None:
    """However one is stored, its copy has that axis last, as drawn pairs have, and every pixel its place in the world."""
    affine = np.diag([5.0, -0.7, 0.9, 1.0])
    affine[:3, 3] = (3, 4, 5)
    root = tmp_path / "single"
    for part in ("imagesTr", "labelsTr"):
        (root / part).mkdir(parents=True)
    for number in range(3):
        for path, array in zip((f"imagesTr/v{number}_0000", f"labelsTr/v{number}"), drawn(number), strict=True):
            volume = nibabel.Nifti1Image(np.expand_dims(array, thin), affine)
            nibabel.save(volume, root / f"{path}.nii.gz")
    dataset, copy = mixed(described(root, ".nii.gz"), tmp_path / "mixed")
    for case, found in same(dataset, copy):
        before, after = nibabel.load(case.image_paths[0]), nibabel.load(found.image_paths[0])
        assert after.shape == (*SHAPE, 1)
        zooms = [abs(affine[i, i]) for i in (*(i for i in range(3) if i != thin), thin)]
        assert after.header.get_zooms() == pytest.approx(zooms)
        for row, column in ((0, 0), (9, 6), (3, 5)):
            place = [row, column]
            place.insert(thin, 0)
            assert np.allclose(after.affine @ (row, column, 0, 1), before.affine @ (*place, 1), atol=1e-5)
        assert np.allclose(np.array(found.affine), after.affine, atol=1e-5)
        assert np.allclose(nibabel.load(found.label_path).affine, after.affine)


@pytest.mark.parametrize("shape", [(4, *SHAPE), (1, *SHAPE)])
def test_channels_packed_in_one_file_come_apart(shape: tuple[int, ...], tmp_path: Path) -> None:
    root, affine = tmp_path / "packed", np.diag([4.0, -1.0, 1.5, 1.0])
    (root / "in").mkdir(parents=True)
    pairs = {}
    for number in range(3):
        image, label = drawn(number, shape)
        image = np.stack([image, image[..., ::-1] + 7], axis=-1)
        pairs[f"in/v{number}.nii.gz"] = f"in/l{number}.nii.gz"
        nibabel.save(nibabel.Nifti1Image(image, affine), root / f"in/v{number}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(label, affine), root / f"in/l{number}.nii.gz")
    dataset, copy = mixed(described(root, ".nii.gz", channels=2, pairs=pairs), tmp_path / "mixed")
    assert dataset.packed
    assert not copy.packed
    for case, found in same(dataset, copy):
        assert len(found.image_paths) == 2
        if dataset.dimensions == 3:
            assert np.allclose(copy.affine(found), dataset.affine(case))


def recorded(folder: Path) -> Path:
    """Slices of volumes as PNG, with everything that can be recorded, and two condition maps."""
    folder.mkdir()
    zones = {"zones": ("background", "zone"), "walls": ("background", "wall")}
    writer = DatasetWriter(
        folder,
        name="Recorded",
        channel_names=["MR"],
        label_names=["background", "cell"],
        file_ending=".png",
        conditions=zones,
    )
    for number in range(6):
        image, label = drawn(number)
        writer.add(
            f"s{number}",
            image[None],
            label,
            subject=f"p{number // 2}",
            volume=f"v{number // 2}",
            slice=number % 2,
            axis=1,
            spacing=(0.5, 0.75, 3.0),
            affine=np.diag([0.5, 0.75, 3.0, 1.0]),
            intensity=[IntensityMap("fixed", 0.0, 200.0)],
            original_shape=(20, 14),
            padding=((1, 0), (0, 2)),
            conditions={"zones": label, "walls": 1 - label},
        )
    writer.finish()
    return folder


def test_what_is_recorded_is_kept(tmp_path: Path) -> None:
    """Condition maps too, where the drawn pairs have the same; one that was computed otherwise is left out."""
    conditions = {"zones": ["background", "zone"], "walls": ["background", "computed"]}
    dataset, copy = mixed(recorded(tmp_path / "recorded"), tmp_path / "mixed", conditions=conditions)
    assert dict(copy.conditions) == {"zones": ("background", "zone")}
    kept = ("subject", "volume", "slice", "axis", "spacing", "affine", "intensity", "original_shape", "padding")
    for case, found in same(dataset, copy):
        assert {name: getattr(found, name) for name in kept} == {name: getattr(case, name) for name in kept}
        assert np.array_equal(copy.read_condition(found, "zones"), dataset.read_condition(case, "zones"))


def test_a_predicted_map_is_not_that_of_the_dataset(tmp_path: Path) -> None:
    dataset = open_dataset(recorded(tmp_path / "recorded"))
    conditions = {"zones": ["background", "zone"]}
    assert RealCases(configured(dataset, conditions=conditions), seed=0).has_condition("zones")
    predicted = configured(dataset, conditions=conditions, auxiliary={"map": "zones"})
    assert not RealCases(predicted, seed=0).has_condition("zones")


def test_cases_named_as_drawn_pairs_are_refused(tmp_path: Path) -> None:
    dataset = open_dataset(pictures(tmp_path / "drawn", ["a", "b", "synthetic_s3_000012"]))
    with pytest.raises(UserError, match="choose another --seed"):
        RealCases(configured(dataset), seed=3)
    RealCases(configured(dataset), seed=4)


def test_cases_that_cannot_name_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    pairs = {}
    for number, name in enumerate([".a", "b", "c"]):
        for kind, array in zip(("", "l"), drawn(number, (4, *SHAPE)), strict=True):
            nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), tmp_path / "hidden" / f"{name}{kind}.nii.gz")
        pairs[f"{name}.nii.gz"] = f"{name}l.nii.gz"
    dataset = open_dataset(described(tmp_path / "hidden", ".nii.gz", pairs=pairs))
    with pytest.raises(UserError, match=r'the case "\.a", which cannot be part of a file'):
        RealCases(configured(dataset), seed=0)


@pytest.mark.parametrize("what", ["pixels", "names"])
def test_a_dataset_that_has_changed_is_refused(what: str, tmp_path: Path) -> None:
    root = pictures(tmp_path / "changed", ["a", "b", "c"])
    config = configured(open_dataset(root))
    if what == "pixels":
        Image.fromarray(np.zeros((99, 99), np.uint8)).save(root / "imagesTr" / "a_0000.png")
    else:
        content = json.loads((root / "dataset.json").read_text())
        (root / "dataset.json").write_text(json.dumps({**content, "labels": {"background": 0, "other": 1}}))
    with pytest.raises(UserError, match="has changed since the run was trained"):
        RealCases(config, seed=0)
