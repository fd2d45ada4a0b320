from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from segmint.data.case import Provenance
from segmint.data.dataset import open_dataset
from segmint.data.slices import open_slices
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.evaluation.export import export_arms
from segmint.evaluation.folds import splits_of
from segmint.evaluation.outside import score_predictions
from segmint.evaluation.regime import choose_regime
from segmint.evaluation.slice_stacks import plan_stacks
from segmint.evaluation.synthetic_sets import SyntheticSet


def test_arms_become_datasets_of_nnunet(tmp_path: Path, real: Path, synthetic: Path, study: Any) -> None:
    out = export_arms(real, synthetic, out=tmp_path / "raw", arms=("100R", "100F", "100R+300F"))
    assert sorted(path.name for path in out.iterdir()) == [
        "Dataset501_study_100R",
        "Dataset502_study_100F",
        "Dataset503_study_100R_300F",
        "README.md",
        "export.json",
    ]
    counts = {"501_study_100R": (5, 0), "502_study_100F": (0, 5), "503_study_100R_300F": (5, 15)}
    for name, (real_cases, volumes) in counts.items():
        folder = out / f"Dataset{name}"
        (fold,) = json.loads((folder / "splits_final.json").read_text())
        assert fold["val"] == [f"case_{subject}" for subject in study.validation]
        assert fold["train"] == [
            *(f"case_{subject}" for subject in study.train[:real_cases]),
            *(f"synthetic_volume_{number:04d}" for number in range(volumes)),
        ]
        description = json.loads((folder / "dataset.json").read_text())
        assert description["numTraining"] == len(fold["train"]) + len(fold["val"])
        assert description["labels"] == {"background": 0, "organ": 1, "tumour": 2}
        for case in (*fold["train"], *fold["val"]):
            assert (folder / "imagesTr" / f"{case}_0000.nii.gz").is_file()
            assert (folder / "labelsTr" / f"{case}.nii.gz").is_file()
        assert len(list((folder / "imagesTr").iterdir())) == description["numTraining"]
        tested = sorted(path.name for path in (folder / "imagesTs").iterdir())
        assert tested == [f"case_{subject}_0000.nii.gz" for subject in study.test]
    copied = (out / "Dataset501_study_100R" / "imagesTr" / "case_a00_0000.nii.gz").read_bytes()
    assert copied == (real / "imagesTr" / "case_a00_0000.nii.gz").read_bytes()
    mixed = open_dataset(out / "Dataset503_study_100R_300F")
    assert len(mixed.cases) == 5 + 15 + 2


def test_synthetic_slices_of_volumes_are_stacked(tmp_path: Path, real: Path, synthetic: Path, study: Any) -> None:
    out = export_arms(real, synthetic, out=tmp_path / "raw", arms=("100R", "100R+300F"))
    folder, pairs = out / "Dataset502_study_100R_300F", open_dataset(synthetic)
    (_, arm) = json.loads((out / "export.json").read_text())["arms"]
    assert [case for stacked in arm["stacks"].values() for case in stacked] == [case.id for case in pairs.cases]
    by_id = {case.id: case for case in pairs.cases}
    of_real = nibabel.load(real / "imagesTr" / "case_a00_0000.nii.gz")
    for name, stacked in arm["stacks"].items():
        image = nibabel.load(folder / "imagesTr" / f"{name}_0000.nii.gz")
        label = nibabel.load(folder / "labelsTr" / f"{name}.nii.gz")
        assert image.shape == label.shape == of_real.shape == (14, 13, study.depth)
        assert image.header.get_zooms() == of_real.header.get_zooms() == (1, 1, 3)
        np.testing.assert_allclose(image.affine, label.affine)
        for place, case in enumerate(stacked):
            drawn = pairs.read_image(by_id[case])[0], pairs.read_label(by_id[case])
            np.testing.assert_array_equal(np.asanyarray(image.dataobj)[..., place], drawn[0])
            np.testing.assert_array_equal(np.asanyarray(label.dataobj)[..., place], drawn[1])


