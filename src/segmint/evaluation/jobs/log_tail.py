"""New lines of a file that another process writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


class LogTail:
    """Reads on where it stopped; what is there when it is made, of an earlier call, is left out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = path.stat().st_size if path.is_file() else 0

    def lines(self) -> Iterator[str]:
        """Whole lines since the last call; none while there is no file."""
        if not self.path.is_file():
            return
        with self.path.open("rb") as handle:
            handle.seek(self.place)
            for line in handle:
                if not line.endswith(b"\n"):
                    break
                self.place += len(line)
                text = line.decode(errors="replace").rstrip()
                if text:
                    yield text
