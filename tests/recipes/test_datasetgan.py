"""The stages of datasetgan: images without labels, inversions, interpreter."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from segmint.errors import UserError
from segmint.recipes import joint_stylegan2
from segmint.recipes.contract import Annotations, Batch, Gathered, Stage, Task
from segmint.recipes.datasetgan import FAITHFUL, RECIPE, REPAIRED, AnnotatedLabels, ImageGANStage, OracleLabels
from segmint.recipes.image_encoder import ImageEncoderStage
from segmint.recipes.latent_inversion import InversionStage
from segmint.recipes.pixel_interpreter import Exemplars, InterpreterStage
from segmint.training.checkpoint import capture, restore
from segmint.training.loop import LoopUpdate
from segmint.training.precision import Hardware

SIZE, LABELS = 32, 2
TINY = {
    "latent_size": "8",
    "width_base": "128",
    "width_maximum": "8",
    "labelled_images": "3",
    "inversion_batch": "2",
    "inversion_steps": "12",
    "inversion_draws": "32",
    "members": "3",
    "hidden_widths": "16,8",
    "pixel_batch": "32",
    "pixels_per_image": "64",
}


def stages(**changes: str) -> list[Any]:
    settings = RECIPE.settings(preset="repaired", capacity="full", changes={**TINY, **changes})
    built = list(RECIPE.stages(Task(SIZE, 1, LABELS, 4, 1000), settings))
    for stage in built:
        stage.build_optimizers()
    return built


def update_of(stage: Stage) -> LoopUpdate:
    return LoopUpdate(stage, Hardware("cpu", "float32", 1, ""), torch.Generator().manual_seed(0), 1000)


class Own:
    """Pairs that the generator drew itself; the label is where it is bright."""

    def __init__(self, images: ImageGANStage, n: int = 5) -> None:
        drawn = images.draw_images([torch.Generator().manual_seed(i) for i in range(n)])
        self.images = drawn.numpy()
        self.labels = (self.images[:, 0] > np.median(self.images)).astype(np.uint8)

    def __len__(self) -> int:
        return len(self.images)

    def read(self, positions: Any) -> Any:
        return self.images[positions], self.labels[positions]


def weights(stage: Stage) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in stage.state_dict().items()}


def test_published_settings_are_pinned() -> None:
    for preset in (FAITHFUL, REPAIRED):
        assert preset.members == 10
        assert preset.hidden_widths == (128, 32)
        assert preset.pixel_batch == 64
        assert preset.labelled_images == 16
        assert preset.interpreter_rate == 0.001
    assert FAITHFUL.image_uncertainty == "sum"
    assert REPAIRED.image_uncertainty == "dice"
    assert RECIPE.truncation == {"faithful": 0.7, "repaired": 0.7}
    assert RECIPE.keep == {"faithful": 0.9, "repaired": 0.9}
    for mine, joint in ((FAITHFUL, joint_stylegan2.FAITHFUL), (REPAIRED, joint_stylegan2.REPAIRED)):
        assert mine.model_dump().items() >= joint.model_dump().items()


def test_the_image_generator_is_the_joint_one_without_label_maps() -> None:
    images, *_ = stages()
    assert images.generator.synthesis.label_head is None
    assert images.discriminator.from_input.weight.shape[1] == 1
    before = weights(images)
    batch = Batch(torch.rand(4, 1, SIZE, SIZE) * 2 - 1, torch.zeros(4, SIZE, SIZE, dtype=torch.int64))
    logged = images.step({"unlabelled": batch}, update_of(images))
    assert all(torch.isfinite(value) for losses in logged.values() for value in losses.values())
    for network in ("generator.", "discriminator."):
        assert any(not torch.equal(v, before[k]) for k, v in images.state_dict().items() if k.startswith(network))


def test_the_interpreter_reads_all_styled_layers_and_keeps_no_copy_of_the_generator() -> None:
    images, _, interpreter = stages()
    _, maps = images.generator.synthesis.with_features(
        *images.drawn_styles([torch.Generator().manual_seed(0)], truncation=1.0)
    )
    assert interpreter.ensemble.inputs == sum(one.shape[1] for one in maps)
    assert {name.split(".")[0] for name in interpreter.state_dict()} == {"ensemble", "pool_seed", "steps"}


def interpreter_on_own_images(**changes: str) -> tuple[ImageGANStage, InterpreterStage]:
    images, _, interpreter = stages(**changes)
    own = Own(images, 3)
    styles, noise = images.drawn_styles([torch.Generator().manual_seed(i) for i in range(3)], truncation=1.0)
    exemplars = Exemplars(styles.detach(), torch.from_numpy(own.labels).long(), noise)
    interpreter.source.exemplars = lambda _: exemplars
    interpreter.prepare(Gathered())
    return images, interpreter


def test_the_interpreter_learns_what_the_image_shows() -> None:
    images, interpreter = interpreter_on_own_images()
    update = update_of(interpreter)
    for _ in range(150):
        interpreter.step({}, update)
    interpreter.eval()
    generators = [torch.Generator().manual_seed(i) for i in range(3)]
    drawn, shares, scores = interpreter.draw_scored(generators)
    own = Own(images, 3)
    assert torch.equal(drawn, torch.from_numpy(own.images))
    assert (shares.argmax(dim=1).numpy() == own.labels).mean() > 0.9
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(3, SIZE, SIZE))
    assert scores.shape == (3,)
    alone = interpreter.draw_scored([torch.Generator().manual_seed(1)])
    torch.testing.assert_close(alone[2], scores[1:2], rtol=1e-3, atol=1e-5)


def test_a_restart_of_the_encoder_changes_nothing() -> None:
    _, encoder, *_ = stages(inversion_start="encoder", pyramid_width="8")
    fresh = copy.deepcopy(encoder)
    fresh.build_optimizers()
    batch = Batch(torch.rand(4, 1, SIZE, SIZE) * 2 - 1, torch.zeros(4, SIZE, SIZE, dtype=torch.int64))
    update = update_of(encoder)
    for step in range(4):
        if step == 2:
            saved = capture(encoder, update.generator)
        encoder.step({"unlabelled": batch}, update)
    again = update_of(fresh)
    restore(fresh, saved, again.generator)
    for _ in range(2):
        fresh.step({"unlabelled": batch}, again)
    assert all(torch.equal(value, weights(fresh)[name]) for name, value in weights(encoder).items())


@pytest.mark.parametrize("which", ["inversion", "interpreter"])
def test_a_restart_in_the_middle_changes_nothing(which: str) -> None:
    """16 steps, past the middle of a group and of a pool, at once or in two runs: the same weights, bit for bit."""
    images, inversion, interpreter = stages()
    images.requires_grad_(False)
    own, stage = Own(images), inversion if which == "inversion" else interpreter
    inversion.prepare(Gathered(labelled=own))
    fresh = copy.deepcopy(stage)
    if which == "interpreter":
        for one in (stage, fresh):
            one.settings = one.settings.model_copy(update={"pixels_per_image": 32})
            one.source.inversion.settings = inversion.settings.model_copy(update={"minimum_explained": -99.0})
            one.prepare(Gathered())
    fresh.build_optimizers()
    update = update_of(stage)
    for step in range(16):
        if step == 7:
            saved = capture(stage, update.generator)
        stage.step({}, update)
    again = update_of(fresh)
    restore(fresh, saved, again.generator)
    for _ in range(9):
        fresh.step({}, again)
    mine, theirs = weights(stage), weights(fresh)
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_an_inversion_comes_nearer_to_its_image() -> None:
    images, inversion, _ = stages(inversion_steps="40", inversion_mean_weight="0")
    images.requires_grad_(False)
    inversion.prepare(Gathered(labelled=Own(images)))
    update = update_of(inversion)
    errors = []
    while not inversion.finished():
        inversion.step({}, update)
        if int(inversion.steps) in (1, 40):
            errors.append(float((inversion.reconstructions() - inversion.targets)[:2].square().mean()))
    assert errors[1] < 0.5 * errors[0]
    assert int(inversion.steps) == 2 * 40
    assert InversionStage.budget(inversion.task, inversion.settings).total_images == 2 * 2 * 40


def test_an_inversion_may_begin_at_what_an_encoder_says() -> None:
    images, encoder, inversion, _ = stages(inversion_start="encoder", encoder_kimg="0.2", pyramid_width="8")
    assert isinstance(encoder, ImageEncoderStage)
    assert not encoder.sees_labels
    assert inversion.stands_on == (images, encoder)
    images.requires_grad_(False)
    own, update = Own(images), update_of(encoder)
    reals = torch.from_numpy(own.images)
    batch = Batch(reals, torch.zeros(len(reals), SIZE, SIZE, dtype=torch.int64))
    frozen = weights(images)
    losses = [float(encoder.step({"unlabelled": batch}, update)["encoder"]["styles"]) for _ in range(30)]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    assert all(torch.equal(value, frozen[name]) for name, value in weights(images).items())
    encoder.encoder_average.load_state_dict(encoder.encoder.state_dict())
    inversion.prepare(Gathered(labelled=own))
    with torch.no_grad():
        inversion._start(inversion.latents[0], inversion.targets[:2], update_of(inversion))
    assert torch.equal(inversion.latents[0], encoder.encoded(inversion.targets[:2]))
    assert encoder.reconstructed_images(reals).shape == reals.shape


def test_poor_inversions_are_left_out_and_none_at_all_is_refused() -> None:
    images, inversion, interpreter = stages()
    inversion.prepare(Gathered(labelled=Own(images)))
    inversion.settings = inversion.settings.model_copy(update={"minimum_explained": 1.0})
    with pytest.raises(UserError, match="minimum_explained below 1"):
        interpreter.prepare(Gathered())
    with torch.no_grad():
        # The second image is the reconstruction itself: it alone is explained.
        inversion.targets[1] = inversion.reconstructions()[1]
    interpreter.prepare(Gathered())
    assert torch.equal(interpreter._exemplars.labels, inversion.labels[1:2])


def test_too_few_labelled_images_are_one_sentence() -> None:
    _, inversion, _ = stages()
    inversion.check(labelled=3)
    with pytest.raises(UserError, match="--set labelled_images=2"):
        inversion.check(labelled=2)


def test_an_oracle_labels_what_the_generator_draws() -> None:
    images, segmenter, interpreter = stages(labels="oracle", oracle_truncation="1", oracle_draws="3")
    assert interpreter.stands_on == (images, segmenter)
    assert segmenter.streams == ("labelled",)
    assert isinstance(interpreter.source, OracleLabels)
    found = interpreter.source.exemplars(Gathered())
    drawn = torch.from_numpy(Own(images, 3).images)
    assert torch.equal(found.labels, segmenter.probabilities(drawn).argmax(dim=1))


def test_an_oracle_uses_images_that_hold_the_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    images, segmenter, interpreter = stages(labels="oracle", oracle_truncation="1", oracle_draws="40")
    drawn = Own(images, 40).images[:, 0].mean(axis=(1, 2))
    bright = float(np.sort(drawn)[-2])

    def of_brightness(given: Tensor) -> Tensor:
        """The last label, in the two brightest of the images alone."""
        held = (given.mean(dim=(1, 2, 3)) >= bright - 1e-5).long()[:, None, None].expand(-1, SIZE, SIZE)
        return torch.nn.functional.one_hot(held * (LABELS - 1), LABELS).movedim(-1, 1).float()

    monkeypatch.setattr(segmenter, "probabilities", of_brightness)
    found = interpreter.source.exemplars(Gathered())
    assert len(found.labels) == 3
    assert (found.labels == LABELS - 1).flatten(1).any(dim=1).sum() >= 1
    with torch.no_grad():
        again = images.generator_average(found.styles, found.noise)[0].clamp(-1, 1)
    assert torch.equal(of_brightness(again).argmax(dim=1), found.labels)


def test_annotated_images_are_drawn_again_as_they_were() -> None:
    images, interpreter = stages(labels="annotation")
    assert interpreter.gathers == ("annotated",)
    assert isinstance(interpreter.source, AnnotatedLabels)
    generators = tuple(torch.Generator().manual_seed(i) for i in range(3))
    given = Annotations(torch.zeros(3, SIZE, SIZE, dtype=torch.int64), generators, 0.7)
    found = interpreter.source.exemplars(Gathered(annotated=given))
    again = images.draw_images([torch.Generator().manual_seed(i) for i in range(3)], truncation=0.7)
    assert found.noise is not None
    with torch.no_grad():
        assert torch.equal(images.generator_average(found.styles, found.noise)[0].clamp(-1, 1), again)
