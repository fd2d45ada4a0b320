"""Health watch: names the ways in which a training goes wrong, and what to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# Both as shares of what real images show; chosen so that sound trainings pass through them only in the first kimg.
COLLAPSED_DIVERSITY = 0.5
# Non-saturating losses in nats: at these values D tells nearly every sample, and G's gradient comes from outliers.
WON_DISCRIMINATOR_LOSS, WON_GENERATOR_LOSS, WON_TICKS = 0.1, 4.0, 3


@dataclass(frozen=True)
class Finding:
    """code: stable name; message: what was seen; advice: what to try."""

    code: str
    message: str
    advice: str

    def as_json(self) -> dict[str, str]:
        """For log.jsonl."""
        return asdict(self)


def not_finite(network: str, images: int) -> Finding:
    """A loss became infinite or NaN."""
    return Finding(
        "loss_not_finite",
        f"the loss of the {network} was no longer finite after {images / 1000:g} kimg",
        "halve the learning rate (--set learning_rate=...), or use --precision float32, and resume from the last checkpoint",
    )


def assess(lines: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Findings for the newest of a stage's log lines, given those before it.

    A function of the log alone, so that it says the same after a resume.
    """
    findings = []
    if _discriminator_won(lines):
        findings.append(
            Finding(
                "discriminator_won",
                f"for {WON_TICKS} ticks the discriminator has told real from fake almost without error "
                f"(loss below {WON_DISCRIMINATOR_LOSS}), so the generator learns little",
                "use the repaired preset (augmentation, softened label maps), raise --set r1_gamma, or give more images",
            )
        )
    diversity = lines[-1].get("diversity")
    if diversity is not None and diversity < COLLAPSED_DIVERSITY:
        findings.append(
            Finding(
                "mode_collapse",
                f"fakes differ from one another only {diversity:.0%} as much as real pairs do",
                "normal in the first thousands of images; if it stays, train longer, raise --batch, or raise --set r1_gamma",
            )
        )
    return findings


def _discriminator_won(lines: Sequence[Mapping[str, Any]]) -> bool:
    recent = lines[-WON_TICKS:]
    if len(recent) < WON_TICKS:
        return False
    for line in recent:
        generator = line["losses"].get("generator", {}).get("adversarial")
        discriminator = line["losses"].get("discriminator", {}).get("adversarial")
        if generator is None or discriminator is None:
            return False
        if generator < WON_GENERATOR_LOSS or discriminator > WON_DISCRIMINATOR_LOSS:
            return False
    return True
