"""Which arm is held against real slices alone in the primary comparison: chosen before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

from segmint.errors import UserError
from segmint.evaluation.arms import PRIMARY_ARM, REAL_ARM, Arm, parse_arm


def choose_primary(arms: Sequence[Arm], asked: str | None) -> str | None:
    """Name of the arm asked for, or else that of `default_primary`.

    Raises:
        UserError: the arm asked for is not in the trial, adds no synthetic pairs to all real slices, or 100R is missing.
    """
    if asked is None:
        return default_primary(arms)
    name = parse_arm(asked, gate=True, curated=True).name
    if not any(arm.name == REAL_ARM for arm in arms):
        raise UserError(f"--primary {asked}: the primary comparison is with {REAL_ARM}; name that in --arms too.")
    if name not in {arm.name for arm in arms if arm.adds_pairs}:
        known = ", ".join(_candidates(arms)) or "none of them does"
        raise UserError(
            f"--primary {asked}: choose one of --arms that adds synthetic pairs to {REAL_ARM}, and nothing else ({known})."
        )
    return name


def default_primary(arms: Sequence[Arm]) -> str | None:
    """The gate's arm, or else 100R+300F, or else the only one that adds synthetic pairs to 100R; None where there are several."""
    candidates = _candidates(arms)
    gated = [arm.name for arm in arms if arm.gated and candidates]
    if gated or PRIMARY_ARM in candidates:
        return (*gated, PRIMARY_ARM)[0]
    return candidates[0] if len(candidates) == 1 else None


def without_primary(arms: Sequence[Arm]) -> str:
    """Why a trial of these arms has no primary comparison."""
    if not any(arm.name == REAL_ARM for arm in arms):
        return f"{REAL_ARM}, which arms are compared with, is not in this trial"
    candidates = _candidates(arms)
    if not candidates:
        return f"no arm adds synthetic pairs to {REAL_ARM}"
    return (
        f"none of {', '.join(candidates)} was named with --primary before the trial: each comparison with {REAL_ARM} is"
        " secondary, and its p value adjusted for their number"
    )


def _candidates(arms: Sequence[Arm]) -> list[str]:
    """Names of the arms that may be compared; none without 100R."""
    names = [arm.name for arm in arms if arm.adds_pairs]
    return names if any(arm.name == REAL_ARM for arm in arms) else []
