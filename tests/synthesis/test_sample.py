from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.conftest import draw_discs

from segmint.data.dataset import open_dataset
from segmint.data.slices import open_slices
from segmint.errors import UserError
from segmint.synthesis.open_run import open_sampler
from segmint.synthesis.sample import sample
from segmint.training.train import train


def test_the_same_pairs_come_whatever_is_asked_at_once(discs_run: Path) -> None:
    sampler = open_sampler(discs_run, device="cpu")
    images, labels = sampler.sample(40, seed=3)
    assert images.shape == (40, 1, 32, 32)
    assert images.min() >= -1
    assert images.max() <= 1
    assert labels.dtype == np.uint8
    assert labels.max() <= 2
    for first, n in ((0, 1), (7, 5), (33, 7)):
        some, some_labels = sampler.sample(n, seed=3, first=first)
        assert np.array_equal(some, images[first : first + n])
        assert np.array_equal(some_labels, labels[first : first + n])
    assert not np.array_equal(sampler.sample(1, seed=4)[0], images[:1])


def test_truncation_draws_nearer_to_the_mean(discs_run: Path) -> None:
    sampler = open_sampler(discs_run, device="cpu")
    spread = [sampler.sample(16, seed=0, truncation=t)[0].std(axis=0).mean() for t in (1.0, 0.001)]
    assert spread[1] < 0.2 * spread[0]


def test_a_synthetic_dataset_reads_back_as_it_was_drawn(discs_run: Path, tmp_path: Path) -> None:
    out = sample(discs_run, n=5, seed=2, out=tmp_path / "synthetic", device="cpu")
    dataset = open_dataset(out)
    assert dataset.provenance is not None
    assert dataset.provenance.seed == 2
    assert [subject for _, subject in dataset.provenance.labels_seen] == [f"subject_{i:02d}" for i in range(4)]
    assert dataset.label_names == ("background", "rim", "core")
    assert dataset.licence == "CC0-1.0"
    first = nibabel.load(out / "imagesTr" / f"{dataset.cases[0].id}_0000.nii.gz")
    assert first.shape == (24, 24, 1)
    assert first.header.get_zooms()[:3] == (1.0, 1.0, 3.0)
    # The discs' intensities lie between 50 and 550, and so must those of their copies.
    assert 50 <= first.get_fdata().min() < first.get_fdata().max() <= 550
    images, labels = open_sampler(discs_run, device="cpu").sample(5, seed=2)
    slices = open_slices(dataset, size=32)
    inside = (slice(None), slice(4, -4), slice(4, -4))
    assert np.allclose(slices.images[:, 0][inside], images[:, 0][inside], atol=1e-5)
    assert np.array_equal(slices.labels[inside], labels[inside])


def test_pairs_of_a_smaller_grid_than_the_sources_read_back_as_they_were_drawn(tmp_path: Path) -> None:
    """Enlarged to the source's grid and made smaller again they were blurred, in every trial, where real slices are not."""
    run = train(
        "joint-stylegan2",
        draw_discs(tmp_path / "discs", size=50),
        out=tmp_path / "run",
        kimg=0.008,
        batch=4,
        size=32,
        threads=1,
        settings={"latent_size": "8", "width_base": "128", "width_maximum": "8"},
        precision="float32",
        device="cpu",
        progress=False,
    ).root
    dataset = open_dataset(sample(run, n=3, seed=2, out=tmp_path / "synthetic", with_real=True, device="cpu"))
    drawn = [case for case in dataset.cases if case.id.startswith("synthetic")]
    assert dataset.shape(drawn[0])[:2] == (50, 50)
    assert [case.drawn for case in dataset.cases] == [(32, 32) if case in drawn else None for case in dataset.cases]
    slices = open_slices(dataset, size=32)
    of_drawn = [number for number, record in enumerate(slices.records) if record.case.startswith("synthetic")]
    images, labels = open_sampler(run, device="cpu").sample(3, seed=2)
    assert np.allclose(slices.images[of_drawn], images, atol=1e-3)
    assert np.array_equal(slices.labels[of_drawn], labels)


def test_synthetic_cases_stay_out_of_validation(discs_run: Path, tmp_path: Path) -> None:
    out = sample(discs_run, n=4, seed=0, out=tmp_path / "mixed", with_real=True, device="cpu")
    folds = json.loads((out / "splits_final.json").read_text())
    assert len(folds) == 5
    validated = [case for fold in folds for case in fold["val"]]
    assert sorted(validated) == [f"subject_{i:02d}" for i in range(6)], "each real subject but the test subjects, once"
    for fold in folds:
        assert len([case for case in fold["train"] if case.startswith("synthetic")]) == 4
        assert not set(fold["train"]) & set(fold["val"])
    mixed = open_dataset(out)
    real = open_dataset(discs_run.parent / "discs")
    assert np.allclose(mixed.read_image(mixed.cases[0]), real.read_image(real.cases[0]))
    assert {case.id for case in mixed.cases} == {*validated, *(f"synthetic_s0_{i:06d}" for i in range(4))}


