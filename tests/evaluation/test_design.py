from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import pytest
from nibabel.orientations import io_orientation

from segmint.data.dataset import open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.data.split import make_split
from segmint.errors import UserError
from segmint.evaluation.arms import DEFAULT_ARMS
from segmint.evaluation.budget import BATCH, default_steps
from segmint.evaluation.design import Design, design_trial
from segmint.outputs import read_json, write_json


def designed(real: Path, synthetic: list[Path], **options: Any) -> Design:
    chosen: dict[str, Any] = {
        "size": 16, "axis": None, "arms": None, "seeds": 5, "steps": None, "batch": None, "segmenter": "unet",
        "subset": None, "real_slices": None, "device": "cpu", "demonstration": False,
    }  # fmt: skip
    return design_trial(real, synthetic, **{**chosen, **options})


def test_defaults(real: Path, synthetic: Path, study: Any) -> None:
    design = designed(real, [synthetic], size=None)
    assert [arm.name for arm in design.arms] == list(DEFAULT_ARMS)
    assert (design.seeds, design.batch, design.steps) == (5, BATCH, default_steps(32))
    assert design.regime.slices.size == 32
    assert design.regime.split == study.split
    assert design.notes == ("fakes: its checkpoint was selected on 2 validation subjects of this dataset.",)


def test_settings_name_all_that_decides_and_no_place(real: Path, synthetic: Path) -> None:
    settings = designed(real, [synthetic]).settings()
    assert {
        "dataset",
        "split",
        "synthetic",
        "checkpoints",
        "size",
        "arms",
        "seeds",
        "steps",
        "batch",
    } <= settings.keys()
    assert str(real.parent) not in str(settings)


def test_a_segmenter_as_published_and_its_width_are_settings(real: Path) -> None:
    design = designed(real, [], arms="100R", size=32, segmenter="segan", segmenter_preset="faithful")
    assert (design.segmenter_preset, design.segmenter_capacity) == ("faithful", "small")
    told = designed(real, [], arms="100R", segmenter_capacity="full").settings()
    assert (told["segmenter_preset"], told["segmenter_capacity"]) == ("repaired", "full")


def test_steps_govern_every_part_of_a_segmenter(tmp_path: Path, study: Any) -> None:
    real = study.write_real(tmp_path / "real")
    design = designed(real, [], arms="100R", size=32, segmenter="semanticgan", steps=50, batch=4)
    assert design.segmenter_settings == {"encoder_kimg": "0.2"}
    assert (
        "Each semanticgan is trained in 2 parts, one after the other: pairs 50 steps, encoder 50 steps." in design.notes
    )
    own = designed(
        real,
        [],
        arms="100R",
        size=32,
        segmenter="semanticgan",
        steps=50,
        batch=4,
        segmenter_settings={"encoder_kimg": "0.4"},
    )
    assert own.settings()["segmenter_settings"] == {"encoder_kimg": "0.4"}
    assert any("pairs 50 steps, encoder 100 steps" in note for note in own.notes)
    assert not any("parts" in note for note in designed(real, [], arms="100R").notes)


def test_a_subset_drawn_anew_under_its_name_is_another_trial(tmp_path: Path, study: Any) -> None:
    real = study.write_real(tmp_path / "real")
    first = designed(real, [], arms=["100R"], subset="2").settings()
    assert designed(real, [], arms=["100R"], subset="2").settings() == first
    sidecar = read_json(real / "segmint.json")
    sidecar["subsets"]["2"]["subjects"] = study.train[3:5]
    write_json(real / "segmint.json", sidecar)
    second = designed(real, [], arms=["100R"], subset="2").settings()
    assert second["dataset"] == first["dataset"]
    assert {key for key in first if first[key] != second[key]} == {"training"}


def test_volumes_that_lie_differently_are_told(tmp_path: Path, study: Any) -> None:
    real = study.write_real(tmp_path / "real")
    told = "orientations"
    assert not any(told in note for note in designed(real, [], arms=["100R"]).notes)
    # Two subjects stored as most scanners do not: the same anatomy, axes in another order.
    for subject in study.train[:2]:
        for path in (real / "imagesTr" / f"case_{subject}_0000.nii.gz", real / "labelsTr" / f"case_{subject}.nii.gz"):
            image = nibabel.load(path)
            turned = image.as_reoriented(io_orientation(image.affine)[[2, 1, 0]])
            nibabel.save(turned, path)
    (note,) = (note for note in designed(real, [], arms=["100R"]).notes if told in note)
    assert note.startswith("Volumes are stored in 2 orientations (RAS: 21, SAR: 2)")
    assert "slices of different planes" in note
    assert note in inspect_dataset(real)["remarks"]


