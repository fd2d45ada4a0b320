"""Labels as users name them."""

from __future__ import annotations

from collections.abc import Sequence

from segmint.errors import UserError


def find_label(name: str, label_names: Sequence[str], *, option: str) -> int:
    """The id of a label given by name or id, the background excepted.

    Args:
        label_names: by id, background first.
        option: what the user gave it to, for the message.

    Raises:
        UserError: there is no such label.
    """
    known = list(label_names)
    label = known.index(name) if name in known else int(name) if name.isdecimal() else -1
    if not 0 < label < len(known):
        raise UserError(f"{option} {name}: there is no such label; the labels are {', '.join(known[1:])}.")
    return label