TURNED = np.array([[0.0, 0, 3, 7], [-1, 0, 0, 5], [0, 1, 0, -2], [0, 0, 0, 1]])
"""Of volumes whose rows lead to the back, columns up, and slices to the right."""


def turn(paths: Iterable[Path], affine: NDArray[np.float64]) -> None:
    for path in paths:
        nibabel.save(nibabel.Nifti1Image(np.asarray(nibabel.load(path).dataobj), affine), path)


def turned_run(folder: Path) -> Path:
    """A run that paints masks, on discs with halos in such volumes; a test subject lies otherwise."""
    discs = draw_discs(folder / "discs", halo=True)
    turn(discs.rglob("*.nii.gz"), TURNED)
    turn(discs.rglob("subject_07*.nii.gz"), np.eye(4))
    return train(
        "em-pix2pix",
        discs,
        out=folder / "run",
        kimg=0.008,
        batch=4,
        size=32,
        axis=2,
        threads=1,
        mask_source="real",
        settings={"width": "0.05", "discriminators": "1"},
        precision="float32",
        device="cpu",
        progress=False,
    ).root


def test_pairs_lie_as_the_volumes_do(tmp_path: Path) -> None:
    run = turned_run(tmp_path)
    real = open_dataset(tmp_path / "discs")
    with pytest.raises(
        UserError, match=r"lead to R and A, those that .* learned from to P and S, .* the orientation PSR first"
    ):
        sample(run, n=2, out=tmp_path / "otherwise", masks=real.root, device="cpu")
    assert not (tmp_path / "otherwise").exists()
    own = shutil.copytree(real.root, tmp_path / "own")
    turn(own.rglob("subject_07*.nii.gz"), TURNED)
    for name, masks in (("alone", None), ("masks", own), ("mixed", None)):
        out = sample(run, n=2, out=tmp_path / name, masks=masks, with_real=name == "mixed", device="cpu")
        dataset = open_dataset(out)
        case = next(case for case in dataset.cases if case.id.startswith("synthetic"))
        assert len(case.files) == 3, "image, label map and halo"
        for path in case.files:
            image = nibabel.load(path)
            assert image.shape == (24, 24, 1)
            assert np.array_equal(image.affine[:3, :3], TURNED[:3, :3])
        assert np.array_equal(np.array(case.affine)[:3, :3], TURNED[:3, :3])
        assert dict(dataset.conditions) == {"halo": ("background", "halo")}
    assert np.array_equal(dataset.affine(dataset.cases[0]), TURNED)
    # Runs from before orientations were stored.
    old = shutil.copytree(run, tmp_path / "old")
    config = json.loads((old / "config.json").read_text())
    assert config["grid"].pop("orientation") == "PSR"
    (old / "config.json").write_text(json.dumps(config))
    dataset = open_dataset(sample(old, n=1, out=tmp_path / "as before", device="cpu"))
    assert np.array_equal(np.abs(dataset.affine(dataset.cases[0])), np.diag(config["grid"]["spacing"] + [1.0]))


def test_real_cases_are_looked_at_before_anything_is_drawn(
    discs_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = shutil.copytree(discs_run, tmp_path / "run")
    config = json.loads((changed / "config.json").read_text())
    (changed / "config.json").write_text(json.dumps({**config, "dataset": {**config["dataset"], "identity": "other"}}))
    monkeypatch.setattr("segmint.synthesis.sample.open_run", lambda *_, **__: pytest.fail("it was opened to draw"))
    with pytest.raises(UserError, match="has changed since the run was trained"):
        sample(changed, n=1, out=tmp_path / "out", with_real=True, device="cpu")


def test_no_input_is_overwritten(discs_run: Path, painted_run: Path) -> None:
    for run, changes in ((discs_run, {"with_real": True}), (painted_run, {"masks": painted_run.parent / "discs"})):
        discs = run.parent / "discs"
        with pytest.raises(UserError, match="--out"):
            sample(run, n=1, out=discs, overwrite=True, device="cpu", **changes)  # type: ignore[arg-type]
        assert (discs / "dataset.json").exists()


def test_an_existing_output_is_refused(discs_run: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").touch()
    with pytest.raises(UserError, match="--overwrite"):
        sample(discs_run, n=2, out=tmp_path / "taken", device="cpu")
    assert (tmp_path / "taken" / "mine").exists()


@pytest.mark.parametrize("wrong", [{"n": 0}, {"truncation": 0.0}, {"truncation": 1.5}, {"checkpoint": "middle"}])
def test_wrong_numbers_are_one_sentence(discs_run: Path, tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(UserError, match="--"):
        sample(discs_run, out=tmp_path / "out", device="cpu", **{"n": 1, **wrong})  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_run_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"config\.json"):
        sample(tmp_path, n=1, out=tmp_path / "out")


def test_a_configuration_that_was_tampered_with_is_one_sentence(discs_run: Path, tmp_path: Path) -> None:
    config = json.loads((discs_run / "config.json").read_text())
    config["parts"][0]["recipe"] = "os.system"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="no recipe"):
        sample(tmp_path, n=1, out=tmp_path / "out")
