from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.data.dataset import open_dataset
from segmint.data.slices import SliceSet, open_slices
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.evaluation.regime import choose_regime


def subjects_of(slices: SliceSet, indices: Any) -> set[str]:
    return {slices.records[i].subject for i in indices}


def test_whole_training_set(slices: SliceSet, study: Any) -> None:
    regime = choose_regime(slices, study.split, subset=None, real_slices=None)
    assert regime.labelled == study.train
    assert len(regime.training) == study.real_slices
    assert subjects_of(slices, regime.validation) == set(study.validation)
    assert subjects_of(slices, regime.test) == set(study.test)
    assert len(regime.test) == len(study.test) * study.depth
    assert not regime.reduced


def test_stored_subset_of_subjects(slices: SliceSet, study: Any) -> None:
    regime = choose_regime(slices, study.split, subset="2", real_slices=None)
    assert regime.labelled == study.train[:2]
    assert len(regime.training) == 2 * study.depth
    assert not regime.reduced
    assert len(regime.test) == len(study.test) * study.depth


def test_stored_subset_of_slices(slices: SliceSet, study: Any) -> None:
    regime = choose_regime(slices, study.split, subset="5-slices", real_slices=None)
    assert len(regime.training) == 5
    assert regime.labelled == study.train[:2]
    assert regime.reduced


def test_some_slices_the_same_every_time(slices: SliceSet, study: Any) -> None:
    regimes = [choose_regime(slices, study.split, subset=None, real_slices=7) for _ in range(2)]
    assert regimes[0].training.tolist() == regimes[1].training.tolist()
    assert len(regimes[0].training) == 7
    assert set(regimes[0].labelled) == subjects_of(slices, regimes[0].training) <= set(study.train)
    assert regimes[0].reduced


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subset": "3"}, "--subset 3: .* has no such subset"),
        ({"real_slices": 16}, "--real-slices 16: .* has 15 slices"),
        ({"real_slices": 0}, "--real-slices 0"),
    ],
)
def test_refuses_what_is_not_there(slices: SliceSet, study: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose_regime(slices, study.split, **{"subset": None, "real_slices": None, **options})


@pytest.mark.parametrize("part", ["validation", "test"])
def test_needs_every_part(slices: SliceSet, study: Any, part: str) -> None:
    with pytest.raises(UserError, match=f"no slices in its {part} part"):
        choose_regime(slices, replace(study.split, **{part: ()}), subset=None, real_slices=None)


def test_needs_labels_in_every_part(tmp_path: Path) -> None:
    writer = DatasetWriter(
        tmp_path, name="tests empty", channel_names=("grey",), label_names=("background", "organ"), file_ending=".png"
    )
    for subject in ("a", "b", "c"):
        image = np.full((1, 8, 8), 90, dtype=np.uint8)
        writer.add(subject, image, np.full((8, 8), int(subject != "c"), np.uint8), subject=subject)
    writer.finish()
    slices = open_slices(open_dataset(tmp_path), size=8)
    with pytest.raises(UserError, match="only empty masks in its test part"):
        choose_regime(slices, Split(("a",), ("b",), ("c",)), subset=None, real_slices=None)
