"""Agreement of a segmenter with masks: pooled Dice and intervals beside plain arithmetic, planted misalignments in order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segmint.data.dataset import open_dataset
from segmint.data.writer import DatasetWriter
from segmint.evaluation.alignment import Agreement, compare_agreement, measure_agreement
from segmint.evaluation.evidence import Evidence, open_evidence

Masks = list[NDArray[np.uint8]]


def as_they_are(masks: Masks) -> Masks:
    return masks


def shifted(pixels: int) -> Callable[[Masks], Masks]:
    def change(masks: Masks) -> Masks:
        moved = [np.zeros_like(mask) for mask in masks]
        for mask, target in zip(masks, moved, strict=True):
            target[pixels:] = mask[:-pixels]
        return moved

    return change


def swapped(masks: Masks) -> Masks:
    return [*masks[3:], *masks[:3]]


def copied(real: Path, folder: Path, study: Any, change: Callable[[Masks], Masks]) -> Path:
    """The training pairs as a synthetic dataset, one slice a pair, their masks changed."""
    dataset = open_dataset(real)
    cases = [case for case in dataset.cases if case.subject in study.train]
    images = [plane for case in cases for plane in np.moveaxis(dataset.read_image(case), -1, 0)]
    masks = change([plane for case in cases for plane in np.moveaxis(dataset.read_label(case), -1, 0)])
    folder.mkdir()
    writer = DatasetWriter(
        folder,
        name="study copied",
        channel_names=dataset.channel_names,
        label_names=dataset.label_names,
        file_ending=".nii.gz",
        provenance=study.provenance(dataset),
    )
    intensity = dataset.cases[0].intensity
    assert intensity is not None
    for number, (image, mask) in enumerate(zip(images, masks, strict=True)):
        name = f"synthetic_{number:04d}"
        spacing = (1.0, 1.0, 3.0)
        writer.add(name, image[..., None], mask[..., None], subject=name, spacing=spacing, intensity=list(intensity))
    writer.finish()
    return folder


def opened(real: Path, synthetic: Path) -> Evidence:
    return open_evidence(real, synthetic, holdout=None, size=16, axis=None, device="cpu")


@pytest.fixture(scope="module")
def evidence(real: Path, synthetic: Path) -> Evidence:
    return opened(real, synthetic)


def test_planted_misalignments_lower_the_ratio_in_order(real: Path, study: Any, tmp_path: Path) -> None:
    ratios = {}
    for name, change in (
        ("as they are", as_they_are),
        *((f"{pixels} px", shifted(pixels)) for pixels in (1, 2, 4, 8)),
        ("swapped", swapped),
    ):
        one = opened(real, copied(real, tmp_path / name, study, change))
        assert one.holdout is not None
        sides = [measure_agreement(study.threshold(), chosen) for chosen in (one.synthetic, one.holdout)]
        compared = compare_agreement(sides[0], sides[1], label_names=study.labels)
        ratios[name] = compared["mean"]["ratio"]
    assert ratios["as they are"]["value"] == pytest.approx(1, abs=0.03)
    low, high = ratios["as they are"]["interval"]
    assert 0.95 < low < high < 1.05
    values = [ratios[name]["value"] for name in ("as they are", "1 px", "2 px", "4 px", "8 px")]
    assert (-np.diff(values[:-1]) > 0.1).all()
    assert values[-1] < values[-2]
    assert ratios["1 px"]["interval"][1] < 0.9
    assert ratios["swapped"]["interval"][1] < ratios["as they are"]["interval"][0]


def test_dice_is_that_of_all_masks_together(evidence: Evidence, study: Any) -> None:
    segmenter = study.threshold(shift=0.2)
    sides = [measure_agreement(segmenter, chosen) for chosen in (evidence.synthetic, evidence.holdout) if chosen]
    section = compare_agreement(sides[0], sides[1], label_names=study.labels)
    expected: dict[str, list[float]] = {"synthetic": [], "holdout": []}
    for side, chosen in (("synthetic", evidence.synthetic), ("holdout", evidence.holdout)):
        assert chosen is not None
        given = chosen.slices.labels[chosen.indices]
        seen, _ = segmenter.predict(chosen.slices.images[chosen.indices])
        for label in (1, 2):
            mine, theirs = seen == label, given == label
            expected[side].append(2 * (mine & theirs).sum() / (mine.sum() + theirs.sum()))
    for place, name in enumerate(study.labels[1:]):
        one = section["labels"][name]
        for side in ("synthetic", "holdout"):
            assert one[side]["dice"] == pytest.approx(expected[side][place])
            low, high = one[side]["interval"]
            assert low < one[side]["dice"] < high
        assert one["ratio"]["value"] == pytest.approx(expected["synthetic"][place] / expected["holdout"][place])
        low, high = one["ratio"]["interval"]
        assert low < one["ratio"]["value"] < high
    assert section["mean"]["synthetic"]["dice"] == pytest.approx(np.mean(expected["synthetic"]))
    assert section["mean"]["ratio"]["value"] == pytest.approx(
        np.mean(expected["synthetic"]) / np.mean(expected["holdout"])
    )


def test_intervals_are_as_wide_as_linearisation_says(evidence: Evidence, study: Any) -> None:
    segmenter = study.threshold(shift=0.25)
    sides = [measure_agreement(segmenter, chosen) for chosen in (evidence.synthetic, evidence.holdout) if chosen]
    relative = []
    for side in sides:
        counts = side.by_unit[:, 0].astype(float)
        assert len(counts) == len(set(side.chosen.subjects))
        hits, total = counts[:, 0], 2 * counts[:, 0] + counts[:, 1] + counts[:, 2]
        value, n = 2 * hits.sum() / total.sum(), len(counts)
        spread = np.sqrt(n / (n - 1) * np.square(2 * hits - value * total).sum()) / total.sum()
        relative.append(spread / value)
    one = compare_agreement(sides[0], sides[1], label_names=study.labels)["labels"]["organ"]
    for side, expected in zip(("synthetic", "holdout"), relative, strict=True):
        low, high = one[side]["interval"]
        assert (high - low) / one[side]["dice"] == pytest.approx(2 * 1.96 * expected, rel=0.15)
    low, high = one["ratio"]["interval"]
    assert (high - low) / one["ratio"]["value"] == pytest.approx(2 * 1.96 * np.hypot(*relative), rel=0.15)


def test_without_held_out_data_there_is_no_ratio(evidence: Evidence, study: Any) -> None:
    section = compare_agreement(
        measure_agreement(study.threshold(), evidence.synthetic), None, label_names=study.labels
    )
    for one in (section["mean"], *section["labels"].values()):
        assert one["synthetic"]["dice"] > 0.9
        assert one["holdout"] is None
        assert one["ratio"] is None


def only(agreement: Agreement, positions: slice) -> Agreement:
    chosen = type(agreement.chosen)(agreement.chosen.slices, agreement.chosen.indices[positions])
    return Agreement(chosen, agreement.total, agreement.counts[positions].copy())


def test_labels_that_are_absent_have_no_dice_and_leave_the_mean(evidence: Evidence, study: Any) -> None:
    assert evidence.holdout is not None
    synthetic = only(measure_agreement(study.threshold(), evidence.synthetic), slice(None))
    held = measure_agreement(study.threshold(), evidence.holdout)
    synthetic.counts[:, 2] = (0, 3, 0)  # the segmenter sees it everywhere, no mask holds it
    section = compare_agreement(synthetic, held, label_names=study.labels)
    tumour = section["labels"]["tumour"]
    assert np.isnan([tumour["synthetic"]["dice"], *tumour["synthetic"]["interval"], tumour["ratio"]["value"]]).all()
    assert tumour["holdout"]["dice"] > 0.9
    for side in ("synthetic", "holdout"):
        assert section["mean"][side] == section["labels"]["organ"][side]


def test_one_unit_has_no_interval(evidence: Evidence, study: Any) -> None:
    assert evidence.holdout is not None
    held = measure_agreement(study.threshold(), evidence.holdout)
    one_subject = only(held, slice(0, study.depth))
    assert len(one_subject.by_unit) == 1
    section = compare_agreement(held, one_subject, label_names=study.labels)
    for one in (section["mean"], *section["labels"].values()):
        assert one["ratio"]["value"] > 0.9
        assert np.isnan(one["ratio"]["interval"]).all()
        assert np.isnan(one["holdout"]["interval"]).all()
        assert not np.isnan(one["synthetic"]["interval"]).any()


def test_a_ratio_to_what_may_be_nothing_has_no_interval(evidence: Evidence, study: Any) -> None:
    assert evidence.holdout is not None
    synthetic = measure_agreement(study.threshold(), evidence.synthetic)
    held = only(measure_agreement(study.threshold(), evidence.holdout), slice(0, 4 * study.depth))
    held.counts[study.depth :, 1] = (0, 0, 9)  # found in one subject of four
    organ = compare_agreement(synthetic, held, label_names=study.labels)["labels"]["organ"]
    assert organ["holdout"]["interval"][0] == 0
    assert organ["ratio"]["value"] > 0
    assert np.isnan(organ["ratio"]["interval"]).all()


def test_of_very_many_slices_some_are_shown(evidence: Evidence, study: Any) -> None:
    shown = measure_agreement(study.threshold(), evidence.synthetic, most=10)
    assert (shown.total, len(shown.chosen.indices), len(shown.counts)) == (3 * study.real_slices, 10, 10)
    assert len(set(shown.chosen.indices)) == 10
