"""The section on privacy: planted copies are named, new images are not, and what too few images allow to say."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from scipy import ndimage

from segmint.cli.main import main
from segmint.data.dataset import open_dataset
from segmint.data.intensity import IntensityMap
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.evaluation import evidence, held_out_copies
from segmint.evaluation.evidence import open_evidence
from segmint.evaluation.privacy_audit import PAIRS, audit_privacy
from segmint.evaluation.privacy_shown import privacy_table
from segmint.outputs import read_json

SIZE, EACH, TRAIN, HELD, MADE, PLANTED = 32, 4, 10, 26, 24, 5
WINDOW = [IntensityMap("window", -1.0, 1.0)]


def picture(generator: np.random.Generator) -> tuple[Any, Any]:
    smooth = ndimage.gaussian_filter(generator.normal(size=(SIZE, SIZE)), 1.5)
    label = np.zeros((SIZE, SIZE), dtype=np.uint8)
    label[8:16, 8:20] = 1
    return np.clip(smooth / smooth.std() / 3, -1, 1).astype(np.float32)[None], label


def write(
    folder: Path, cases: list[tuple[str, Any]], *, split: Split | None = None, made: Any = None, alone: Any = ()
) -> Path:
    folder.mkdir(parents=True)
    options = {"name": "study", "channel_names": ("T1",), "label_names": ("background", "organ")}
    writer = DatasetWriter(folder, **options, file_ending=".nii.gz", provenance=made)
    for number, (subject, (image, label)) in enumerate(cases):
        writer.add(f"case_{number:04d}", image, label, subject=subject, intensity=WINDOW)
    for number, (subject, (image, _)) in enumerate(alone):
        writer.add(f"alone_{number:04d}", image, None, subject=subject, intensity=WINDOW)
    writer.finish(split=split)
    return folder


@pytest.fixture(scope="module")
def sets(study: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A real dataset; a new synthetic set; the same with the first images replaced by turned, recoloured training images."""
    folder, generator = tmp_path_factory.mktemp("privacy"), np.random.default_rng(0)
    subjects = [f"s{number:02d}" for number in range(TRAIN + HELD) for _ in range(EACH)]
    cases = [(subject, picture(generator)) for subject in subjects]
    names = list(dict.fromkeys(subjects))
    real = write(folder / "real", cases, split=Split(tuple(names[:TRAIN]), (), tuple(names[TRAIN:])))
    made = study.provenance(open_dataset(real), labels_seen=names[:TRAIN], images_seen=names[:TRAIN], selected_on=())
    fakes = [(f"f{number:02d}", picture(generator)) for number in range(MADE)]
    copies = [
        (name, (np.rot90(image, 1, (1, 2)) * 0.8 + 0.1, label))
        for (name, _), (_, (image, label)) in zip(fakes, cases[::EACH][:PLANTED], strict=False)
    ]
    # Four images of each of five further subjects and of one that trained; of one held-out subject and of a stranger.
    extra = [f"u{number}" for number in range(PLANTED)]
    whose = [*(subject for subject in (*extra, names[0]) for _ in range(EACH)), names[TRAIN], "stranger"]
    alone = [(subject, picture(generator)) for subject in whose]
    taught = study.provenance(
        open_dataset(real), labels_seen=names[:TRAIN], images_seen=[*names[:TRAIN], *extra], selected_on=()
    )
    of_alone = [
        (name, (np.rot90(image, 1, (1, 2)) * 0.8 + 0.1, label))
        for (name, (_, label)), (_, (image, _)) in zip(fakes, alone[::EACH][:PLANTED], strict=False)
    ]
    last = names[TRAIN:]
    swapped = write(folder / "swapped", cases, split=Split(tuple(last), (), tuple(names[:TRAIN])))
    of_last = study.provenance(open_dataset(swapped), labels_seen=last, images_seen=last, selected_on=())
    few = study.provenance(
        open_dataset(real), labels_seen=names[PLANTED:TRAIN], images_seen=names[:TRAIN], selected_on=()
    )
    return {
        "real": real,
        "real and alone": write(
            folder / "alone", cases, split=Split(tuple(names[:TRAIN]), (), tuple(names[TRAIN:])), alone=alone
        ),
        "leaky of alone": write(folder / "leaky-alone", of_alone + fakes[PLANTED:], made=taught),
        "few labels": write(folder / "few", copies + fakes[PLANTED:], made=few),
        # Trained on those who were held out, of whom there are enough for a threshold; the copies are of the others.
        "swapped": swapped,
        "leaky of held-out": write(folder / "leaky-held", copies + fakes[PLANTED:], made=of_last),
        "new of swapped": write(folder / "new-swapped", fakes, made=of_last),
        "new": write(folder / "new", fakes, made=made),
        "leaky": write(folder / "leaky", copies + fakes[PLANTED:], made=made),
        # The same patients under other names, and one image of a training subject among them.
        "held again": write(
            folder / "again",
            [(f"other {name}", pair) for name, pair in cases[TRAIN * EACH :]] + [("twin", cases[0][1])],
        ),
        "all trained": write(folder / "trained", [(f"other {name}", pair) for name, pair in cases[: TRAIN * EACH]]),
    }


