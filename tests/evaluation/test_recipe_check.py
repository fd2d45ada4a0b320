"""What is refused of a trial that trains its generators, before anything is written."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.evaluation.recipe_trials import prepared

from segmint.errors import UserError
from segmint.evaluation.arms import parse_arms
from segmint.evaluation.folded_trial import FoldedTrial
from segmint.evaluation.gate import GateOrders
from segmint.evaluation.generator import GeneratorOrders
from segmint.evaluation.outside import score_predictions
from segmint.evaluation.trial import trial


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"arms": parse_arms("100R")}, "no arm would use its pairs"),
        ({"arms": parse_arms("100F,gate", gate=True)}, "compared with 100R"),
        ({"generator_seeds": 0}, "--generator-seeds 0"),
        ({"generator_seeds": 3}, "cannot use 3 generators"),
        ({"gate": GateOrders(seeds=0)}, "--gate-seeds 0"),
        ({"gate": GateOrders(folds=9)}, "at least 9 labelled"),
        ({"gate": GateOrders(shares=())}, "--gate-shares"),
        ({"gate": GateOrders(shares=(1,))}, "--gate-shares: .*which is none: raise it"),
        ({"gate": GateOrders(filters=("some",))}, "--gate-filters: give all, curated"),
        (
            {"gate": GateOrders(filters=("curated",)), "generator": GeneratorOrders("joint-stylegan2", curate=True)},
            "--gate-filters curated: --curate curates all",
        ),
        (
            {
                "arms": parse_arms("100R,100C", curated=True),
                "generator": GeneratorOrders("joint-stylegan2", curate=True),
            },
            "100C: --curate curates all",
        ),
    ],
)
def test_wrong_orders_are_refused_before_anything_is_written(
    tmp_path: Path, real: Path, study: Any, options: dict[str, Any], word: str
) -> None:
    with pytest.raises(UserError, match=word):
        prepared(real, study.draws(), study.stand_in(), **options).conduct(tmp_path / "trial", overwrite=False)
    assert not (tmp_path / "trial").exists()


def test_the_gate_wants_a_recipe_and_a_recipe_no_set(tmp_path: Path, real: Path, synthetic: Path) -> None:
    with pytest.raises(UserError, match="name their recipe with --recipe"):
        trial(real, synthetic, out=tmp_path / "t", gate=GateOrders())
    with pytest.raises(UserError, match="The arm gate is for trials that train their own"):
        trial(real, synthetic, out=tmp_path / "t", arms=("100R", "gate"))
    with pytest.raises(UserError, match=r"leave .* out"):
        trial(real, synthetic, out=tmp_path / "t", generator=GeneratorOrders("joint-stylegan2"))
    with pytest.raises(UserError, match="--real-slices: generators learn from whole subjects"):
        trial(
            real, out=tmp_path / "t", size=16, generator=GeneratorOrders("joint-stylegan2"), gate=GateOrders(),
            real_slices=4,
        )  # fmt: skip


@pytest.mark.parametrize("folds", [None, 2])
def test_an_auxiliary_dataset_is_never_overwritten(tmp_path: Path, real: Path, study: Any, folds: int | None) -> None:
    out = tmp_path / "trial"
    kept = out / "helper" / "dataset.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    generator = GeneratorOrders("joint-stylegan2", auxiliary=f"{kept.parent}:halo")
    one = partial(
        prepared, real, study.draws(), study.stand_in(), arms=parse_arms("100R,100F"), generator=generator, size=16
    )
    whole = one() if folds is None else FoldedTrial(real, folds, lambda split: one(split=split), "cpu", progress=False)
    with pytest.raises(UserError, match=r"trial is or holds .*helper, which is read here"):
        whole.conduct(out, overwrite=True)
    assert kept.is_file()


def test_the_run_of_a_synthetic_set_is_never_overwritten(
    tmp_path: Path, discs_run: Path, discs_synthetic: Path
) -> None:
    run = shutil.copytree(discs_run, tmp_path / "run")
    pairs = shutil.copytree(discs_synthetic, tmp_path / "pairs")
    told = pairs / "segmint.json"
    told.write_text(told.read_text().replace(str(discs_run), str(run)))
    assert Path(json.loads(told.read_text())["provenance"]["run"]) == run
    (tmp_path / "maps").mkdir()
    discs = discs_run.parent / "discs"
    with pytest.raises(UserError, match=r"run is or holds .*, which is read here"):
        trial(discs, pairs, out=run, arms=("100F",), seeds=1, steps=1, batch=2, overwrite=True, progress=False)
    with pytest.raises(UserError, match=r"run is or holds .*, which is read here"):
        score_predictions(discs, [pairs], predictions=[("100F", tmp_path / "maps")], out=run, overwrite=True)
    assert (run / "config.json").is_file()
