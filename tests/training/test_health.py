from __future__ import annotations

from typing import Any

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


def test_collapse_is_named_while_it_lasts() -> None:
    (finding,) = assess([line(diversity=0.9), line(diversity=0.2)])
    assert finding.code == "mode_collapse"
    assert "20%" in finding.message
    assert finding.advice
    assert assess([line(diversity=0.2), line(diversity=0.8)]) == []


def test_a_segmenter_has_no_adversary() -> None:
    assert assess([{"losses": {"network": {"dice_and_cross_entropy": 0.01}}}] * 5) == []
