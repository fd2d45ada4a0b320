from __future__ import annotations

from typing import Any

import pytest
import torch

from segmint.losses.adversarial_patch import AdversarialKind, discriminator_adversarial, generator_adversarial
from segmint.recipes import vess2image
from segmint.recipes.contract import Task
from segmint.training.health import WON_TICKS, assess


def line(*, generator: float = 1.0, discriminator: float = 1.0, diversity: float | None = None) -> dict[str, Any]:
    losses = {"generator": {"adversarial": generator}, "discriminator": {"adversarial": discriminator}}
    return {"losses": losses, "diversity": diversity}


def test_a_sound_training_has_no_finding() -> None:
    assert assess([line(diversity=0.9)] * 5) == []


def test_a_discriminator_that_stays_ahead_is_named() -> None:
    won = line(generator=8.0, discriminator=0.01)
    assert [finding.code for finding in assess([won] * WON_TICKS)] == ["discriminator_won"]
    assert assess([won] * (WON_TICKS - 1)) == []
    assert assess([won, line(), won]) == []


def test_what_is_high_depends_on_the_loss() -> None:
    """Losses of a repaired vess2image whose discriminator learns ten times as fast, between 68 and 120 images."""
    measured = [(0.081, 2.943), (0.005, 2.009), (0.0, 2.493), (0.001, 1.862), (0.007, 2.529)]
    won = [line(generator=generator, discriminator=discriminator) for discriminator, generator in measured]
    assert [finding.code for finding in assess(won, adversarial="hinge")] == ["discriminator_won"]
    assert assess(won) == [], "cross entropy of that size is none yet"
    even = [line(generator=0.5, discriminator=1.6)] * 5
    assert assess(even, adversarial="hinge") == []


@pytest.mark.parametrize(
    ("form", "real", "fake"), [("bce", 5.0, -5.0), ("hinge", 1.5, -1.5), ("least-squares", 0.95, 0.05)]
)
def test_a_discriminator_that_is_sure_has_won_by_every_loss(form: AdversarialKind, real: float, fake: float) -> None:
    def lines(real: float, fake: float) -> list[dict[str, Any]]:
        reals, fakes = torch.full((4, 1), real), torch.full((4, 1), fake)
        generator = float(generator_adversarial(form, fakes))
        return [
            line(generator=generator, discriminator=float(discriminator_adversarial(form, reals, fakes)))
        ] * WON_TICKS

    assert [finding.code for finding in assess(lines(real, fake), adversarial=form)] == ["discriminator_won"]
    undecided = (real + fake) / 2
    assert assess(lines(undecided, undecided), adversarial=form) == []


def test_a_stage_tells_the_form_of_its_loss() -> None:
    for recipe, preset, form in ((vess2image.RECIPE, "faithful", "bce"), (vess2image.RECIPE, "repaired", "hinge")):
        settings = recipe.settings(preset=preset, capacity="small", changes={})
        (stage,) = recipe.stages(Task(32, 1, 2, 1, 10), settings)
        assert stage.adversarial == form


def looks(*diversities: float, share: float) -> list[dict[str, Any]]:
    return [{**line(diversity=one), "share_done": share} for one in diversities]


def test_collapse_is_named_while_it_lasts() -> None:
    (finding,) = assess(looks(0.9, 0.45, 0.4, share=0.1))
    assert finding.code == "mode_collapse"
    assert "40%" in finding.message
    assert "(90% at best before)" in finding.message
    assert finding.advice
    assert assess(looks(0.2, 0.8, share=0.5)) == []


def test_one_low_look_is_no_collapse() -> None:
    """The diversity of a sound training of 7 kimg on the brain phantom."""
    seen = (1.1, 0.75, 0.51, 0.45, 0.66, 0.58, 0.74, 0.53, 0.55, 0.5, 0.51, 0.65, 0.92)
    assert all(assess(looks(*seen[: n + 1], share=0.07 * n)) == [] for n in range(len(seen)))


def test_the_normal_beginning_is_no_collapse() -> None:
    assert assess(looks(0.57, 0.4, 0.4, share=0.3)) == []
    assert [finding.code for finding in assess(looks(0.57, 0.4, 0.4, share=0.4))] == ["mode_collapse"]


def test_diversity_that_rises_is_no_collapse() -> None:
    """That of a sound training of vess2image on twenty images."""
    seen = (0.23, 0.49, 0.65, 0.76)
    assert all(assess(looks(*seen[: n + 1], share=0.26 * (n + 1))) == [] for n in range(len(seen)))
    assert [finding.code for finding in assess(looks(0.4, 0.45, share=0.5))] == ["mode_collapse"]
    assert [finding.code for finding in assess(looks(0.05, 0.15, share=0.5))] == ["mode_collapse"]


def test_one_sample_only_is_named_at_the_second_look() -> None:
    assert assess(looks(0.03, share=0.07)) == []
    (finding,) = assess(looks(0.03, 0.02, share=0.13))
    assert "nearly one" in finding.message


def test_a_diversity_that_is_no_number_is_no_collapse() -> None:
    """Of one validation slice there is none."""
    nan = float("nan")
    assert assess(looks(nan, nan, share=0.5)) == []
    assert assess(looks(0.4, 0.4, nan, share=0.5)) == []
    assert assess(looks(0.9, nan, 0.4, share=0.5)) == []
    (finding,) = assess(looks(nan, 0.4, nan, 0.3, share=0.5))
    assert "30%" in finding.message


def test_training_samples_that_are_nearly_one_are_named_at_the_first_look() -> None:
    (finding,) = assess([{**line(diversity=1.2), "training_diversity": 0.0}])
    assert finding.code == "training_alike"
    assert "only 0%" in finding.message
    for sound in (0.8, float("nan"), None):
        assert assess([{**line(diversity=1.2), "training_diversity": sound}]) == []


def test_a_segmenter_has_no_adversary() -> None:
    assert assess([{"losses": {"network": {"dice_and_cross_entropy": 0.01}}}] * 5) == []