def test_size_axis_and_split_come_from_the_generators_run(tmp_path: Path, study: Any, discs_run: Path) -> None:
    bare = study.write_real(tmp_path / "bare", split=None)
    dataset, run = open_dataset(bare), tmp_path / "run"
    run.mkdir()
    parts = {"train": study.train, "validation": study.validation, "test": study.test}
    config = read_json(discs_run / "config.json") | {"size": 16, "axis": 2, "split": parts}
    config["dataset"] |= {"identity": dataset.identity, "dimensions": 3}
    config["grid"]["spacing"] = [1.0, 1.0, 1.0]
    write_json(run / "config.json", config)
    fakes = study.write_synthetic(tmp_path / "fakes", study.provenance(dataset, run=str(run)), pairs=45)
    design = designed(bare, [fakes], size=None)
    assert (design.regime.slices.size, design.regime.slices.axis) == (16, 2)
    assert design.regime.split == study.split
    assert "the generator's run" in design.notes[0]


def test_seeded_split_where_there_is_none(tmp_path: Path, study: Any) -> None:
    bare = study.write_real(tmp_path / "bare", split=None)
    design = designed(bare, [], arms=["100R"])
    assert design.regime.split == make_split(open_dataset(bare).subjects, seed=0)
    assert "seed 0" in design.notes[0]


def test_notes_tell_what_a_reader_must_know(real: Path, synthetic: Path, tmp_path: Path, study: Any) -> None:
    second = study.write_synthetic(
        tmp_path / "second", study.provenance(open_dataset(real), run="run2", checkpoint="d00d"), pairs=45, seed=8
    )
    notes = " ".join(designed(real, [synthetic, second], arms="50R,50R+100F", seeds=2).notes)
    assert "2 synthetic sets of 2 generators" in notes
    assert "50R+100F: the generator has learned from real slices" in notes
    assert "With 2 seeds" in notes
    assert "With one seed" in " ".join(designed(real, [], arms="100R", seeds=1).notes)
    assert "Only some slices" in " ".join(designed(real, [synthetic], arms="100R+100F", real_slices=14).notes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 0}, "--seeds 0"),
        ({"steps": 0}, "--steps 0"),
        ({"batch": -1}, "--batch -1"),
        ({"segmenter": "joint-stylegan2"}, "gives no segmenter"),
        ({"augment": ["mixup"]}, "--augment mixup: "),
        ({"surface_tolerance": -1.0}, "--surface-tolerance -1: give millimetres"),
        ({"segmenter_preset": "mended"}, "--segmenter-preset mended: unet has repaired, faithful"),
        ({"segmenter_capacity": "wide"}, "--segmenter-capacity wide: unet has small, full"),
        ({"segmenter_settings": {"augment": "flips"}}, "--set augment: .* chosen with --augment"),
        ({"segmenter_settings": {"depth": "3"}}, "--set depth"),
        ({"segmenter": "segan", "segmenter_settings": {"target": "edges"}}, "--set target"),
        ({"arms": ["100R+400F"]}, r"holds 45 pairs, but the arm 100R\+400F needs 60"),
        ({"arms": ["1R"]}, "which is none"),
    ],
)
def test_refuses_in_one_sentence(real: Path, synthetic: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        designed(real, [synthetic], **options)


def test_the_real_dataset_is_real_and_every_set_gets_a_seed(
    real: Path, synthetic: Path, tmp_path: Path, study: Any
) -> None:
    with pytest.raises(UserError, match="is a synthetic dataset"):
        designed(synthetic, [])
    other = study.write_synthetic(tmp_path / "other", study.provenance(open_dataset(real)), pairs=45, seed=9)
    with pytest.raises(UserError, match="--seeds 1 cannot use all 2"):
        designed(real, [synthetic, other], seeds=1)


def test_repeated_slices_need_a_label_and_tell_the_balance(real: Path) -> None:
    design = designed(real, [], arms="100R,100R+100B", repeat="tumour")
    assert design.repeat == 2
    assert design.settings()["repeat"] == 2
    assert "100R+100B: tumour is in 100% of its real and repeated slices, in 100% of the real ones." in design.notes
    for arms, repeat, words in (
        ("100R+100B", None, "--repeat LABEL"),
        ("100R", "tumour", "no arm repeats"),
        ("100R+100B", "cyst", "there is no such label"),
    ):
        with pytest.raises(UserError, match=words):
            designed(real, [], arms=arms, repeat=repeat)


def test_a_segmenter_that_cannot_be_built_is_refused_before_anything_is_trained(real: Path, synthetic: Path) -> None:
    for options, sentence in (
        ({"augment": ("copypaste",), "segmenter_settings": {"copypaste_labels": "9"}}, "there is no label 9"),
        ({"segmenter_settings": {"copypaste_style": "tumorcp"}}, "copypaste_style: this is for --augment copypaste"),
        ({"augment": ("cutmix",), "batch": 1}, "takes from other samples of a batch, and --batch 1 has none"),
    ):
        with pytest.raises(UserError, match=sentence):
            designed(real, [synthetic], **options)