def volumes(folder: Path, depths: dict[str, int], *, thick: int = 2) -> Path:
    """Volumes of so many slices, one a subject, thick along one axis."""
    folder.mkdir()
    writer = DatasetWriter(
        folder, name="volumes", channel_names=("CT",), label_names=("background", "organ"), file_ending=".nii.gz"
    )
    rng = np.random.default_rng(0)
    for subject, depth in depths.items():
        shape, spacing = [12, 12], [1.0, 1.0]
        shape.insert(thick, depth)
        spacing.insert(thick, 4.0)
        label = np.zeros(shape, np.uint8)
        label[2:6, 2:6, 2:6] = 1
        image = rng.normal(size=(1, *shape)).astype(np.float32)
        writer.add(f"case_{subject}", image, label, subject=subject, spacing=spacing)
    train = tuple(subject for subject in depths if subject.startswith("a"))
    writer.finish(split=Split(train, ("b",), ("c",)))
    return folder


def drawn_slices(folder: Path, of: Path, count: int, *, axis: int = 2, step: float = 4.0) -> Path:
    """Single slices of 12 x 12, as `segmint sample` writes them."""
    folder.mkdir()
    dataset = open_dataset(of)
    seen = tuple((dataset.identity, subject) for subject in (dataset.split.train if dataset.split else ()))
    writer = DatasetWriter(
        folder, name="drawn", channel_names=("CT",), label_names=("background", "organ"), file_ending=".nii.gz",
        provenance=Provenance(str(folder.parent / "run"), "c0ffee", 0, "joint-stylegan2", seen, seen),
    )  # fmt: skip
    spacing = [1.0, 1.0]
    spacing.insert(axis, step)
    for number in range(count):
        image = np.full((1, 12, 12), float(number), np.float32)
        label = np.eye(12, dtype=np.uint8)
        stored = np.expand_dims(image, axis + 1), np.expand_dims(label, axis)
        writer.add(f"s{number:04d}", *stored, subject=f"s{number:04d}", spacing=spacing)
    writer.finish()
    return folder


def test_slices_are_drawn_in_the_share_asked_for_where_depths_differ(tmp_path: Path) -> None:
    real = volumes(tmp_path / "real", {"a1": 6, "a2": 6, "a3": 24, "b": 6, "c": 6})
    drawn = drawn_slices(tmp_path / "drawn", real, 36, step=2.0)
    out = export_arms(real, drawn, out=tmp_path / "raw", arms=("100R", "100R+100F", "100R+50F"))
    _, same, half = json.loads((out / "export.json").read_text())["arms"]
    assert [len(stacked) for stacked in same["stacks"].values()] == [12, 12, 12]
    assert same["synthetic_share_drawn"] == same["synthetic_share_asked"] == 0.5
    # One and a half volumes cannot be: two.
    assert [len(stacked) for stacked in half["stacks"].values()] == [9, 9]
    assert half["synthetic_share_drawn"] == 2 / 5
    image = nibabel.load(out / same["folder"] / "imagesTr" / "synthetic_volume_0002_0000.nii.gz")
    assert image.shape == (12, 12, 12)
    assert image.header.get_zooms() == (1, 1, 4)
    assert np.asanyarray(image.dataobj)[0, 0].tolist() == list(range(24, 36))
    told = (out / "README.md").read_text()
    assert f"| {half['folder']} | 100R+50F | 3 (36) | 2 (18) | 33.3% | 40.0% |" in told


def test_slices_lie_along_the_axis_that_is_cut(tmp_path: Path) -> None:
    real = volumes(tmp_path / "real", {"a1": 6, "a2": 6, "b": 6, "c": 6}, thick=0)
    out = export_arms(real, drawn_slices(tmp_path / "drawn", real, 12, axis=0), out=tmp_path / "raw", arms=("100F",))
    image = nibabel.load(out / "Dataset501_volumes_100F" / "imagesTr" / "synthetic_volume_0001_0000.nii.gz")
    assert image.shape == (6, 12, 12)
    assert np.asanyarray(image.dataobj)[:, 0, 0].tolist() == list(range(6, 12))


