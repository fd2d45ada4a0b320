"""A run that paints, with masks from everywhere they can come from."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from tests.conftest import draw_discs

from segmint.data.dataset import open_dataset
from segmint.data.phantoms import write_phantom
from segmint.data.split import split_dataset
from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.synthesis.open_run import open_run, open_sampler
from segmint.synthesis.opened_run import OpenedRun
from segmint.synthesis.sample import sample
from segmint.synthesis.screened_masks import yardstick_of
from segmint.training.train import train


def test_the_runs_own_mask_generator_is_the_default(painted_run: Path) -> None:
    config = json.loads((painted_run / "config.json").read_text())
    assert [part["role"] for part in config["parts"]] == ["masks", "main"]
    assert [folder.name for folder in sorted((painted_run / "stages").iterdir())] == ["00-masks", "01-images"]
    assert (painted_run / "losses.png").is_file()
    assert (painted_run / "losses_00-masks.png").is_file()
    sampler = open_sampler(painted_run, device="cpu")
    drawn = sampler.draw(5, seed=1)
    assert drawn.images.shape == (5, 1, 32, 32)
    assert drawn.conditions.shape == (5, 1, 32, 32)
    assert sampler.condition_names == ("halo",)
    again = sampler.draw(2, seed=1, first=3)
    assert np.array_equal(again.images, drawn.images[3:])
    assert np.array_equal(again.labels, drawn.labels[3:])


@pytest.mark.parametrize("source", ["real", "deformed"])
def test_other_mask_sources(painted_run: Path, tmp_path: Path, source: str) -> None:
    folder = sample(
        painted_run, n=8, seed=0, out=tmp_path / "out", mask_source=source, balance={"core": 0.5}, device="cpu"
    )
    dataset = open_dataset(folder)
    assert dataset.conditions == {"halo": ("background", "halo")}
    with_core = [bool((dataset.read_label(case) == 2).any()) for case in dataset.cases]
    assert sum(with_core) == 4
    assert dataset.read_condition(dataset.cases[0], "halo").shape == dataset.read_label(dataset.cases[0]).shape


def test_masks_of_another_run_are_named_with_what_it_saw(painted_run: Path, discs_run: Path) -> None:
    with pytest.raises(UserError, match="condition maps"):
        open_run(painted_run, mask_source=str(discs_run), device="cpu")
    opened = open_run(painted_run, mask_source=str(painted_run), device="cpu")
    assert len(opened.stands_on) == 1
    assert opened.seen["labels_seen"] == opened.run.config["labels_seen"]


def test_a_users_own_masks_are_painted_in_order(painted_run: Path, tmp_path: Path) -> None:
    own = open_dataset(draw_discs(tmp_path / "own", subjects=5, slices=2, halo=True, size=20))
    opened = open_run(painted_run, masks=own.root, device="cpu")
    drawn = opened.sampler.draw(4, seed=0)
    volume = own.read_label(own.cases[0])
    inside = (32 - 20) // 2
    for z in range(2):
        assert np.array_equal(drawn.labels[z][inside:-inside, inside:-inside], volume[..., z])
    assert [own.identity, "subject_00"] in opened.seen["labels_seen"]
    assert {(identity, subject) for identity, subject, _ in opened.seen["marks_seen"]} >= {(own.identity, "subject_04")}


@pytest.mark.parametrize("cut", [(slice(0, 40), slice(4, 30)), (slice(8, 30), slice(0, 40))])
def test_a_users_own_masks_keep_their_sides(painted_run: Path, tmp_path: Path, cut: tuple[slice, slice]) -> None:
    """Wider or higher than the images of the run, and larger than its grid: nothing is cut off, nothing shrinks."""
    root = draw_discs(tmp_path / "own", subjects=5, slices=1, halo=True, size=40)
    for path in sorted(root.rglob("*.nii.gz")):
        volume = np.asarray(nibabel.load(path).dataobj)[cut].copy()
        if path.parent.name == "labelsTr":
            volume[:6, :6], volume[-6:, -6:] = 1, 2
        nibabel.save(nibabel.Nifti1Image(volume, np.diag([1.0, 1.0, 3.0, 1.0])), path)
    own = open_dataset(root)
    painted = open_dataset(sample(painted_run, n=5, out=tmp_path / "out", masks=root, device="cpu"))
    for given, drawn in zip(own.cases, painted.cases, strict=True):
        truth, found = own.read_label(given), painted.read_label(drawn)
        assert found.shape == truth.shape == painted.read_image(drawn).shape[1:]
        for label in (1, 2):
            assert (found == label).sum() == pytest.approx((truth == label).sum(), rel=0.15)
        assert (found[:5, :5] == 1).all()
        assert (found[-5:, -5:] == 2).all()


def test_labels_of_another_meaning_are_not_painted(painted_run: Path, tmp_path: Path) -> None:
    root = draw_discs(tmp_path / "own", subjects=5, slices=1, halo=True)
    described = json.loads((root / "dataset.json").read_text())
    (root / "dataset.json").write_text(json.dumps(described | {"labels": {"background": 0, "core": 1, "rim": 2}}))
    with pytest.raises(UserError, match=r"--masks .*own: its labels are core, rim, and .*run paints rim, core: "):
        sample(painted_run, n=2, out=tmp_path / "out", masks=root, device="cpu")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"mask_source": "nowhere"}, "--mask-source nowhere: give real, deformed, or the folder"),
        ({"mask_source": "real", "masks": Path("x")}, "exclude each other"),
        ({"mask_source": "deformed", "truncation": 0.5}, "--truncation 0.5 draws masks nearer to the mean"),
        ({"mask_source": "real", "screen_masks": True}, "these are real"),
        ({"mask_source": "deformed", "screen_masks": True}, "of 4 subjects, too few"),
        ({"balance": {"core": 2.0}}, "between 0 and 1"),
        ({"balance": {"crust": 0.5}}, "no such label"),
        ({"balance": {"core": 0.5, "rim": 0.5}}, "one label can be balanced"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    painted_run: Path, tmp_path: Path, arguments: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        sample(painted_run, n=2, out=tmp_path / "out", device="cpu", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_a_run_of_pairs_takes_no_masks(discs_run: Path) -> None:
    with pytest.raises(UserError, match="draws images and masks together"):
        open_run(discs_run, mask_source="real", device="cpu")
    with pytest.raises(UserError, match="draws images and masks together"):
        open_run(discs_run, screen_masks=True, device="cpu")


def test_screened_masks_are_painted_and_told(tmp_path: Path) -> None:
    write_phantom("retina", tmp_path / "retina", subjects=10, seed=0, size=64)
    split_dataset(tmp_path / "retina")
    run = train(
        "vess2image",
        tmp_path / "retina",
        out=tmp_path / "run",
        kimg=0.004,
        batch=4,
        size=64,
        threads=1,
        mask_source="deformed",
        device="cpu",
        progress=False,
    ).root
    drawn = open_dataset(sample(run, n=6, seed=0, out=tmp_path / "screened", screen_masks=True, device="cpu"))
    assert drawn.provenance is not None
    assert drawn.provenance.screened
    assert "drawn again" in (drawn.root / "DATASHEET.md").read_text()
    plain = open_dataset(sample(run, n=6, seed=0, out=tmp_path / "plain", device="cpu"))
    pairs = zip(drawn.cases, plain.cases, strict=True)
    kept = [np.array_equal(drawn.read_label(one), plain.read_label(other)) for one, other in pairs]
    yardstick = yardstick_of(OpenedRun.at(run, checkpoint="auto", device="cpu").training_masks())
    assert kept == yardstick.allows(np.stack([plain.read_label(case) for case in plain.cases])).tolist()


def test_a_runs_segmenter_can_be_had(discs: Path, discs_run: Path, tmp_path: Path) -> None:
    run = train(
        "unet",
        discs,
        out=tmp_path / "run",
        kimg=0.032,
        batch=4,
        size=32,
        threads=1,
        precision="float32",
        device="cpu",
        progress=False,
    )
    stage = OpenedRun.at(run.root, checkpoint="best", device="cpu").segmenter_stage()
    images = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    found = stage.probabilities(images)
    assert found.sum(dim=1).numpy() == pytest.approx(1, abs=1e-4)
    kept = run.checkpoints(run.stage_folder(0, stage.name)).load("best").tensors
    assert all(torch.equal(kept[f"stage/{name}"], value) for name, value in stage.state_dict().items())
    with pytest.raises(UserError, match="joint-stylegan2, which gives no segmenter"):
        OpenedRun.at(discs_run, checkpoint="best", device="cpu").segmenter_stage()


def test_real_masks_are_those_of_the_training_whatever_split_is_stored_now(tmp_path: Path) -> None:
    """Generators of a fold train on a split of their own: the masks of its test subjects must not be painted."""
    discs = draw_discs(tmp_path / "discs")
    split = Split(("subject_06", "subject_07"), ("subject_00",), ("subject_01", "subject_02"))
    run = train(
        "vess2image", discs, out=tmp_path / "run", split=split, kimg=0.004, batch=4, size=32, threads=1, mask_source="real",
        settings={"width": "0.05"}, precision="float32", device="cpu", progress=False,
    )  # fmt: skip
    pool = OpenedRun.at(run.root, checkpoint="last", device="cpu").training_masks()
    truth = {label.tobytes() for label in _labels(discs, split.train)}
    assert len(pool) == 6
    assert {pool.read(np.array([i]))[1][0, 4:-4, 4:-4].tobytes() for i in range(len(pool))} == truth


def _labels(folder: Path, subjects: tuple[str, ...]) -> list[np.ndarray]:
    dataset = open_dataset(folder)
    volumes = [dataset.read_label(case) for case in dataset.cases_of(subjects)]
    return [np.ascontiguousarray(volume[..., z]) for volume in volumes for z in range(volume.shape[-1])]


def test_what_a_synthetic_dataset_stands_on_is_seen_by_what_stands_on_it(discs_run: Path, tmp_path: Path) -> None:
    """Masks or pairs of a generator that saw a test subject are no way around the refusal."""
    drawn = open_dataset(sample(discs_run, n=12, out=tmp_path / "drawn", device="cpu"))
    assert drawn.provenance is not None
    before = [list(pair) for pair in drawn.provenance.labels_seen]
    run = train(
        "joint-stylegan2", drawn.root, out=tmp_path / "second", kimg=0.004, batch=4, size=32, threads=1,
        settings={"latent_size": "8", "width_base": "128", "width_maximum": "8"}, precision="float32", device="cpu",
        progress=False,
    )  # fmt: skip
    for key in ("labels_seen", "images_seen"):
        assert [pair for pair in run.config[key] if pair in before] == before
        assert any(pair[0] == drawn.identity for pair in run.config[key])
    assert list(drawn.provenance.selected_on[0]) in run.config["selected_on"]
