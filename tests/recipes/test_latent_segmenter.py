"""The encoder and what is found by optimising its latent, on a generator whose own images are to be found again."""

from __future__ import annotations

import copy

import pytest
import torch

from segmint.recipes.branched_gan import BranchedStage
from segmint.recipes.contract import Batch, Task
from segmint.recipes.latent_segmenter import EncoderStage
from segmint.recipes.semanticgan import RECIPE
from segmint.training.checkpoint import capture, restore
from segmint.training.loop import LoopUpdate
from segmint.training.precision import Hardware

SIZE, LABELS = 32, 3
TINY = {"latent_size": "8", "width_base": "128", "width_maximum": "8", "mask_width": "0.1", "pyramid_width": "8"}


def build(**changes: str) -> tuple[BranchedStage, EncoderStage]:
    settings = RECIPE.settings(preset="repaired", capacity="full", changes={**TINY, **changes})
    pairs, encoder = RECIPE.stages(Task(SIZE, 1, LABELS, 4, 1000), settings)
    assert isinstance(pairs, BranchedStage)
    assert isinstance(encoder, EncoderStage)
    with torch.no_grad():
        # Masks that show: untrained ones are nearly uniform.
        for to_mask in pairs.generator_average.mask_branch.outputs:
            to_mask.convolution.weight *= 4
    pairs.requires_grad_(False).eval()
    encoder.build_optimizers()
    return pairs, encoder


def update_of(stage: EncoderStage, *, precision: str = "float32") -> LoopUpdate:
    return LoopUpdate(stage, Hardware("cpu", precision, 1, ""), torch.Generator().manual_seed(0), 1000)


def own_pairs(pairs: BranchedStage, seed: int = 0, n: int = 4) -> Batch:
    images, maps = pairs.draw([torch.Generator().manual_seed(100 * seed + i) for i in range(n)])
    return Batch(images, maps.argmax(dim=1))


def test_the_encoder_learns_and_the_generator_stays() -> None:
    pairs, encoder = build(average_kimg="0", encoder_rate="0.01")
    before = copy.deepcopy(pairs.state_dict())
    update = update_of(encoder)
    given = {"labelled": own_pairs(pairs), "unlabelled": own_pairs(pairs, 1)}
    logged = [encoder.step(given, update)["encoder"] for _ in range(25)]
    assert set(logged[0]) == {
        "cross_entropy",
        "dice",
        "labelled_pixels",
        "pixels",
        "labelled_perceptual",
        "perceptual",
    }
    for name in ("cross_entropy", "pixels", "labelled_pixels", "perceptual"):
        assert logged[-1][name] < logged[0][name], name
    assert all(torch.equal(value, before[name]) for name, value in pairs.state_dict().items())
    assert {name.split(".")[0] for name in encoder.state_dict()} == {"encoder", "encoder_average"}


def test_labels_of_the_stream_without_labels_are_not_read() -> None:
    pairs, encoder = build()
    other = copy.deepcopy(encoder)
    other.build_optimizers()
    labelled, images = own_pairs(pairs), own_pairs(pairs, 1).images
    for stage, label in ((encoder, 0), (other, 2)):
        hidden = Batch(images, torch.full((4, SIZE, SIZE), label))
        stage.step({"labelled": labelled, "unlabelled": hidden}, update_of(stage, precision="bf16"))
    assert all(torch.equal(a, b) for a, b in zip(encoder.parameters(), other.parameters(), strict=True))


def test_optimising_the_latent_comes_nearer_to_the_image() -> None:
    pairs, encoder = build(inference_steps="30", inference_pixel_weight="1")
    batch = own_pairs(pairs, n=2)
    drafted, _ = encoder.reconstructed(batch.images)
    styles, noise = encoder.optimised(batch.images)
    found, probabilities = encoder._read(styles, noise)
    errors = [(one - batch.images).square().mean() for one in (drafted, found)]
    assert errors[1] < 0.8 * errors[0]
    torch.testing.assert_close(encoder.probabilities(batch.images), probabilities)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(2, SIZE, SIZE))
    for one in noise:
        assert one.mean().abs() < 1e-4
        torch.testing.assert_close(one.var(dim=(1, 2, 3), unbiased=False), torch.ones(2), rtol=1e-2, atol=1e-2)


def test_what_is_found_for_an_image_does_not_depend_on_the_others() -> None:
    pairs, encoder = build(inference_steps="5")
    images = own_pairs(pairs, n=3).images
    together = encoder.optimised(images)[0]
    alone = encoder.optimised(images[1:2])[0]
    torch.testing.assert_close(alone, together[1:2], rtol=1e-3, atol=1e-3)


def test_without_steps_the_encoder_has_the_last_word() -> None:
    pairs, encoder = build(inference_steps="0")
    images = own_pairs(pairs).images
    torch.testing.assert_close(encoder.probabilities(images), encoder.draft(images))


def test_weights_of_the_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum that is minimised, told from what is logged."""
    weights = {"cross_entropy": 2.0, "dice": 3.0, "labelled_pixel": 5.0, "labelled_perceptual": 7.0}
    weights |= {"unlabelled_pixel": 11.0, "unlabelled_perceptual": 13.0}
    pairs, encoder = build(**{f"{name}_weight": str(weight) for name, weight in weights.items()})
    update = update_of(encoder)
    seen: list[float] = []
    monkeypatch.setattr(LoopUpdate, "__call__", lambda _, network, loss: seen.append(float(loss.detach())) or network)
    found = encoder.step({"labelled": own_pairs(pairs), "unlabelled": own_pairs(pairs, 1)}, update)["encoder"]
    names = ("cross_entropy", "dice", "labelled_pixels", "labelled_perceptual", "pixels", "perceptual")
    expected = sum(weight * float(found[name]) for weight, name in zip(weights.values(), names, strict=True))
    assert seen == [pytest.approx(expected, rel=1e-5)]


def test_a_restart_in_the_middle_changes_nothing() -> None:
    pairs, encoder = build()
    _, fresh = build()
    fresh.images = (pairs,)
    given = [{"labelled": own_pairs(pairs, i), "unlabelled": own_pairs(pairs, 10 + i)} for i in range(4)]
    update = update_of(encoder)
    for step in range(4):
        if step == 2:
            saved = capture(encoder, update.generator)
        encoder.step(given[step], update)
    again = update_of(fresh)
    restore(fresh, saved, again.generator)
    for step in range(2, 4):
        fresh.step(given[step], again)
    mine, theirs = encoder.state_dict(), fresh.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
