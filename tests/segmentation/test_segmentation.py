"""Train a segmenter on real files, segment real files with it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from segmint.cli.main import main
from segmint.data.dataset import open_dataset
from segmint.data.slices import open_slices
from segmint.errors import UserError
from segmint.evaluation.scoring import score_subjects
from segmint.segmentation.predict import predict
from segmint.segmentation.train import TRAINING, train_for_use
from segmint.training.segmenter import open_segmenter

SIZE, STEPS = 32, 40


@pytest.fixture(scope="module")
def trained(discs_run: Path, discs_synthetic: Path) -> Path:
    """A segmenter of an arm with synthetic pairs; not to be changed."""
    real = discs_run.parent / "discs"
    return train_for_use(
        real,
        discs_synthetic,
        out=discs_run.parent / "segmenter",
        arm="100R+50F",
        size=SIZE,
        steps=STEPS,
        batch=4,
        device="cpu",
        progress=False,
    )


@pytest.fixture
def images(discs_run: Path, tmp_path: Path) -> Path:
    """The test volumes of the discs, without their labels."""
    dataset = open_dataset(discs_run.parent / "discs")
    assert dataset.split is not None
    (tmp_path / "imagesTs").mkdir()
    for case in dataset.cases_of(dataset.split.test):
        shutil.copy(case.image_paths[0], tmp_path / "imagesTs")
    return tmp_path / "imagesTs"


def dice(ids: np.ndarray, truth: np.ndarray, label: int) -> float:
    ours, true = ids == label, truth == label
    return float(2 * (ours & true).sum() / (ours.sum() + true.sum()))


def written(path: Path) -> np.ndarray:
    return np.asarray(nibabel.load(path).dataobj)


def test_the_folder_tells_where_the_segmenter_comes_from(trained: Path) -> None:
    said = json.loads((trained / "segmenter.json").read_text())
    assert (said["arm"], said["steps"], said["size"], said["axis"]) == ("100R+50F", STEPS, SIZE, 2)
    assert (said["channel_names"], said["label_names"]) == (["MR0"], ["background", "rim", "core"])
    assert said["training_subjects"] == ["subject_00", "subject_01", "subject_02", "subject_03"]
    assert said["synthetic"][0]["pairs"] == 40


def test_predicts_as_the_trial_scores(trained: Path, images: Path, discs_run: Path) -> None:
    """Volumes like those it was trained on get the label maps that a trial would hold against the truth."""
    dataset = open_dataset(discs_run.parent / "discs")
    # With the maps that are recorded in the dataset the intensities are the very same.
    shutil.copy(dataset.root / "segmint.json", images.parent)
    out = predict(trained, images, out=images.parent / "labels", device="cpu", progress=False)
    assert dataset.split is not None
    slices = open_slices(dataset, size=SIZE)
    scores = score_subjects(open_segmenter(trained / TRAINING), slices, slices.indices(dataset.split.test))
    for case in dataset.cases_of(dataset.split.test):
        stored = nibabel.load(out / f"{case.id}.nii.gz")
        ids, truth = np.asarray(stored.dataobj), dataset.read_label(case)
        counts = scores[case.subject].counts
        for label in (1, 2):
            true, extra, missed = counts[label].tolist()
            assert dice(ids, truth, label) == pytest.approx(2 * true / (2 * true + extra + missed), abs=0.02)
        assert dice(ids, truth, 1) > 0.5
        assert np.allclose(stored.affine, nibabel.load(case.image_paths[0]).affine)
        assert ids.dtype == np.uint8


def test_volumes_that_lie_otherwise_are_turned(trained: Path, images: Path) -> None:
    """The same volume with its axes in another order and one of them reversed, the affine saying so."""
    image = nibabel.load(images / "subject_06_0000.nii.gz")
    values, affine = np.asarray(image.dataobj), np.asarray(image.affine)
    turned = np.moveaxis(values, 2, 0)[::-1]
    order = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
    moved = affine @ order
    moved[:3, 3] = affine[:3, 3] + affine[:3, 2] * (values.shape[2] - 1)
    moved[:3, 0] *= -1
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(turned), moved), images / "turned_0000.nii.gz")
    out = predict(trained, images, out=images.parent / "labels", device="cpu", progress=False)
    ids, straight = written(out / "turned.nii.gz"), written(out / "subject_06.nii.gz")
    assert ids.shape == turned.shape
    assert np.array_equal(np.moveaxis(ids[::-1], 0, 2), straight)
    assert straight.any()


def test_label_maps_lie_where_their_images_do(trained: Path, images: Path, tmp_path: Path) -> None:
    """Oblique and anisotropic volumes: origin, spacing and both forms of the orientation, to a thousandth of a millimetre."""
    values = np.asarray(nibabel.load(images / "subject_06_0000.nii.gz").dataobj)
    turn = np.array([[0.8, -0.6, 0.0], [0.48, 0.64, -0.6], [0.36, 0.48, 0.8]])
    (tmp_path / "oblique").mkdir()
    affines = {}
    for name, steps in {"thick": (1.0, 1.0, 6.5), "uneven": (0.9, 1.2, 3.0), "mirrored": (-1.0, 1.0, 3.0)}.items():
        affine = np.eye(4)
        affine[:3, :3], affine[:3, 3] = turn @ np.diag(steps), (-81.25, 17.5, 302.125)
        affines[name] = affine
        nibabel.save(nibabel.Nifti1Image(values, affine), tmp_path / "oblique" / f"{name}_0000.nii.gz")
    out = predict(trained, tmp_path / "oblique", out=tmp_path / "labels", device="cpu", progress=False)
    for name, affine in affines.items():
        stored = nibabel.load(out / f"{name}.nii.gz")
        assert stored.shape == values.shape
        assert np.allclose(stored.get_sform(), affine, atol=1e-3)
        assert np.allclose(stored.get_qform(), affine, atol=1e-3)
        assert np.allclose(stored.header.get_zooms(), np.linalg.norm(affine[:3, :3], axis=0), atol=1e-5)


def test_an_image_that_is_mostly_background_is_told(
    trained: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same volume in so wide a field of noise that its percentiles lie within the noise."""
    values = np.asarray(nibabel.load(images / "subject_06_0000.nii.gz").dataobj, dtype=np.float32)
    rng = np.random.default_rng(0)
    wide = rng.normal(values.min(), 0.01 * np.ptp(values), (240, 240, values.shape[2])).astype(np.float32)
    wide[:24, :24] = values
    (tmp_path / "wide").mkdir()
    for name, one in (("plain", values), ("wide", wide)):
        nibabel.save(nibabel.Nifti1Image(one, np.diag([1.0, 1, 3, 1])), tmp_path / "wide" / f"{name}_0000.nii.gz")
    predict(trained, tmp_path / "wide", out=tmp_path / "labels", device="cpu")
    told = [line for line in capsys.readouterr().err.splitlines() if "crop it" in line]
    assert len(told) == 1
    assert told[0].startswith("wide: brightness of MR0 is told apart from ")