def test_slices_that_nnunet_would_cut_across_are_refused(tmp_path: Path) -> None:
    real = open_dataset(volumes(tmp_path / "real", {"a1": 12, "a2": 12, "b": 12, "c": 12}))
    drawn = open_dataset(drawn_slices(tmp_path / "drawn", real.root, 24, axis=0))
    assert drawn.provenance is not None
    pairs = open_slices(drawn, size=12)
    one = SyntheticSet(drawn, drawn.provenance, pairs, np.arange(len(pairs)))
    regime = choose_regime(
        open_slices(real, size=12, axis=0), real.split or Split((), (), ()), subset=None, real_slices=None
    )
    with pytest.raises(UserError, match=r"along axis 0, but nnU-Net's 2-D configuration cuts .* along axis 2"):
        plan_stacks(one, 24, regime)


def test_the_guide_gives_every_arm_the_plans_of_the_real_one(tmp_path: Path, real: Path, synthetic: Path) -> None:
    out = export_arms(real, synthetic, out=tmp_path / "raw", arms=("100R", "100R+300F"))
    told = (out / "README.md").read_text()
    assert "nnUNetv2_plan_and_preprocess -d 501 -c 2d" in told
    assert "nnUNetv2_move_plans_between_datasets -s 501 -t 502 -sp nnUNetPlans -tp nnUNetPlansOfReal" in told
    assert "nnUNetv2_plan_and_preprocess -d 502" not in told
    alone = export_arms(real, synthetic, out=tmp_path / "alone", arms=("100F",))
    assert "export `100R` as well" in (alone / "README.md").read_text()
    without = export_arms(real, out=tmp_path / "without", arms=("100R",))
    assert "Plans" not in (without / "README.md").read_text()


def test_what_is_predicted_for_its_test_images_can_be_scored(
    tmp_path: Path, real: Path, synthetic: Path, study: Any
) -> None:
    out = export_arms(real, synthetic, out=tmp_path / "raw")
    predicted = tmp_path / "predicted"
    predicted.mkdir()
    for image in (out / "Dataset501_study_100R" / "imagesTs").iterdir():
        name = image.name.replace("_0000", "")
        shutil.copyfile(real / "labelsTr" / name, predicted / name)
    twin = shutil.copytree(predicted, tmp_path / "twin")
    scored = score_predictions(
        real, [synthetic], predictions=[("100R", predicted), ("100R+300F", twin)], out=tmp_path / "scored",
        progress=False,
    )  # fmt: skip
    content = json.loads((scored / "trial.json").read_text())
    assert [arm["mean"] for arm in content["arms"]] == [1.0, 1.0]
    assert content["test_subjects"] == list(study.test)


