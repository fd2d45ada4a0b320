"""The section on alignment: what it finds and says, its table, its picture, and one segmenter trained for real."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from segmint.cli.main import main
from segmint.data.cache import cache_root
from segmint.data.dataset import open_dataset
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.evaluation.alignment_audit import alignment_table, see_alignment
from segmint.evaluation.alignment_findings import duration_sentence
from segmint.evaluation.evaluate import evaluate
from segmint.evaluation.evidence import open_evidence
from segmint.outputs import read_json
from segmint.reference.cross_fitted import Fitted

DESCRIBED = {"recipe": "unet", "steps": 9, "batch": 16}


def one_of(segmenter: Any) -> list[Fitted]:
    """A segmenter that stands for one which has learned from all training subjects."""
    return [Fitted(segmenter, frozenset(), frozenset())]


def seen(real: Path, synthetic: Path, folder: Path, segmenter: Any, **options: Any) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    evidence = open_evidence(real, synthetic, **{"holdout": None, "size": 16, "axis": None, "device": "cpu", **options})
    return see_alignment(evidence, folder, one_of(segmenter), described=DESCRIBED)


def shown(section: dict[str, Any], width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), legacy_windows=False)
    console.print(alignment_table(section))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


class Moved:
    """Sees everything a few pixels further down in synthetic images, of which it is told how many there are."""

    def __init__(self, segmenter: Any, synthetic: int, pixels: int = 3) -> None:
        self.segmenter, self.left, self.pixels = segmenter, synthetic, pixels

    def predict(self, images: Any) -> Any:
        labels, probabilities = self.segmenter.predict(images)
        if self.left > 0:
            self.left -= len(images)
            labels = np.roll(labels, self.pixels, axis=1)
        return labels, probabilities


def test_masks_that_follow_their_images(real: Path, synthetic: Path, study: Any, tmp_path: Path) -> None:
    section = seen(real, synthetic, tmp_path, study.threshold())
    assert section["findings"] == section["notes"] == []
    assert section["sentences"][-1] == "The masks of organ and tumour follow the images, as far as this shows."
    held = len(study.validation) + len(study.test)
    assert section["held_out"] == {"slices": held * study.depth, "shown": held * study.depth, "subjects": held}
    assert section["held_out_of"] == "other subjects"
    assert section["segmenter"] == {
        **DESCRIBED,
        "cross_fitted": 1,
        "slices": study.real_slices,
        "subjects": len(study.train),
    }
    text = shown(section)
    assert "mean" in text
    assert "nan" not in text
    assert "…" not in text


def test_masks_off_their_images_are_named(real: Path, synthetic: Path, study: Any, tmp_path: Path) -> None:
    section = seen(real, synthetic, tmp_path, Moved(study.threshold(), 3 * study.real_slices))
    (finding,) = section["findings"]
    assert finding["code"] == "masks off the images"
    assert "organ" in finding["message"]
    assert "tumour" in finding["message"]
    assert "masks off the images" in shown(section)
    assert not any("follow" in sentence for sentence in section["sentences"])


def test_pairs_easier_than_real_ones_are_a_note(real: Path, study: Any, tmp_path: Path) -> None:
    easy = study.write_synthetic(tmp_path / "easy", study.provenance(open_dataset(real)), pairs=40)

    class Spoilt:
        """Right on the synthetic images, which come first; misses a third of what is in real ones."""

        def __init__(self) -> None:
            self.left = 40

        def predict(self, images: Any) -> Any:
            labels, probabilities = study.threshold().predict(images)
            if self.left <= 0:
                labels[:, ::3] = 0
            self.left -= len(images)
            return labels, probabilities

    section = seen(real, easy, tmp_path / "out", Spoilt())
    assert section["findings"] == []
    assert any("easier than real ones" in note for note in section["notes"])


def test_no_yardstick_no_judgement(real: Path, synthetic: Path, study: Any, tmp_path: Path) -> None:
    whole = study.write_real(tmp_path / "whole", split=None)
    section = seen(whole, study.write_synthetic(tmp_path / "drawn", None, pairs=9), tmp_path / "a", study.threshold())
    assert section["mean"]["ratio"] is None
    assert section["held_out"] is None
    assert section["findings"] == []
    assert "no held-out real subjects" in section["notes"][0]
    assert "–" in shown(section)
    blind = seen(real, synthetic, tmp_path / "b", study.threshold(shift=5.0))
    assert blind["mean"]["ratio"] == {"value": None, "interval": [None, None]}
    assert blind["findings"] == []
    assert sum("too little to judge by" in note for note in blind["notes"]) == 2


def test_without_held_out_subjects_each_segmenter_is_shown_the_training_subjects_it_has_not_seen(
    study: Any, tmp_path: Path
) -> None:
    whole = study.write_real(tmp_path / "whole", split=None)
    drawn = study.write_synthetic(tmp_path / "drawn", None, pairs=9)
    evidence = open_evidence(whole, drawn, holdout=None, size=16, axis=None, device="cpu")
    subjects = sorted(set(evidence.training.subjects))
    halves = frozenset(subjects[::2]), frozenset(subjects[1::2])

    class Watched:
        """Counts the images it is shown."""

        def __init__(self) -> None:
            self.shown = 0

        def predict(self, images: Any) -> Any:
            self.shown += len(images)
            return study.threshold().predict(images)

    watched = [Watched(), Watched()]
    fitted = [Fitted(one, halves[1 - i], halves[i]) for i, one in enumerate(watched)]
    section = see_alignment(evidence, tmp_path, fitted, described=DESCRIBED)
    assert section["held_out"] == {
        "slices": len(subjects) * study.depth,
        "shown": len(subjects) * study.depth,
        "subjects": len(subjects),
    }
    assert section["held_out_of"] == "training subjects"
    assert section["mean"]["ratio"]["value"] == pytest.approx(1, abs=0.05)
    assert "each shown to the segmenter that has not learned from it" in section["notes"][0]
    assert section["sentences"][0].startswith("2 segmenters (unet, 9 steps) learned from")
    # The nine synthetic ones, and the picture's by the first alone.
    assert watched[1].shown == 9 + len(halves[1]) * study.depth


def test_absent_labels_are_null_and_a_dash(real: Path, study: Any, tmp_path: Path) -> None:
    made = study.provenance(open_dataset(real))
    few = study.write_synthetic(tmp_path / "few", made, pairs=6)

    evidence = open_evidence(real, few, holdout=None, size=16, axis=None, device="cpu")
    emptied = np.where(np.asarray(evidence.synthetic.slices.labels) == 2, 1, evidence.synthetic.slices.labels)
    evidence.synthetic.slices.labels = emptied.astype(np.uint8)
    section = see_alignment(evidence, tmp_path, one_of(study.threshold()), described=DESCRIBED)
    assert section["labels"]["tumour"]["synthetic"] == {"dice": None, "interval": [None, None]}
    assert "tumour is in none of the synthetic masks." in section["notes"]
    assert "–" in shown(section)
    evidence.synthetic.slices.labels = np.zeros_like(emptied, dtype=np.uint8)
    section = see_alignment(evidence, tmp_path, one_of(study.threshold()), described=DESCRIBED)
    assert section["picture"] is None
    assert section["examples"] == []


def test_the_picture_shows_image_given_mask_and_seen_mask(real: Path, study: Any, tmp_path: Path) -> None:
    made = study.provenance(open_dataset(real))
    many = study.write_synthetic(tmp_path / "many", made, pairs=30)
    section = seen(real, many, tmp_path, study.threshold(shift=0.1))
    with Image.open(tmp_path / section["picture"]) as picture:
        rows = np.asarray(picture).astype(int)
    assert rows.shape == (3 * 132, 8 * 132 + 8, 3)
    assert [example["kind"] for example in section["examples"]] == ["lowest"] * 4 + ["median"] * 4
    found = [example["dice"] for example in section["examples"]]
    assert found[:4] == sorted(found[:4])
    assert max(found[:4]) <= min(found[4:])
    coloured = (np.ptp(rows, axis=2) > 0).reshape(3, 132, -1)
    assert not coloured[0].any()
    for place, example in enumerate(section["examples"]):
        left = place * 132 + 8 * (place > 3)
        given, predicted = coloured[1:, :, left : left + 132]
        overlap = 2 * (given & predicted).sum() / (given.sum() + predicted.sum())
        assert overlap >= example["dice"] - 1e-9


def test_other_channels_are_refused(real: Path, study: Any, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    writer = DatasetWriter(other, name="other", channel_names=("T2",), label_names=study.labels, file_ending=".nii.gz")
    image, label = np.zeros((1, 14, 13, 1), np.float32), np.ones((14, 13, 1), np.uint8)
    image[0, :5] = 1
    writer.add("one", image, label, subject="one", spacing=(1.0, 1.0, 3.0))
    writer.finish()
    with pytest.raises(UserError, match="differ in their channels"):
        evaluate(real, other, out=tmp_path / "out", size=16, alignment=True, steps=2, device="cpu", progress=False)
    assert not (tmp_path / "out").exists()


def test_a_segmenter_is_trained_once_for_all_evaluations(real: Path, synthetic: Path, tmp_path: Path) -> None:
    sections, logs = [], []
    for name in ("a", "b"):
        evaluate(real, synthetic, out=tmp_path / name, size=16, alignment=True, steps=20, device="cpu", progress=False)
        sections.append(read_json(tmp_path / name / "evaluation.json")["alignment"])
        found = sorted((cache_root() / "segmenters").glob("*/log.jsonl"))
        assert len(found) == 2, "one for each half of the training subjects"
        logs.append([(log.stat().st_mtime_ns, log.read_text()) for log in found])
    durations = [section.pop("seconds") for section in sections]
    assert sections[0] == sections[1]
    assert logs[0] == logs[1]
    assert durations[0]["training"] == durations[1]["training"] > 0
    assert all(one["measuring"] > 0 for one in durations)
    assert duration_sentence(sections[0]) == []
    said = shown(sections[0] | {"seconds": {"training": 184.2, "measuring": 0.4}}, width=400)
    assert "Training took 184 s, once for all" in said
    assert "that are trained, less than a second." in said
    assert sections[0]["segmenter"]["steps"] == 20
    assert sections[0]["mean"]["holdout"]["dice"] > 0.4
    assert sections[0]["mean"]["ratio"]["value"] == pytest.approx(1, abs=0.25)
    assert (tmp_path / "a" / "alignment.png").is_file()


def test_wrong_use_is_one_sentence(
    real: Path, synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with pytest.raises(UserError, match="at least 1 is needed"):
        evaluate(real, synthetic, out=out, alignment=True, steps=0, progress=False)
    assert main(["evaluate", str(real), str(synthetic), "--out", str(out), "--steps", "5"]) == 2
    assert "--steps is for the segmenter of --alignment" in capsys.readouterr().err
    assert not out.exists()