def test_inputs_are_never_overwritten(trained: Path, images: Path) -> None:
    for out in (images, images.parent, trained, trained.parent):
        before = sorted(out.rglob("*"))
        with pytest.raises(UserError, match="which is read here"):
            predict(trained, images, out=out, overwrite=True, progress=False)
        assert sorted(out.rglob("*")) == before
    real = trained.parent / "discs"
    with pytest.raises(UserError, match="which is read here"):
        train_for_use(real, out=real, overwrite=True, progress=False)
    assert open_dataset(real).cases


def test_an_absurd_spacing_is_refused_and_an_unknown_one_is_no_millimetre(
    trained: Path, images: Path, tmp_path: Path
) -> None:
    values = np.asarray(nibabel.load(images / "subject_06_0000.nii.gz").dataobj)
    (tmp_path / "far").mkdir()
    nibabel.save(nibabel.Nifti1Image(values, np.diag([0.001, 0.001, 3, 1])), tmp_path / "far" / "a_0000.nii.gz")
    with pytest.raises(
        UserError, match=r"has a spacing of 0\.001 x 0\.001 x 3 mm, the segmenter was trained at 1 x 1 x 3 mm"
    ):
        predict(trained, tmp_path / "far", out=tmp_path / "out", progress=False)
    shutil.copytree(trained, tmp_path / "unknown")
    description = tmp_path / "unknown" / "segmenter.json"
    description.write_text(json.dumps({**json.loads(description.read_text()), "spacing": None}))
    nibabel.save(nibabel.Nifti1Image(values, np.diag([1.0, 1.0, 3.0, 1.0])), tmp_path / "far" / "a_0000.nii.gz")
    nibabel.save(nibabel.Nifti1Image(values, np.diag([0.2, 0.2, 3.0, 1.0])), tmp_path / "far" / "b_0000.nii.gz")
    out = predict(tmp_path / "unknown", tmp_path / "far", out=tmp_path / "out", device="cpu", progress=False)
    assert np.array_equal(written(out / "a.nii.gz"), written(out / "b.nii.gz"))


def test_other_sizes_and_spacings_are_segmented_on_their_own_grid(trained: Path, images: Path, discs_run: Path) -> None:
    """Half the spacing at twice the pixels shows the same; a wide image holds more than one window."""
    shutil.copy(images.parents[0] / "imagesTs" / "subject_06_0000.nii.gz", images.parent / "one.nii.gz")
    image = nibabel.load(images.parent / "one.nii.gz")
    values = np.asarray(image.dataobj)
    fine = np.repeat(np.repeat(values, 2, axis=0), 2, axis=1)
    nibabel.save(nibabel.Nifti1Image(fine, np.diag([0.5, 0.5, 3.0, 1.0])), images / "fine_0000.nii.gz")
    wide = np.concatenate([values] * 3, axis=1)
    nibabel.save(nibabel.Nifti1Image(wide, np.diag([1.0, 1.0, 3.0, 1.0])), images / "wide_0000.nii.gz")
    out = predict(trained, images, out=images.parent / "labels", device="cpu", progress=False)
    coarse, finer, wider = (written(out / f"{name}.nii.gz") for name in ("subject_06", "fine", "wide"))
    assert (coarse.shape, finer.shape, wider.shape) == ((24, 24, 3), (48, 48, 3), (24, 72, 3))
    assert (finer[::2, ::2] == coarse).mean() > 0.93
    dataset = open_dataset(discs_run.parent / "discs")
    truth = dataset.read_label(dataset.cases_of(["subject_06"])[0])
    for third in (coarse, *np.split(wider, 3, axis=1)):
        assert dice(third, truth, 1) > 0.5


