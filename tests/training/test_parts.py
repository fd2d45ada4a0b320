from __future__ import annotations

from pathlib import Path

import pytest
from tests.conftest import draw_discs

from segmint.data.dataset import open_dataset
from segmint.errors import UserError
from segmint.recipes import find_recipe
from segmint.synthesis.sample import sample
from segmint.training.material import condition_names
from segmint.training.parts import Grid, Part, plan_part, settings_by_role
from segmint.training.train import choose_mask_source, train


def plan(role: str, name: str, **changes: str) -> Part:
    return plan_part(
        role,  # type: ignore[arg-type]
        find_recipe(name),
        Grid(32, 1, 2),
        preset="faithful",
        capacity="small",
        condition_counts=(),
        slices=20,
        changes=changes,
    )


def test_budgets_in_epochs_count_the_training_slices() -> None:
    assert plan("masks", "vessgan").task.total_images == 200 * 20
    assert plan("main", "vess2image").task.total_images == 30 * 20


def test_other_parts_take_their_budget_by_name() -> None:
    part = plan("masks", "vessgan", kimg="0.1", batch="4", preset="repaired")
    assert (part.task.total_images, part.task.batch, part.preset) == (100, 4, "repaired")
    with pytest.raises(UserError, match=r"--set masks\.kimg=much: give a number"):
        plan("masks", "vessgan", kimg="much")


@pytest.mark.parametrize("kimg", ["nan", "inf", "-1", "0"])
def test_a_budget_that_is_no_number_is_refused(kimg: str) -> None:
    with pytest.raises(UserError, match=rf"--set masks\.kimg {kimg} must be positive and finite"):
        plan("masks", "vessgan", kimg=kimg)
    with pytest.raises(UserError, match=rf" --kimg {kimg} must be positive and finite"):
        plan_part(
            "main",
            find_recipe("vessgan"),
            Grid(32, 1, 2),
            preset="faithful",
            capacity="small",
            condition_counts=(),
            slices=20,
            changes={},
            kimg=float(kimg),
        )


@pytest.mark.parametrize("batch", ["nan", "inf", "2.5"])
def test_a_batch_is_a_whole_number(batch: str) -> None:
    with pytest.raises(UserError, match=rf"--set masks\.batch={batch}: give a whole number"):
        plan("masks", "vessgan", batch=batch)


def test_a_part_comes_back_from_json() -> None:
    part = plan("masks", "vessgan")
    assert Part.from_json(part.as_json()) == part


def test_settings_find_their_part() -> None:
    found = settings_by_role({"masks.kimg": "1", "transfer.noise": "0.1", "l1_weight": "3"})
    assert found == {"masks": {"kimg": "1"}, "transfer": {"noise": "0.1"}, "main": {"l1_weight": "3"}}


def test_mask_sources() -> None:
    recipe = find_recipe("vess2image")
    assert choose_mask_source(recipe, preset="faithful", named=None) == "vessgan"
    assert choose_mask_source(recipe, preset="faithful", named="real") == "real"
    assert choose_mask_source(find_recipe("joint-stylegan2"), preset="faithful", named=None) is None
    with pytest.raises(UserError, match="a recipe that gives masks"):
        choose_mask_source(recipe, preset="faithful", named="unet")
    with pytest.raises(UserError, match="paints no masks"):
        choose_mask_source(find_recipe("joint-stylegan2"), preset="faithful", named="real")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"conditions": ["membranes"]}, 'no condition map "membranes"'),
        ({"conditions": ["foreground", "foreground"]}, "foreground is named twice"),
        ({"preset": "foo"}, "em-pix2pix has no preset 'foo'"),
        ({"settings": {"masks.kimg": "1"}, "mask_source": "real"}, r"--set masks\.kimg: this run has no such part"),
        ({"tile": 64}, "--tile 64 must be"),
        ({"tile": 16, "mask_source": "vessgan"}, "would draw masks of tiles"),
        ({"mask_source": "real"}, "too small for 3 discriminators"),
        ({"auxiliary": "nothing"}, "write it as DATASET:MAP"),
    ],
)
def test_what_does_not_fit_is_one_sentence(tmp_path: Path, arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        train(
            "em-pix2pix",
            draw_discs(tmp_path / "discs"),
            out=tmp_path / "run",
            size=32,
            progress=False,
            **arguments,  # type: ignore[arg-type]
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("recipe", ["joint-stylegan2", "unet"])
def test_recipes_that_take_no_condition_map_refuse_one(recipe: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"--conditions halo: {recipe} takes no condition map: leave it out"):
        train(
            recipe,
            draw_discs(tmp_path / "discs", halo=True),
            out=tmp_path / "run",
            size=32,
            conditions=["halo"],
            progress=False,
        )


def test_condition_maps_are_left_out_or_added_by_name(tmp_path: Path) -> None:
    dataset = open_dataset(draw_discs(tmp_path / "discs", halo=True))
    for recipe, named, given in (
        ("joint-stylegan2", None, []),
        ("joint-stylegan2", [], []),
        ("em-pix2pix", None, ["halo"]),
        ("em-pix2pix", [], []),
        ("vess2image", None, []),
        ("vess2image", ["halo"], ["halo"]),
    ):
        assert condition_names(find_recipe(recipe), dataset, named=named, predicted=None) == given


def test_recipes_that_draw_pairs_take_no_tiles(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="would draw tiles, not images"):
        train("joint-stylegan2", draw_discs(tmp_path / "discs"), out=tmp_path / "run", size=64, tile=32, progress=False)


def test_a_run_on_tiles_paints_whole_images(tmp_path: Path) -> None:
    run = train(
        "em-pix2pix",
        draw_discs(tmp_path / "discs", size=60, halo=True),
        out=tmp_path / "run",
        kimg=0.016,
        batch=4,
        size=64,
        tile=32,
        threads=1,
        mask_source="real",
        settings={"width": "0.05", "discriminators": "1"},
        device="cpu",
        progress=False,
    )
    drawn = open_dataset(sample(run.root, n=3, out=tmp_path / "out", device="cpu"))
    assert drawn.read_image(drawn.cases[0]).shape == (1, 60, 60)
    assert drawn.read_label(drawn.cases[0]).shape == (60, 60)