def audited(real: Path, synthetic: Path, folder: Path, learner: Any = None, **options: Any) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    found = open_evidence(real, synthetic, **{"holdout": None, "size": SIZE, "axis": None, "device": "cpu", **options})
    return audit_privacy(found, folder, learner=learner)


def shown(section: dict[str, Any], width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), legacy_windows=False)
    console.print(privacy_table(section))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_a_segmenter_remembers_of_training_images_does_not_count(
    sets: dict[str, Path], study: Any, tmp_path: Path
) -> None:
    found = []
    for by in (0.0, 5.0):
        learner = SimpleNamespace(cross_fitted=lambda evidence, by=by: study.remembering(evidence, by=by))
        found.append(audited(sets["real"], sets["new"], tmp_path, learner)["features"])
    assert set(found[0]) == {"random network", "segmenter"}
    assert found[0]["segmenter"]["copies"]["count"] <= 2
    assert found[0] == found[1]


def test_planted_copies_are_named_and_drawn(sets: dict[str, Path], tmp_path: Path) -> None:
    section = audited(sets["real"], sets["leaky"], tmp_path)
    assert section["findings"][0]["code"] == "copies of training images"
    assert section["pixels"]["copies"]["count"] == pytest.approx(PLANTED, abs=1)
    assert section["pixels"]["excess"]["interval"][0] > 0
    assert section["held_out"] == {"slices": HELD * EACH, "shown": HELD * EACH, "subjects": HELD}
    first = section["nearest"][:PLANTED]
    assert {one["subject"] for one in first} == {f"s{number:02d}" for number in range(PLANTED)}
    assert all(one["copy"] and one["similarity"] > 0.9 > one["other"] for one in first)
    assert len(section["nearest"]) == PAIRS
    with Image.open(tmp_path / section["picture"]) as drawn:
        pixels = np.asarray(drawn).astype(int)
    assert pixels.shape == (6 * 132 + 16, 10 * 132, 3)
    aligned, below = (pixels[row * 132 + 10 : row * 132 + 122, 10:122] for row in (1, 2))
    assert np.corrcoef(aligned.ravel(), below.ravel())[0, 1] > 0.9
    text = shown(section)
    assert "aligned pixels" in text
    assert "copies of training images" in text
    assert not any(word in text for word in ("nan", "None", "…"))


def test_a_patient_who_trained_does_not_make_copies_usual(sets: dict[str, Path], tmp_path: Path) -> None:
    section = audited(sets["real"], sets["leaky"], tmp_path, holdout=sets["held again"])
    assert section["held_out_twins"] == ["twin"]
    assert section["held_out"]["subjects"] == HELD
    found = {one["code"]: one["message"] for one in section["findings"]}
    assert (
        "1 subject taken for held-out has an image that is a training image: twin, unless images are so plain"
        in found["held-out patients who trained"]
    )
    assert section["pixels"]["copies"]["count"] == pytest.approx(PLANTED, abs=1)
    assert "copies of training images" in found


def test_without_new_patients_exact_copies_are_found_all_the_same(sets: dict[str, Path], tmp_path: Path) -> None:
    section = audited(sets["real"], sets["leaky"], tmp_path, holdout=sets["all trained"])
    assert section["held_out"] is None
    assert section["pixels"]["threshold"] is None
    assert len(section["held_out_twins"]) == TRAIN
    found = {one["code"]: one["message"] for one in section["findings"]}
    assert f"and {TRAIN - 5} more" in found["held-out patients who trained"]
    assert section["identical"] == pytest.approx(PLANTED, abs=1)
    assert found["copies of training images"].startswith(
        f"{section['identical']} of {MADE} synthetic images are a training image"
    )
    assert any("median similarity" in sentence for sentence in section["sentences"])


