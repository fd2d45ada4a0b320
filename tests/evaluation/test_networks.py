"""Networks that give features, and the images that they must not be asked about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from segmint.evaluation.evidence import Evidence, open_evidence
from segmint.evaluation.networks import RANDOM, by_whole, networks_of, whole_of
from segmint.reference.cross_fitted import Fitted


def evidence_of(real: Path, synthetic: Path, holdout: Path | None = None) -> Evidence:
    return open_evidence(real, synthetic, holdout=holdout, size=16, axis=None, device="cpu")


def test_features_of_images_that_were_learned_from_are_none(real: Path, synthetic: Path, study: Any) -> None:
    evidence = evidence_of(real, synthetic)
    networks = networks_of(evidence, study.remembering(evidence, by=5.0), cells=1)
    assert [whole_of(name) for name in networks] == [RANDOM, "segmenter", "segmenter"]
    assert [len(parts) for parts in by_whole(networks).values()] == [1, 2]
    parts = by_whole(networks)["segmenter"]
    new = [~np.isnan(one.of(evidence.training)).any(axis=1) for one in parts]
    assert (new[0] ^ new[1]).all(), "each training image is new to one of the two"
    for one in (evidence.synthetic, evidence.holdout):
        assert one is not None
        assert not any(np.isnan(part.of(one)).any() for part in parts)
    assert not np.isnan(networks[RANDOM].of(evidence.training)).any()


def test_subjects_of_another_dataset_are_new_whatever_they_are_called(
    real: Path, synthetic: Path, study: Any, tmp_path: Path
) -> None:
    other = study.write_real(tmp_path / "other", split=None, shape=(15, 14))
    evidence = evidence_of(real, synthetic, other)
    assert evidence.holdout is not None
    assert set(evidence.holdout.subjects) >= set(evidence.training.subjects)
    for part in by_whole(networks_of(evidence, study.remembering(evidence, by=5.0), cells=1))["segmenter"]:
        assert part.new_to(evidence.holdout).all()


def test_a_segmenter_that_nothing_is_new_to_gives_no_features(real: Path, synthetic: Path, study: Any) -> None:
    evidence = evidence_of(real, synthetic)
    every = frozenset(evidence.training.subjects)
    whole = [Fitted(study.remembering(evidence, by=5.0)[0].segmenter, every, frozenset())]
    assert list(networks_of(evidence, whole, cells=1)) == [RANDOM]
