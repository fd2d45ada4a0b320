"""The section on images: part of an evaluation unless switched off, and what too few images allow to say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from monai.networks import nets
from safetensors.torch import save_file
from scipy import ndimage

from segmint.data.dataset import open_dataset
from segmint.data.intensity import IntensityMap
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.evaluation.evaluate import evaluate
from segmint.evaluation.evidence import open_evidence
from segmint.evaluation.fidelity_audit import audit_fidelity
from segmint.outputs import read_json

SIZE, EACH, SUBJECTS, MADE = 24, 5, 24, 60


Draw = Callable[[np.random.Generator], Any]


def organ() -> Any:
    label = np.zeros((SIZE, SIZE), dtype=np.uint8)
    label[6:12, 6:16] = 1
    return label


def grain(generator: np.random.Generator, width: float = 1.0) -> Any:
    """[1, S, S] smooth noise of one spread."""
    smooth = ndimage.gaussian_filter(generator.normal(size=(SIZE, SIZE)), width)
    return np.clip(smooth / smooth.std() / 3, -1, 1)[None]


def few_modes(generator: np.random.Generator) -> Any:
    mode = grain(np.random.default_rng(int(generator.integers(100, 104))))
    return np.clip(mode + generator.normal(0, 0.01, mode.shape), -1, 1)


DRAWN: dict[str, Draw] = {
    "": grain,
    "blurred": lambda generator: grain(generator, 1.6),
    "noise or checkerboards": lambda generator: np.clip(
        grain(generator) + generator.normal(0, 0.2, (SIZE, SIZE)), -1, 1
    ),
    "little variety": few_modes,
    "intensities off": lambda generator: np.clip(grain(generator) + 0.3, -1, 1),
}


def write(folder: Path, subjects: list[str], draw: Draw, seed: int, **options: Any) -> Path:
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
        image = draw(generator).astype(np.float32)
        writer.add(f"c{number:04d}", image, organ(), subject=subject, intensity=[IntensityMap("window", -1.0, 1.0)])
    writer.finish(split=split)
    return folder


@pytest.fixture(scope="module")
def grains(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = [f"s{number:02d}" for number in range(SUBJECTS)]
    split = Split(tuple(names[:12]), (), tuple(names[12:]))
    return write(
        tmp_path_factory.mktemp("grains") / "real", [n for n in names for _ in range(EACH)], grain, 0, split=split
    )


@pytest.mark.parametrize("code", DRAWN)
def test_planted_damage_is_named_and_new_images_of_the_same_kind_raise_nothing(
    code: str, grains: Path, study: Any, tmp_path: Path
) -> None:
    seen = [f"s{number:02d}" for number in range(12)]
    made = study.provenance(open_dataset(grains), labels_seen=seen, images_seen=seen, selected_on=())
    fakes = write(tmp_path / "fakes", [f"f{n}" for n in range(MADE)], DRAWN[code], 1, provenance=made)
    section = audit_fidelity(open_evidence(grains, fakes, holdout=None, size=SIZE, axis=None, device="cpu"), tmp_path)
    named = {one["code"] for one in section["findings"]}
    assert code in named if code else not named
    assert section["images"] == EACH * 12
    assert section["real"]["kind"] == "held-out subjects"
    assert set(section["features"]) == {"random network", "radiomics"}
    json.dumps(section, allow_nan=False)


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


def test_features_of_a_network_given_as_weights(grains: Path, study: Any, tmp_path: Path) -> None:
    seen = [f"s{number:02d}" for number in range(12)]
    made = study.provenance(open_dataset(grains), labels_seen=seen, images_seen=seen, selected_on=())
    fakes = write(tmp_path / "fakes", [f"f{n}" for n in range(MADE)], grain, 1, provenance=made)
    weights = nets.resnet10(spatial_dims=2, n_input_channels=1, conv1_t_stride=2, bias_downsample=False).state_dict()
    save_file(weights, tmp_path / "mine.safetensors")
    with pytest.raises(UserError, match="says nothing of the network"):
        evaluate(grains, fakes, out=tmp_path / "o", features=tmp_path / "mine.safetensors", progress=False)
    described = {"architecture": "resnet10", "channels": 1, "range": [0, 1], "mean": 0.5, "std": 0.25, "size": 32}
    (tmp_path / "mine.json").write_text(json.dumps(described))
    out = evaluate(
        grains,
        fakes,
        out=tmp_path / "o",
        features=tmp_path / "mine.safetensors",
        privacy=False,
        size=SIZE,
        progress=False,
    )
    section = read_json(out / "evaluation.json")["fidelity"]
    assert section["features"]["mine.safetensors"]["numbers"] == 512
    assert section["features"]["mine.safetensors"]["network"] == {
        **described,
        "mean": [0.5],
        "std": [0.25],
        "stride": None,
        "prefix": "",
    }
    assert len([row for row in section["measures"] if row["of"] == "mine.safetensors"]) == 10


def test_what_a_segmenter_remembers_of_training_images_does_not_count(grains: Path, study: Any, tmp_path: Path) -> None:
    seen = [f"s{number:02d}" for number in range(12)]
    made = study.provenance(open_dataset(grains), labels_seen=seen, images_seen=seen, selected_on=())
    fakes = write(tmp_path / "fakes", [f"f{n}" for n in range(MADE)], grain, 1, provenance=made)
    evidence = open_evidence(grains, fakes, holdout=None, size=SIZE, axis=None, device="cpu")
    rows = {}
    for by in (0.0, 5.0):
        learner = SimpleNamespace(cross_fitted=lambda evidence, by=by: study.remembering(evidence, by=by))
        section = audit_fidelity(evidence, tmp_path, learner=learner)
        assert set(section["features"]) == {"random network", "radiomics", "segmenter"}
        assert set(section["frechet_by_size"]) == set(section["features"])
        rows[by] = [row for row in section["measures"] if row["of"] == "segmenter"]
        assert section["left_out"] == []
    assert len(rows[0.0]) == 10
    assert rows[0.0] == rows[5.0]


def test_segmenters_that_too_few_subjects_are_new_to_give_no_features(grains: Path, study: Any, tmp_path: Path) -> None:
    seen = [f"s{number:02d}" for number in range(11)]
    made = study.provenance(open_dataset(grains), labels_seen=seen, images_seen=seen, selected_on=())
    fakes = write(tmp_path / "fakes", [f"f{n}" for n in range(MADE)], grain, 1, provenance=made)
    evidence = open_evidence(grains, fakes, holdout=None, size=SIZE, axis=None, device="cpu")
    learner = SimpleNamespace(cross_fitted=lambda evidence: study.remembering(evidence, by=1.0))
    section = audit_fidelity(evidence, tmp_path, learner=learner)
    assert set(section["features"]) == {"random network", "radiomics"}
    assert section["left_out"] == ["segmenter"]
    assert any("Features of the segmenters are left out" in note for note in section["notes"])


def test_two_training_subjects_and_no_others_are_enough_to_go_on(study: Any, tmp_path: Path) -> None:
    real = write(tmp_path / "real", ["a"] * EACH + ["b"] * EACH, grain, 0)
    fakes = write(tmp_path / "fakes", [f"f{n}" for n in range(9)], grain, 1)
    evidence = open_evidence(real, fakes, holdout=None, size=SIZE, axis=None, device="cpu")
    learner = SimpleNamespace(cross_fitted=lambda evidence: study.remembering(evidence, by=1.0))
    section = audit_fidelity(evidence, tmp_path, learner=learner)
    assert section["real"]["kind"] == "half of the training subjects"
    assert section["features"] == {}
    assert section["measures"]


def test_segmenters_and_few_held_out_subjects_go_together(study: Any, tmp_path: Path) -> None:
    """Each group of a sixth took so many of a quarter of the training subjects that too few were left to extrapolate."""
    names = [f"s{number:02d}" for number in range(30)]
    split = Split(tuple(names[:24]), (), tuple(names[24:]))
    real = write(tmp_path / "real", [n for n in names for _ in range(20)], grain, 0, split=split)
    made = study.provenance(open_dataset(real), labels_seen=names[:24], images_seen=names[:24], selected_on=())
    fakes = write(tmp_path / "fakes", [f"f{n}" for n in range(120)], grain, 1, provenance=made)
    evidence = open_evidence(real, fakes, holdout=None, size=SIZE, axis=None, device="cpu")
    learner = SimpleNamespace(cross_fitted=lambda evidence: study.remembering(evidence, by=1.0))
    section = audit_fidelity(evidence, tmp_path, learner=learner)
    assert set(section["features"]) == {"random network", "radiomics", "segmenter"}
    assert all(row["p_value"] is not None for row in section["measures"] if row["metric"] == "frechet_infinity")
    assert section["real"]["subjects"] == 6


def test_many_images_of_few_subjects_are_not_said_to_be_too_few(study: Any, tmp_path: Path) -> None:
    names = [f"s{number:02d}" for number in range(16)]
    split = Split(tuple(names[:8]), (), tuple(names[8:]))
    many = [n for number, n in enumerate(names) for _ in range(50 if number in (0, 1, 8) else 1)]
    real = write(tmp_path / "real", many, grain, 0, split=split)
    made = study.provenance(open_dataset(real), labels_seen=names[:8], images_seen=names[:8], selected_on=())
    fakes = write(tmp_path / "fakes", [f"f{n}" for n in range(60)], grain, 1, provenance=made)
    evidence = open_evidence(real, fakes, holdout=None, size=SIZE, axis=None, device="cpu")
    section = audit_fidelity(evidence, tmp_path)
    assert section["features"] == {}
    assert not any("too few for distances" in note for note in section["notes"])
    assert any("most of the images are of a few subjects" in note for note in section["notes"])