def test_the_same_command_goes_on_and_another_is_refused(trained: Path, discs_run: Path, discs_synthetic: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*.safetensors")}
    call = {"out": trained, "size": SIZE, "steps": STEPS, "batch": 4, "device": "cpu", "progress": False}
    train_for_use(discs_run.parent / "discs", discs_synthetic, arm="100R+50F", **call)
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*.safetensors")} == before
    with pytest.raises(UserError, match=r"holds another segmenter \(synthetic"):
        train_for_use(discs_run.parent / "discs", **call)


def _no_images(images: Path) -> None:
    for path in images.iterdir():
        path.unlink()


def _no_number(images: Path) -> None:
    (images / "subject_06_0000.nii.gz").rename(images / "subject_06.nii.gz")


def _two_channels(images: Path) -> None:
    shutil.copy(images / "subject_06_0000.nii.gz", images / "subject_06_0001.nii.gz")


def _two_endings(images: Path) -> None:
    (images / "other_0000.png").write_bytes(b"")


def _flat(images: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((8, 8), np.float32), np.eye(4)), images / "subject_06_0000.nii.gz")


def _colour(images: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((8, 8, 4, 2), np.float32), np.eye(4)), images / "subject_06_0000.nii.gz")


def _wrong_record(images: Path) -> None:
    one = {"kind": "window", "low": 0.0, "high": 1.0}
    case = {"subject": "six", "intensity": [one, one]}
    (images.parent / "segmint.json").write_text(json.dumps({"format": 1, "cases": {"subject_06": case}}))


def _damaged(images: Path) -> None:
    path = images / "subject_07_0000.nii.gz"
    path.write_bytes(path.read_bytes()[:200])


def _not_a_number(images: Path) -> None:
    values = np.full((8, 8, 4), np.nan, np.float32)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), images / "subject_07_0000.nii.gz")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_no_images, "holds no images"),
        (_no_number, "has no channel number"),
        (_two_channels, "has 2 channels of subject_06 where the segmenter takes 1"),
        (_two_endings, "holds .nii.gz and .png files"),
        (_flat, "is 2-D, but the segmenter was trained on 3-D images"),
        (_colour, "holds 2 channels where the segmenter takes 1 in a file"),
        (_wrong_record, "records 2 intensity maps"),
        (_damaged, "subject_07_0000.nii.gz"),
        (_not_a_number, "holds NaN"),
    ],
)
def test_wrong_images_are_told_in_one_sentence_and_nothing_is_written(
    trained: Path, images: Path, spoil: Callable[[Path], None], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(images)
    out = images.parent / "labels"
    assert main(["segment", "predict", str(trained), str(images), "--out", str(out), "--device", "cpu"]) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("segmint: ")
    assert said in message
    assert not out.exists()


def test_what_is_no_segmenter_is_refused(trained: Path, images: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no finished segmenter"):
        predict(images, images, out=tmp_path / "out")
    shutil.copytree(trained, tmp_path / "copy")
    description = tmp_path / "copy" / "segmenter.json"
    said = json.loads(description.read_text())
    description.write_text(json.dumps({**said, "scale": -1}))
    with pytest.raises(UserError, match=r"segmenter\.json is not valid"):
        predict(tmp_path / "copy", images, out=tmp_path / "out")
    description.write_text(json.dumps({**said, "axis": None}))
    with pytest.raises(UserError, match="do not fit one another"):
        predict(tmp_path / "copy", images, out=tmp_path / "out")
    description.write_text(json.dumps(said))
    (tmp_path / "copy" / TRAINING / "config.json").write_text("{}")
    with pytest.raises(UserError, match="is not the configuration of a run"):
        predict(tmp_path / "copy", images, out=tmp_path / "out")
    (tmp_path / "exists").mkdir()
    (tmp_path / "exists" / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="exists already"):
        predict(trained, images, out=tmp_path / "exists")


def test_the_command_line_trains(discs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "segment",
        "train",
        str(discs),
        "--out",
        str(tmp_path / "model"),
        "--size",
        "32",
        "--steps",
        "2",
        "--batch",
        "2",
    ]
    assert main([*words, "--device", "cpu", "--set", "width=4"]) == 0
    assert capsys.readouterr().out.endswith(f"Segmenter: {tmp_path / 'model'}\n")
    config = json.loads((tmp_path / "model" / TRAINING / "config.json").read_text())
    assert config["settings"]["width"] == 4
    assert main([*words, "--arm", "100R+300F"]) == 2
