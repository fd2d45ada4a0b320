"""Seeds as users give them."""

from __future__ import annotations

from segmint.errors import UserError

# Above this, torch takes none.
LARGEST = 2**64 - 1


def check_seed(seed: int) -> None:
    """Whether everything random can be drawn from `seed`.

    Raises:
        UserError: it is negative or too large.
    """
    if not 0 <= seed <= LARGEST:
        raise UserError(f"--seed {seed}: give a whole number from 0 to {LARGEST}.")
