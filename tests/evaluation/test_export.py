from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.data.dataset import open_dataset
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.evaluation.export import export_arms
from segmint.evaluation.folds import splits_of
from segmint.evaluation.outside import score_predictions


def test_arms_become_datasets_of_nnunet(tmp_path: Path, real: Path, synthetic: Path, study: Any) -> None:
    out = export_arms(real, synthetic, out=tmp_path / "raw", arms=("100R", "100F", "100R+300F"))
    assert sorted(path.name for path in out.iterdir()) == [
        "Dataset501_study_100R",
        "Dataset502_study_100F",
        "Dataset503_study_100R_300F",
    ]
    pairs = open_dataset(synthetic).cases
    counts = {"501_study_100R": (5, 0), "502_study_100F": (0, 15), "503_study_100R_300F": (5, 45)}
    for name, (real_cases, fakes) in counts.items():
        folder = out / f"Dataset{name}"
        (fold,) = json.loads((folder / "splits_final.json").read_text())
        assert fold["val"] == [f"case_{subject}" for subject in study.validation]
        assert fold["train"] == [
            *(f"case_{subject}" for subject in study.train[:real_cases]),
            *(case.id for case in pairs[:fakes]),
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
    assert len(mixed.cases) == 5 + 45 + 2


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
    assert sorted(path.name for path in out.iterdir()) == names
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


def test_a_subset_of_subjects_is_its_r(tmp_path: Path, real: Path, study: Any) -> None:
    out = export_arms(real, out=tmp_path / "raw", arms=("100R",), subset="2", first_id=7)
    (fold,) = json.loads((out / "Dataset007_study_100R" / "splits_final.json").read_text())
    assert fold["train"] == [f"case_{subject}" for subject in study.train[:2]]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"arms": ("50R",)}, "only 100R and F"),
        ({"arms": ("100R+100A",)}, "mirrors by itself"),
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