@pytest.mark.parametrize("threshold", [True, False])
def test_copies_of_held_out_subjects_are_named(
    sets: dict[str, Path], tmp_path: Path, threshold: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not threshold:
        monkeypatch.setattr(held_out_copies, "_YARDSTICK", 60)
    section = audited(sets["swapped"], sets["leaky of held-out"], tmp_path)
    found = section["held_out_copies"]
    assert found["held_out"] == {"slices": TRAIN * EACH, "subjects": TRAIN}
    assert (found["threshold"] is not None) == threshold
    assert {one["subject"] for one in found["copied"]} == {f"s{number:02d}" for number in range(PLANTED)}
    assert all(one["images"] == 1 and one["similarity"] > 0.99 for one in found["copied"])
    assert [one["code"] for one in section["findings"]] == ["copies of held-out images"]
    assert "s00 (1 image), s01 (1 image)" in section["findings"][0]["message"]


def test_new_images_and_copies_of_training_images_are_no_copies_of_held_out_ones(
    sets: dict[str, Path], tmp_path: Path
) -> None:
    for real, synthetic in (("swapped", "new of swapped"), ("real", "leaky")):
        section = audited(sets[real], sets[synthetic], tmp_path)
        assert section["held_out_copies"]["copied"] == []
        assert "copies of held-out images" not in {one["code"] for one in section["findings"]}


def test_copies_of_images_seen_without_labels_are_found_too(sets: dict[str, Path], tmp_path: Path) -> None:
    section = audited(sets["real"], sets["few labels"], tmp_path)
    assert section["training"]["subjects"] == TRAIN
    assert section["held_out"]["subjects"] == HELD, "who was seen is no yardstick"
    assert section["pixels"]["copies"]["count"] == pytest.approx(PLANTED, abs=1)
    assert {one["subject"] for one in section["nearest"][:PLANTED]} == {f"s{number:02d}" for number in range(PLANTED)}
    assert any(f"Of {PLANTED} training subjects" in note for note in section["notes"])


def test_copies_of_images_without_a_mask_are_found_and_drawn(sets: dict[str, Path], tmp_path: Path) -> None:
    section = audited(sets["real and alone"], sets["leaky of alone"], tmp_path)
    searched = (PLANTED + 1) * EACH
    assert section["training"]["unlabelled_slices"] == searched
    assert section["training"]["slices"] == TRAIN * EACH + searched
    assert section["held_out"] == {"slices": HELD * EACH, "shown": HELD * EACH, "subjects": HELD}
    assert section["findings"][0]["code"] == "copies of training images"
    assert section["pixels"]["copies"]["count"] == pytest.approx(PLANTED, abs=1)
    first = section["nearest"][:PLANTED]
    assert {(one["subject"], one["unlabelled"]) for one in first} == {(f"u{i}", True) for i in range(PLANTED)}
    assert {one["training"] for one in first} == {f"alone_{EACH * i:04d}" for i in range(PLANTED)}
    assert all(one["copy"] and one["similarity"] > 0.9 > one["other"] for one in first)
    with Image.open(tmp_path / section["picture"]) as drawn:
        pixels = np.asarray(drawn).astype(int)
    aligned, below = (pixels[row * 132 + 10 : row * 132 + 122, 10:122] for row in (1, 2))
    assert np.corrcoef(aligned.ravel(), below.ravel())[0, 1] > 0.9
    # Whose images alone were seen trained too; one with images of both kinds is one subject.
    assert section["membership"]["subjects"] == {"training": TRAIN + PLANTED, "held_out": HELD}
    notes = " ".join(section["notes"])
    assert f"Of {PLANTED} training subjects the generator saw images without labels" in notes
    assert f"{searched} images without a mask are among the training images." in notes
    assert "2 images without a mask are in the real dataset, but the generator has not seen them" in notes


def test_images_without_a_mask_that_were_not_seen_change_nothing(sets: dict[str, Path], tmp_path: Path) -> None:
    """Here the run says that it left out those of the one subject that has labelled images too."""
    alone = [audited(sets["real"], sets["leaky"], tmp_path)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence, "generator_runs", lambda _: [{"unlabelled_slices": None}])
        alone.append(audited(sets["real and alone"], sets["leaky"], tmp_path))
    without, beside = ({key: value for key, value in one.items() if key != "notes"} for one in alone)
    assert without == beside
    assert "26 images without a mask are in the real dataset, but" in " ".join(alone[1]["notes"])


def test_other_channels_are_one_sentence(sets: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    writer = DatasetWriter(
        folder, name="two", channel_names=("T1", "T2"), label_names=("background", "organ"), file_ending=".nii.gz"
    )
    image, label = picture(np.random.default_rng(1))
    writer.add("case", np.concatenate([image, image]), label, subject="other", intensity=WINDOW * 2)
    writer.finish()
    with pytest.raises(UserError, match=r"differ in their channels \(T1 against T1, T2\)"):
        audited(sets["real"], folder, tmp_path / "out")


def test_new_images_are_no_copies(sets: dict[str, Path], tmp_path: Path) -> None:
    section = audited(sets["real"], sets["new"], tmp_path)
    assert section["findings"] == []
    assert section["pixels"]["copies"]["count"] == 0
    # A share of 0.01 is promised; of 52 images that is two with a chance of one in ten.
    assert section["pixels"]["false_positives"]["count"] <= 2
    # None of 24 still allows for 12% (1 - 0.05^(1/24)).
    assert 0.05 < section["pixels"]["excess"]["interval"][1] < 0.15
    assert "no guarantee" in section["notes"][0]


def test_too_few_held_out_images_give_the_ranking_only(real: Path, synthetic: Path, tmp_path: Path) -> None:
    section = audited(real, synthetic, tmp_path, size=16)
    assert section["pixels"]["threshold"] is None
    assert section["features"]["random network"]["threshold"] is None
    assert len(section["nearest"]) == PAIRS
    assert {one["copy"] for one in section["nearest"]} == {None}
    assert any("only the ranking" in note for note in section["notes"])
    assert "–" in shown(section)


def test_without_held_out_data(study: Any, tmp_path: Path) -> None:
    whole = study.write_real(tmp_path / "whole", split=None)
    section = audited(whole, study.write_synthetic(tmp_path / "drawn", None, pairs=9), tmp_path / "out", size=16)
    assert section["held_out"] is None
    assert section["membership"] is None
    assert len(section["nearest"]) == 9
    assert any("no held-out real images" in note for note in section["notes"])


def test_it_is_part_of_an_evaluation_unless_switched_off(
    real: Path, synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, flags in (("with", []), ("without", ["--no-privacy"])):
        out = tmp_path / name
        assert main(["evaluate", str(real), str(synthetic), "--size", "16", "--out", str(out), *flags]) == 0
        assert ("privacy" in read_json(out / "evaluation.json")) == (out / "privacy.png").exists() == (not flags)
        assert ("no guarantee" in " ".join(capsys.readouterr().out.split())) == (not flags)


def blob(generator: np.random.Generator) -> tuple[Any, Any]:
    """A bright ellipse in next to no noise: all of them are alike once stretched onto each other."""
    y, x = np.mgrid[:SIZE, :SIZE]
    (cy, cx), (a, b) = generator.uniform(12, 20, 2), generator.uniform(6, 9, 2)
    inside = ((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 < 1
    image = ndimage.gaussian_filter(inside.astype(float), 1) + generator.normal(0, 0.01, (SIZE, SIZE))
    return np.clip(image - 0.5, -1, 1).astype(np.float32)[None], inside.astype(np.uint8)


def test_plain_images_are_neither_copies_nor_a_leak(study: Any, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    names = [f"s{number:02d}" for number in range(20)]
    cases = [(name, blob(generator)) for name in names for _ in range(2)]
    real = write(tmp_path / "real", cases, split=Split(tuple(names[:10]), (), tuple(names[10:])))
    made = study.provenance(open_dataset(real), labels_seen=names[:10], images_seen=names[:10], selected_on=())
    fakes = write(tmp_path / "fakes", [(f"f{number:02d}", blob(generator)) for number in range(MADE)], made=made)
    section = audited(real, fakes, tmp_path / "out")
    assert section["identical"] > MADE / 4
    assert section["identical_by_chance"]
    assert section["held_out_copies"]["identical"]
    assert section["held_out_copies"]["identical_by_chance"]
    assert section["held_out_copies"]["copied"] == []
    assert section["held_out_twins"] == []
    assert section["held_out_alike"] > 5
    assert section["plainness"]["alike"] > 5
    assert section["findings"] == []
    assert "exact copies cannot be told" in " ".join(section["notes"])
