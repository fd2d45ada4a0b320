"""The section on images: part of an evaluation unless switched off, and what too few images allow to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from segmint.data.dataset import open_dataset
from segmint.data.intensity import IntensityMap
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.evaluation.evaluate import evaluate
from segmint.evaluation.evidence import open_evidence
from segmint.evaluation.fidelity_audit import audit_fidelity

SIZE, EACH, SUBJECTS, MADE = 24, 5, 24, 60


def picture(generator: np.random.Generator, width: float) -> tuple[Any, Any]:
    smooth = ndimage.gaussian_filter(generator.normal(size=(SIZE, SIZE)), width)
    label = np.zeros((SIZE, SIZE), dtype=np.uint8)
    label[6:12, 6:16] = 1
    return np.clip(smooth / smooth.std() / 3, -1, 1).astype(np.float32)[None], label


def write(folder: Path, subjects: list[str], width: float, seed: int, **options: Any) -> Path:
    folder.mkdir(parents=True)
    split = options.pop("split", None)
    writer = DatasetWriter(
        folder,
        name="study",
        channel_names=("T1",),
        label_names=("background", "organ"),
        file_ending=".nii.gz",
        **options,
    )
    generator = np.random.default_rng(seed)
    for number, subject in enumerate(subjects):
        image, label = picture(generator, width)
        writer.add(f"c{number:04d}", image, label, subject=subject, intensity=[IntensityMap("window", -1.0, 1.0)])
    writer.finish(split=split)
    return folder


def test_blur_is_named_and_new_images_of_the_same_kind_are_not(study: Any, tmp_path: Path) -> None:
    names = [f"s{number:02d}" for number in range(SUBJECTS)]
    split = Split(tuple(names[:12]), (), tuple(names[12:]))
    real = write(tmp_path / "real", [name for name in names for _ in range(EACH)], 1.0, 0, split=split)
    made = study.provenance(open_dataset(real), labels_seen=names[:12], images_seen=names[:12], selected_on=())
    found = {}
    for name, width in (("same", 1.0), ("blurred", 1.6)):
        fakes = write(tmp_path / name, [f"f{number}" for number in range(MADE)], width, 1, provenance=made)
        evidence = open_evidence(real, fakes, holdout=None, size=SIZE, axis=None, device="cpu")
        found[name] = audit_fidelity(evidence, tmp_path)
    assert found["same"]["findings"] == []
    assert found["same"]["images"] == EACH * 12
    assert "blurred" in {one["code"] for one in found["blurred"]["findings"]}
    assert {row["of"] for row in found["same"]["measures"] if row["group"] == "features"} == {
        "random network",
        "radiomics",
    }


def test_too_few_images_are_said(real: Path, synthetic: Path, tmp_path: Path) -> None:
    evidence = open_evidence(real, synthetic, holdout=None, size=16, axis=None, device="cpu")
    section = audit_fidelity(evidence, tmp_path)
    assert section["features"] == {}
    assert {row["group"] for row in section["measures"]} == {"intensity", "spectrum"}
    assert any("too few" in note for note in section["notes"])


def test_features_without_the_comparison_are_refused(real: Path, synthetic: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--no-fidelity leaves out"):
        evaluate(real, synthetic, out=tmp_path / "o", fidelity=False, features=tmp_path / "x.onnx", progress=False)
    with pytest.raises(UserError, match="no such file"):
        evaluate(real, synthetic, out=tmp_path / "o", features=tmp_path / "x.onnx", progress=False)
