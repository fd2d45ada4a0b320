"""What is wrong in how pairs are to be drawn, found before the generator that draws them is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from segmint.data.label_names import find_label
from segmint.errors import UserError
from segmint.recipes import find_recipe
from segmint.training.train import MASK_SOURCES, choose_mask_source


def check_drawing(
    recipe: str,
    *,
    preset: str,
    mask_source: str | None,
    truncation: float | None,
    balance: Mapping[str, float] | None,
    label_names: Sequence[str],
) -> None:
    """Whether a run of such a recipe can draw pairs so.

    Raises:
        UserError: the truncation is out of range, or there is no latent that it could hold near the mean; or the balance
            cannot be read, or has a label that the dataset has not.
    """
    read_balance(balance, label_names)
    if truncation is None:
        return
    check_truncation(truncation)
    chosen = find_recipe(recipe)
    source = choose_mask_source(chosen, preset=preset, named=mask_source)
    if truncation < 1 and source in MASK_SOURCES:
        raise undrawn_masks(truncation, f"{recipe} with --mask-source {source}")


def check_truncation(truncation: float) -> None:
    """Whether it is in range.

    Raises:
        UserError: it is not.
    """
    if not 0 < truncation <= 1:
        raise UserError(f"--truncation {truncation:g} must be above 0 and at most 1.")


def undrawn_masks(truncation: float, painter: str) -> UserError:
    """The refusal of a truncation where masks come from no generator."""
    return UserError(
        f"--truncation {truncation:g} draws masks nearer to the mean, and {painter} paints masks that are not drawn by a"
        " generator: leave it out, or choose another --mask-source."
    )


def read_balance(balance: Mapping[str, float] | None, label_names: Sequence[str]) -> tuple[int, float] | None:
    """{label name or id: share} as (id, share).

    Raises:
        UserError: several labels, an unknown one, or a share outside 0 to 1.
    """
    if not balance:
        return None
    if len(balance) > 1:
        raise UserError("--balance: one label can be balanced at a time.")
    ((name, share),) = balance.items()
    label = find_label(name, label_names, option="--balance")
    if not 0 <= share <= 1:
        raise UserError(f"--balance {name}={share:g}: the share must lie between 0 and 1.")
    return label, share
