"""Health watch: names the ways in which a training goes wrong, and what to try."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# Shares of what real samples show. Sound trainings of pairs start between 0.4 and 0.6 and pass 0.5 in the first fifth of
# their budget; a generator that draws one sample only stays below 0.1 from the first look on.
COLLAPSED_DIVERSITY, ONE_SAMPLE_DIVERSITY, HEALTHY_DIVERSITY = 0.5, 0.2, 0.8
# Before this share of the budget, low diversity is the normal beginning unless it is as good as none: a fully connected
# generator draws the mean of all masks until then. One look alone says nothing: short trainings dip below half on their way.
BEGINNING = 0.4
# Low diversity that grows by this factor from one look to the next is a slow beginning, or a recovery.
RISING = 1.25
# Training samples that differ from one another less than this share of what they differ from validation samples.
ALIKE_TRAINING = 0.2
# By the form of the adversarial loss: at these values D tells nearly every sample, and G's gradient comes from outliers. In nats
# for cross entropy; G's hinge loss is what D says of fakes, which it then puts beyond its margin of 1.
WON_DISCRIMINATOR_LOSS, WON_TICKS = 0.1, 3
WON_GENERATOR_LOSS = {"bce": 4.0, "least-squares": 0.4, "hinge": 1.0}


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


def assess(lines: Sequence[Mapping[str, Any]], *, adversarial: str = "bce") -> list[Finding]:
    """Findings for the newest of a stage's log lines, given those before it.

    A function of the log alone, and of the form of the adversarial loss, so that it says the same after a resume.
    """
    findings = []
    if _discriminator_won(lines, high=WON_GENERATOR_LOSS[adversarial]):
        findings.append(
            Finding(
                "discriminator_won",
                f"convergence failure: for {WON_TICKS} ticks the discriminator has told real from fake almost without error "
                f"(loss below {WON_DISCRIMINATOR_LOSS}) while the generator's loss is high, so the generator learns little",
                "if it stays, use the repaired preset, slow the discriminator, or give more images",
            )
        )
    alike = lines[-1].get("training_diversity")
    if alike is not None and alike < ALIKE_TRAINING:
        findings.append(
            Finding(
                "training_alike",
                f"the training samples are nearly one: they differ from one another only {alike:.0%} as much as from validation"
                " samples, so all fakes will be nearly one too",
                "look at the training part (reals.png among the previews): is one sample stored many times, or are labels missing?",
            )
        )
    if (collapse := _collapse(lines)) is not None:
        findings.append(collapse)
    return findings


def _collapse(lines: Sequence[Mapping[str, Any]]) -> Finding | None:
    looks = [float(line["diversity"]) for line in lines if _tells_diversity(line)]
    if not _tells_diversity(lines[-1]) or len(looks) < 2 or max(looks[-2:]) >= COLLAPSED_DIVERSITY:
        return None
    advice = (
        "take an earlier checkpoint if there is a good one; else raise --batch, or train with the repaired preset if this is "
        "another"
    )
    if max(looks[-2:]) < ONE_SAMPLE_DIVERSITY:
        return Finding(
            "mode_collapse",
            f"all fakes are nearly one: they differ from one another only {looks[-1]:.0%} as much as real samples do",
            advice,
        )
    if looks[-1] > RISING * looks[-2]:
        return None
    fell = max(looks) >= HEALTHY_DIVERSITY
    if fell or lines[-1].get("share_done", 1.0) >= BEGINNING:
        return Finding(
            "mode_collapse",
            f"fakes differ from one another only {looks[-1]:.0%} as much as real samples do"
            + (f" ({max(looks):.0%} at best before)" if fell else ""),
            advice,
        )
    return None


def _tells_diversity(line: Mapping[str, Any]) -> bool:
    """Whether samples were compared; of a single one, there is no diversity (not a number)."""
    found = line.get("diversity")
    return found is not None and math.isfinite(found)


def _discriminator_won(lines: Sequence[Mapping[str, Any]], *, high: float) -> bool:
    recent = lines[-WON_TICKS:]
    if len(recent) < WON_TICKS:
        return False
    for line in recent:
        generator = line["losses"].get("generator", {}).get("adversarial")
        discriminator = line["losses"].get("discriminator", {}).get("adversarial")
        if generator is None or discriminator is None:
            return False
        if generator < high or discriminator > WON_DISCRIMINATOR_LOSS:
            return False
    return True
