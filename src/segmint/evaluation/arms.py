"""Arms of a trial, such as `100R+300F`: training sets of a segmenter in percentages of the real slices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from segmint.errors import UserError

REAL_ARM, PRIMARY_ARM, GATE = "100R", "100R+300F", "gate"
DEFAULT_ARMS = (REAL_ARM, "100F", "100R+100F", PRIMARY_ARM, "100R+100A", "100R+300A")
GATE_ARMS = (REAL_ARM, GATE)

_TERM = re.compile(r"([0-9]+)([RFCAB])")
_EXAMPLES = "100R, 50R, 100F, 100R+300F or 100R+300A"
_BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Arm:
    """A training set in percent of the real training slices: `real` R, `synthetic` F or C, `flipped` A, `repeated` B.

    C are synthetic pairs that a trial has drawn and `curated` itself, F such as they were drawn or given. B are real slices
    that hold one chosen label, repeated: what balance alone does, without anything new. The `gated` arm is
    what the gate makes of the real slices (`segmint.evaluation.gate`); until it has chosen, it has no shares.
    """

    real: int = 0
    synthetic: int = 0
    flipped: int = 0
    repeated: int = 0
    gated: bool = False
    curated: bool = False

    @property
    def name(self) -> str:
        """The arm as it is written, R before F or C before A before B."""
        return GATE if self.gated else self.content

    @property
    def adds_pairs(self) -> bool:
        """Whether it is all real slices and synthetic pairs, nothing else."""
        return self.gated or (self.real == 100 and self.synthetic > 0 and not self.flipped and not self.repeated)

    @property
    def content(self) -> str:
        """Its shares, also of the arm that the gate chose."""
        drawn = "C" if self.curated else "F"
        shares = ((self.real, "R"), (self.synthetic, drawn), (self.flipped, "A"), (self.repeated, "B"))
        return "+".join(f"{share}{letter}" for share, letter in shares if share)

    def counts(self, real_slices: int) -> ArmCounts:
        """Numbers of slices, where `real_slices` is 100 percent; halves are rounded up.

        Raises:
            UserError: a percentage comes to no slice at all.
        """
        shares = (self.real, self.synthetic, self.flipped, self.repeated)
        numbers = [(share * real_slices + 50) // 100 for share in shares]
        for share, number in zip(shares, numbers, strict=True):
            if share and not number:
                raise UserError(
                    f"The arm {self.name} has {share}% of {real_slices} real slices, which is none: raise it."
                )
        return ArmCounts(*numbers)


@dataclass(frozen=True)
class ArmCounts:
    """Numbers of slices of an arm by origin."""

    real: int
    synthetic: int
    flipped: int
    repeated: int = 0

    @property
    def total(self) -> int:
        """All slices of the arm."""
        return self.real + self.synthetic + self.flipped + self.repeated


def parse_arm(text: str, *, gate: bool = False, curated: bool = False) -> Arm:
    """Read an arm; the order of its terms does not matter.

    Args:
        gate: "gate" may be one, which the caller then resolves.
        curated: the caller has curated pairs for arms with C.

    Raises:
        UserError: it is no arm.
    """
    if text.strip().lower() == GATE:
        if gate:
            return Arm(gated=True)
        raise UserError(
            "The arm gate is for trials that train their own generators: segmint trial REAL --recipe NAME --gate."
        )
    shares: dict[str, int] = {}
    for term in text.strip().upper().split("+"):
        match = _TERM.fullmatch(term.strip())
        if match is None or match[2] in shares or int(match[1]) == 0:
            raise UserError(
                f"{text!r} is not an arm: join percentages of real (R), synthetic (F), flipped real (A) and repeated real "
                f"(B) slices by +, each letter once, such as {_EXAMPLES}."
            )
        shares[match[2]] = int(match[1])
    if "C" in shares and not curated:
        raise UserError(
            f"The arm {text!r} wants pairs that the trial curates itself (C), which a trial with --recipe does: give that, or what"
            " segmint curate wrote, and call its pairs F."
        )
    if {"F", "C"} <= shares.keys():
        raise UserError(f"The arm {text!r} wants synthetic pairs as drawn (F) and curated (C): name one of the two.")
    arm = Arm(
        real=shares.get("R", 0),
        synthetic=shares.get("F", 0) or shares.get("C", 0),
        flipped=shares.get("A", 0),
        repeated=shares.get("B", 0),
        curated="C" in shares,
    )
    if arm.real > 100:
        raise UserError(f"The arm {text!r} wants more real slices than there are: at most 100R.")
    if arm.flipped > 3 * (arm.real or 100):
        raise UserError(
            f"The arm {text!r} wants {arm.flipped}A: a slice can be flipped three ways, so at most "
            f"{3 * (arm.real or 100)}A here."
        )
    return arm


def expand_arms(text: str) -> list[str]:
    """Arms joined by commas, one for each word in braces: `100R,100R+{25,50}F` is `100R`, `100R+25F` and `100R+50F`.

    Raises:
        UserError: a brace is open, or holds nothing.
    """
    words = [word.strip() for word in re.split(r",(?![^{}]*\})", text) if word.strip()]
    return [arm for word in words for arm in _written_out(word, text)]


def _written_out(word: str, text: str) -> list[str]:
    found = _BRACES.search(word)
    if found is None:
        if "{" in word or "}" in word:
            raise UserError(
                f"--arms {text}: a brace is not closed, or not opened; write it as in 100R,100R+{{25,50}}F."
            )
        return [word]
    choices = [choice.strip() for choice in found[1].split(",")]
    if not all(choices):
        raise UserError(f"--arms {text}: braces with nothing to choose; write it as in 100R,100R+{{25,50}}F.")
    return [arm for one in choices for arm in _written_out(word[: found.start()] + one + word[found.end() :], text)]


def parse_arms(texts: str | Sequence[str], *, gate: bool = False, curated: bool = False) -> tuple[Arm, ...]:
    """Read the arms of a trial, in their order; a string is expanded by `expand_arms` first. Options as of `parse_arm`.

    Raises:
        UserError: there is none, one is no arm, or two are the same.
    """
    named = [one for text in ([texts] if isinstance(texts, str) else texts) for one in expand_arms(text)]
    arms = tuple(parse_arm(text, gate=gate, curated=curated) for text in named)
    if not arms:
        raise UserError(f"The trial has no arms: name some, such as {_EXAMPLES}.")
    for place, arm in enumerate(arms):
        if arm in arms[:place]:
            raise UserError(f"The arm {arm.name} is named twice: name each arm once.")
    return arms
