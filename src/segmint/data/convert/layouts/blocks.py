"""Parting a stack of slices into contiguous blocks, so that neighbours, which look alike, are split as little as can be."""

from __future__ import annotations

import numpy as np

from segmint.errors import UserError

REMARK = (
    "Neighbouring slices resemble each other, also across the borders of blocks, and blocks of one stack are no subjects: "
    "a trial on them is described, not judged."
)


def blocks_of(count: int, *, blocks: int, stack: str) -> list[str]:
    """Name of the block of every slice, "STACK-block1" from the first slices on; sizes differ by one at most.

    Raises:
        UserError: there are not at least 2 blocks, or fewer slices than blocks.
    """
    if not 2 <= blocks <= count:
        raise UserError(
            f"--blocks {blocks} is not possible: {stack} has {count} slices; give a number from 2 to that (4 by default)."
        )
    parts = np.array_split(np.arange(count), blocks)
    return [f"{stack}-block{number}" for number, part in enumerate(parts, start=1) for _ in part]
