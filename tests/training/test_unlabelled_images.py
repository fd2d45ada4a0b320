"""Images without label maps feed the recipes that can use them, and no held-out subject is ever among them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.conftest import DATASETGAN, draw_discs

from segmint.data.dataset import open_dataset
from segmint.data.subjects import Subset
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.recipes import RECIPES
from segmint.recipes.contract import Stage, Task
from segmint.recipes.recipe import DataFacts
from segmint.training.material import training_data
from segmint.training.run_folder import RunFolder
from segmint.training.train import train

# Of a stranger, and of a subject of each part: four train, two validate, two test.
UNLABELLED = {"new": "stranger", "more": "subject_01", "held": "subject_05", "secret": "subject_07"}


@pytest.fixture(scope="module")
def with_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The discs, with images that have no label maps."""
    folder = draw_discs(tmp_path_factory.mktemp("unlabelled") / "discs")
    plain = open_dataset(folder)
    written = folder.with_name("with-images")
    written.mkdir()
    writer = DatasetWriter(
        written,
        name=plain.name,
        channel_names=plain.channel_names,
        label_names=plain.label_names,
        file_ending=plain.file_ending,
    )
    for case in plain.cases:
        image, label = plain.read_image(case), plain.read_label(case)
        writer.add(case.id, image, label, subject=case.subject, spacing=(1, 1, 3), intensity=case.intensity)
    bright = {name: 100.0 * (number + 1) for number, name in enumerate(UNLABELLED)}
    for name, subject in UNLABELLED.items():
        image = np.full((1, 24, 24, 2), bright[name], dtype=np.float32)
        image[:, 0] = 50.0
        writer.add(name, image, None, subject=subject, spacing=(1, 1, 3), intensity=plain.cases[0].intensity)
    writer.finish(split=plain.split, subsets={"2": Subset("2", ("subject_00", "subject_02"))})
    return written


def started(recipe: str, dataset: Path, out: Path, **options: object) -> RunFolder:
    """A training of a few steps."""
    return train(
        recipe,
        dataset,
        out=out,
        kimg=0.008,
        batch=4,
        size=32,
        threads=1,
        precision="float32",
        device="cpu",
        progress=False,
        **options,  # type: ignore[arg-type]
    )


def test_images_of_held_out_subjects_are_never_among_them(with_images: Path) -> None:
    data = training_data(open_dataset(with_images), size=32, axis=None, seed=0, with_unlabelled=True)
    assert data.images_alone == 4
    assert len(data.unlabelled) == len(data.training) + 4
    assert set(data.image_subjects) == {*data.split.train, "stranger"}
    read, labels = data.unlabelled.read(np.arange(len(data.training), len(data.unlabelled)))
    assert labels.max() == 0
    middle = np.unique(np.round(read[:, 0, 16, 16], 3))
    assert len(middle) == 2, "those of the stranger and of the training subject, both slices of each"
    assert middle == pytest.approx([-0.8, -0.4], abs=0.02)
    without = training_data(open_dataset(with_images), size=32, axis=None, seed=0)
    assert (without.images_alone, len(without.unlabelled)) == (0, len(without.training))


def test_a_subset_leaves_out_images_of_the_training_subjects_beyond_it(with_images: Path) -> None:
    dataset = open_dataset(with_images)
    data = training_data(dataset, size=32, axis=None, seed=0, subset="2", with_unlabelled=True)
    assert set(data.image_subjects) == {"subject_00", "subject_02", "stranger"}
    few = training_data(dataset, size=32, axis=None, seed=0, labelled_subjects=1, with_unlabelled=True)
    assert set(few.image_subjects) == {*few.split.train, "stranger"}
    assert len(few.subjects) == 1


def test_a_recipe_that_can_learns_from_them_and_says_so(with_images: Path, tmp_path: Path) -> None:
    run = started("datasetgan", with_images, tmp_path / "run", settings=DATASETGAN)
    seen = {subject for _, subject in run.config["images_seen"]}
    assert seen == {"subject_00", "subject_01", "subject_02", "subject_03", "stranger"}
    assert {subject for _, subject in run.config["labels_seen"]} == seen - {"stranger"}
    assert run.config["unlabelled_slices"] == 4


def test_a_recipe_that_cannot_refuses_unless_told(with_images: Path, tmp_path: Path) -> None:
    def begun(name: str, **options: object) -> RunFolder:
        settings = {"latent_size": "8", "width_base": "128", "width_maximum": "8"}
        return started("joint-stylegan2", with_images, tmp_path / name, settings=settings, **options)

    with pytest.raises(
        UserError,
        match=r"joint-stylegan2 .* cannot use the 4 images .*--unlabelled ignore.* \(datasetgan or semanticgan",
    ):
        begun("run")
    with pytest.raises(UserError, match="--unlabelled perhaps: choose use, ignore or auto"):
        begun("run", unlabelled="perhaps")
    begun("run", unlabelled="ignore", dry_run=True)
    assert not (tmp_path / "run").exists()
    run = begun("run", unlabelled="auto")
    assert run.config["unlabelled_slices"] is None
    assert "stranger" not in {subject for _, subject in run.config["images_seen"]}


def test_recipes_that_suit_such_data_can_use_it() -> None:
    facts = DataFacts(pairs=40, subjects=8, channels=1, labels=3, unlabelled=50)
    suited = [recipe for recipe in RECIPES if recipe.suits(facts)]
    assert suited
    for recipe in suited:
        settings = recipe.settings(preset="repaired", capacity="small", changes={})
        stages: list[Stage] = list(recipe.stages(Task(32, 1, 3, 4, 16), settings))
        assert any("unlabelled" in (*stage.streams, *stage.gathers) for stage in stages), recipe.name
