from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.data.dataset import open_dataset
from segmint.data.slices import open_slices
from segmint.errors import UserError
from segmint.evaluation.arms import parse_arms
from segmint.evaluation.regime import Regime, choose_regime
from segmint.evaluation.synthetic_sets import (
    SyntheticSet,
    generator_count,
    generator_runs,
    generators_of,
    open_synthetic_sets,
)
from segmint.outputs import read_json, write_json

ARMS = parse_arms("100R,100R+300F")


def test_opens_and_describes(synthetic: Path, regime: Regime, study: Any) -> None:
    (one,), notes = open_synthetic_sets([synthetic], regime, ARMS)
    assert len(one.pairs) == 3 * study.real_slices
    assert one.slices.images.shape[1:] == (1, study.size, study.size)
    described = one.described()
    assert described["path"] == str(synthetic.resolve())
    assert described["labels_seen"] == [[regime.dataset.identity, subject] for subject in study.train]
    assert notes == ["fakes: its checkpoint was selected on 2 validation subjects of this dataset."]


def test_too_few_pairs_says_how_many_to_sample(tmp_path: Path, regime: Regime, study: Any) -> None:
    folder = study.write_synthetic(tmp_path / "few", study.provenance(regime.dataset), pairs=20)
    with pytest.raises(
        UserError, match=r"holds 20 pairs, but the arm 100R\+300F needs 45 .*sample 45 pairs, or name arms up to 133F"
    ):
        open_synthetic_sets([folder], regime, ARMS)
    assert open_synthetic_sets([folder], regime, parse_arms("133F"))


def test_real_cases_beside_the_pairs_are_not_f(tmp_path: Path, regime: Regime, study: Any) -> None:
    made = study.provenance(regime.dataset)
    folder = study.write_synthetic(tmp_path / "mixed", made, pairs=16, real_cases=study.train[:2] + study.validation)
    (one,), _ = open_synthetic_sets([folder], regime, parse_arms("100F"))
    assert len(one.slices) == 16 + 4 * study.depth
    assert {one.slices.records[i].subject[:9] for i in one.pairs} == {"synthetic"}
    with pytest.raises(UserError, match="holds 16 pairs"):
        open_synthetic_sets([folder], regime, ARMS)


@pytest.mark.parametrize("beside", [0, 2])
def test_pairs_of_another_plane_are_refused(tmp_path: Path, regime: Regime, study: Any, beside: int) -> None:
    """The pairs lie in planes along axis 2; along axis 0 the real volumes show something else."""
    made = study.provenance(regime.dataset)
    folder = study.write_synthetic(tmp_path / "fakes", made, pairs=80, real_cases=study.train[:beside])
    along = choose_regime(open_slices(regime.dataset, size=16, axis=0), study.split, subset=None, real_slices=None)
    with pytest.raises(UserError, match=r"fakes holds slices along axis 2, .* along axis 0: give --axis 2\."):
        open_synthetic_sets([folder], along, parse_arms("100F"))


def test_refused_by_what_it_has_seen(tmp_path: Path, regime: Regime, study: Any) -> None:
    leaky = study.write_synthetic(
        tmp_path / "leaky", study.provenance(regime.dataset, images_seen=study.test[:1]), pairs=45
    )
    with pytest.raises(UserError, match=r"100R\+300F refuses .*leaky"):
        open_synthetic_sets([leaky], regime, ARMS)


def test_more_labels_than_a_subset_has(synthetic: Path, regime: Regime, study: Any) -> None:
    small = choose_regime(regime.slices, study.split, subset="2", real_slices=None)
    with pytest.raises(UserError, match=f'labels of "{study.train[2]}" and 2 more'):
        open_synthetic_sets([synthetic], small, ARMS)


def test_labels_must_fit(tmp_path: Path, regime: Regime, study: Any) -> None:
    folder = study.write_synthetic(
        tmp_path / "wrong", study.provenance(regime.dataset), pairs=45, labels=("background", "organ", "cyst")
    )
    with pytest.raises(UserError, match="labels"):
        open_synthetic_sets([folder], regime, ARMS)


def test_neither_unused_nor_missing_nor_twice(synthetic: Path, regime: Regime) -> None:
    with pytest.raises(UserError, match="No arm would use"):
        open_synthetic_sets([synthetic], regime, parse_arms("100R"))
    with pytest.raises(UserError, match=r"100R\+300F needs synthetic pairs"):
        open_synthetic_sets([], regime, ARMS)
    with pytest.raises(UserError, match="given twice"):
        open_synthetic_sets([synthetic, synthetic], regime, ARMS)


def test_counts_generators_not_sets(synthetic: Path, regime: Regime) -> None:
    (one,), _ = open_synthetic_sets([synthetic], regime, ARMS)
    redrawn = replace(one, provenance=replace(one.provenance, seed=1))
    retrained = replace(one, provenance=replace(one.provenance, run="run2", checkpoint_sha256="d00d"))
    assert generator_count([one, redrawn]) == 1
    assert generator_count([one, redrawn, retrained]) == 2


def test_sets_of_one_run_or_checkpoint_are_of_one_generator(synthetic: Path, regime: Regime) -> None:
    (one,), _ = open_synthetic_sets([synthetic], regime, ARMS)

    def of(run: str, checkpoint: str) -> SyntheticSet:
        return replace(one, provenance=replace(one.provenance, run=run, checkpoint_sha256=checkpoint))

    assert generators_of([]) == []
    assert generators_of([of("b", "1"), of("a", "2"), of("b", "3"), of("a", "2")]) == [0, 1, 0, 1]
    # The third is an earlier checkpoint of the first run, and the second a copy of it: all of one training.
    linked = [of("a", "1"), of("copy of a", "2"), of("a", "2"), of("b", "4")]
    assert generators_of(linked) == [0, 0, 0, 1]
    assert generator_count(linked) == 2


def test_runs_are_read_where_they_still_are(
    tmp_path: Path, real: Path, synthetic: Path, study: Any, discs_run: Path
) -> None:
    assert generator_runs([synthetic]) == []
    run = tmp_path / "run"
    run.mkdir()
    write_json(run / "config.json", {"size": 32})
    made = study.provenance(open_dataset(real), run=str(run))
    fakes = study.write_synthetic(tmp_path / "fakes", made, pairs=1)
    with pytest.raises(UserError, match="is not the configuration of a run"):
        generator_runs([fakes])
    shutil.copyfile(discs_run / "config.json", run / "config.json")
    assert generator_runs([fakes]) == [read_json(discs_run / "config.json")]


def test_grid_of_other_resolution_is_noted(tmp_path: Path, regime: Regime, study: Any) -> None:
    folder = study.write_synthetic(tmp_path / "same", study.provenance(regime.dataset), pairs=45)
    coarse = replace(regime, slices=_Scaled(regime.slices, 0.5))  # type: ignore[arg-type]
    _, notes = open_synthetic_sets([folder], coarse, ARMS)
    assert any("0.50 times as large" in note for note in notes)


class _Scaled:
    """A slice set seen at another scale."""

    def __init__(self, slices: Any, factor: float) -> None:
        self._slices, self.scale = slices, slices.scale * factor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._slices, name)


def test_pairs_come_in_the_order_they_were_drawn(synthetic: Path, regime: Regime) -> None:
    (one,), _ = open_synthetic_sets([synthetic], regime, ARMS)
    names = [one.slices.records[i].case for i in one.pairs]
    assert names == sorted(names)
    assert np.all(np.diff(one.pairs) > 0)