def test_folds_are_exported_and_scored_together(tmp_path: Path, real: Path, study: Any) -> None:
    dataset = open_dataset(real)
    splits = splits_of(dataset, 3)
    sets = [
        study.write_synthetic(
            tmp_path / f"fakes{k}",
            study.provenance(
                dataset,
                labels_seen=split.train,
                images_seen=split.train,
                selected_on=split.validation,
                checkpoint=str(k),
            ),
            pairs=study.depth * len(split.train),
        )
        for k, split in enumerate(splits)
    ]
    arms = ("100R", "100R+100F")
    out = export_arms(real, sets, out=tmp_path / "raw", arms=arms, folds=3)
    names = [
        f"Dataset{501 + 2 * k + place}_study_{arm}_fold{k}"
        for k in range(3)
        for place, arm in enumerate(("100R", "100R_100F"))
    ]
    assert sorted(path.name for path in out.iterdir()) == [*names, "README.md", "export.json"]
    written = json.loads((out / "export.json").read_text())["arms"]
    assert [(one["folder"], one["fold"]) for one in written] == [(name, place // 2) for place, name in enumerate(names)]
    guide = (out / "README.md").read_text()
    for real_alone, mixed in ((501, 502), (503, 504), (505, 506)):
        assert f"nnUNetv2_move_plans_between_datasets -s {real_alone} -t {mixed} " in guide
    predicted = [tmp_path / "real", tmp_path / "mixed"]
    for folder in predicted:
        folder.mkdir()
    tested = []
    for k, split in enumerate(splits):
        (fold,) = json.loads((out / names[2 * k] / "splits_final.json").read_text())
        assert fold == {"train": [f"case_{s}" for s in split.train], "val": [f"case_{s}" for s in split.validation]}
        for image in (out / names[2 * k] / "imagesTs").iterdir():
            tested.append(image.name.replace("_0000", ""))
            for folder in predicted:
                shutil.copyfile(real / "labelsTr" / tested[-1], folder / tested[-1])
    assert sorted(tested) == sorted(path.name for path in (real / "labelsTr").iterdir())
    scored = score_predictions(
        real,
        sets,
        predictions=list(zip(arms, predicted, strict=True)),
        folds=3,
        out=tmp_path / "scored",
        progress=False,
    )
    content = json.loads((scored / "trial.json").read_text())
    assert content["test_subjects"] == sorted(study.split.subjects)
    assert [arm["mean"] for arm in content["arms"]] == [1.0, 1.0]
    assert len(content["folds"]) == 3
    assert content["primary"]["subjects"] == len(study.split.subjects)
    with pytest.raises(UserError, match="one synthetic dataset for each fold, in their order, not 2"):
        export_arms(real, sets[:2], out=tmp_path / "few", arms=arms, folds=3)
    with pytest.raises(UserError, match=r"Fold 1 of --folds 3 cannot be used: .*fakes1"):
        export_arms(real, [sets[1], sets[0], sets[2]], out=tmp_path / "swapped", arms=arms, folds=3)


def tiff_cells(folder: Path) -> Path:
    """Four images of one cell each, in .tiff."""
    folder.mkdir()
    writer = DatasetWriter(
        folder, name="cells", channel_names=("grey",), label_names=("background", "cell"), file_ending=".tiff"
    )
    image, label = np.zeros((1, 16, 16), np.uint8), np.zeros((16, 16), np.uint8)
    label[4:9, 4:9] = 1
    for number in range(4):
        writer.add(f"c{number}", image + 40 * label + number, label, subject=f"s{number}")
    writer.finish(split=Split(("s0", "s1"), ("s2",), ("s3",)))
    return folder


def test_predictions_for_tiff_are_found_under_either_ending(tmp_path: Path) -> None:
    folder = tiff_cells(tmp_path / "cells")
    for ending in ("tif", "tiff"):
        predicted = tmp_path / ending
        predicted.mkdir()
        shutil.copyfile(folder / "labelsTr" / "c3.tiff", predicted / f"c3.{ending}")
        scored = score_predictions(
            folder, predictions=[("100R", predicted)], out=tmp_path / f"scored-{ending}", progress=False
        )
        assert json.loads((scored / "trial.json").read_text())["arms"][0]["mean"] == 1.0
    with pytest.raises(UserError, match=r"c3\.tiff does not exist"):
        score_predictions(folder, predictions=[("100R", folder)], out=tmp_path / "none", progress=False)


def test_tiff_gets_the_ending_nnunet_reads(tmp_path: Path) -> None:
    folder = tiff_cells(tmp_path / "cells")
    out = export_arms(folder, out=tmp_path / "raw", arms=("100R",))
    arm = out / "Dataset501_cells_100R"
    assert sorted(path.name for path in (arm / "imagesTr").iterdir()) == [f"c{i}_0000.tif" for i in range(3)]
    assert json.loads((arm / "dataset.json").read_text())["file_ending"] == ".tif"
    assert len(open_dataset(arm).cases) == 3


def test_pairs_of_2d_images_stay_cases_of_their_own(tmp_path: Path) -> None:
    folder = tiff_cells(tmp_path / "cells")
    dataset = open_dataset(folder)
    seen = tuple((dataset.identity, subject) for subject in ("s0", "s1"))
    drawn = tmp_path / "drawn"
    drawn.mkdir()
    writer = DatasetWriter(
        drawn, name="drawn", channel_names=("grey",), label_names=("background", "cell"), file_ending=".tiff",
        provenance=Provenance("run", "c0ffee", 0, "joint-stylegan2", seen, seen),
    )  # fmt: skip
    for number in range(4):
        label = np.eye(16, dtype=np.uint8)
        writer.add(f"d{number}", np.full((1, 16, 16), number, np.uint8), label, subject=f"d{number}")
    writer.finish()
    out = export_arms(folder, drawn, out=tmp_path / "raw", arms=("100R", "100R+200F"))
    arm = out / "Dataset502_cells_100R_200F"
    (fold,) = json.loads((arm / "splits_final.json").read_text())
    assert fold == {"train": ["c0", "c1", "d0", "d1", "d2", "d3"], "val": ["c2"]}
    assert (arm / "imagesTr/d3_0000.tif").read_bytes() == (drawn / "imagesTr/d3_0000.tiff").read_bytes()
    written = json.loads((out / "export.json").read_text())["arms"][1]
    assert (written["stacks"], written["synthetic_share_asked"], written["synthetic_share_drawn"]) == ({}, 2 / 3, 2 / 3)


def test_a_subset_of_subjects_is_its_r(tmp_path: Path, real: Path, study: Any) -> None:
    out = export_arms(real, out=tmp_path / "raw", arms=("100R",), subset="2", first_id=7)
    (fold,) = json.loads((out / "Dataset007_study_100R" / "splits_final.json").read_text())
    assert fold["train"] == [f"case_{subject}" for subject in study.train[:2]]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"arms": ("50R",)}, "only 100R and F"),
        ({"arms": ("100R+100A",)}, "mirrors by itself"),
        ({"arms": ("100R+50B",)}, "draws labelled places more often by itself"),
        ({"arms": ("100R+100C",)}, "what segmint curate wrote, and call its pairs F"),
        ({"arms": ("100R",), "subset": "5-slices"}, "a subset of subjects, not of slices"),
        ({"arms": ("100R",), "first_id": 1000}, "--first-id 1000"),
        ({"arms": ("100R+300F",)}, "needs synthetic pairs"),
    ],
)
def test_what_nnunet_cannot_take_is_refused(tmp_path: Path, real: Path, options: dict[str, Any], word: str) -> None:
    with pytest.raises(UserError, match=word):
        export_arms(real, out=tmp_path / "raw", **options)
    assert not (tmp_path / "raw").exists()


def test_a_set_that_saw_a_test_subject_is_not_exported(tmp_path: Path, real: Path, study: Any) -> None:
    made = study.provenance(open_dataset(real), images_seen=(*study.train, study.test[0]))
    leaky = study.write_synthetic(tmp_path / "leaky", made, pairs=45)
    with pytest.raises(UserError, match="learned from images of the test subject"):
        export_arms(real, leaky, out=tmp_path / "raw")


def test_neither_inputs_nor_what_exists_is_overwritten(tmp_path: Path, real: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "kept").write_text("kept")
    with pytest.raises(UserError, match="exists"):
        export_arms(real, out=tmp_path / "raw", arms=("100R",))
    with pytest.raises(UserError):
        export_arms(real, out=real, arms=("100R",), overwrite=True)
    assert (tmp_path / "raw" / "kept").exists()
    assert (real / "dataset.json").exists()
