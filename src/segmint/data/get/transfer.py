"""Downloads that go on where they stopped, through pooch, which checks the sum."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segmint.errors import UserError

_BLOCK = 1 << 16
_SECONDS = 30
# Attempts that bring nothing, one after another; each goes on where the one before it stopped.
_RETRIES = 3


def fetch(url: str, checksum: str, target: Path, *, progress: bool) -> Path:
    """Download `url` to `target`, unless it is there already; what came of it before is kept in `target.part`.

    Args:
        checksum: "md5:..." or "sha256:...".

    Raises:
        UserError: it cannot be reached, or is not what the sum says.
    """
    import pooch
    from requests.exceptions import RequestException

    pooch.get_logger().setLevel(logging.WARNING)
    try:
        pooch.retrieve(
            url,
            known_hash=checksum,
            fname=target.name,
            path=target.parent,
            downloader=Resuming(target.with_name(f"{target.name}.part"), progress=progress),
        )
    except RequestException as error:
        raise UserError(
            f"{url} could not be downloaded ({_reason(error)}): check the connection and run the same command again, which goes on"
            " where it stopped."
        ) from error
    except ValueError as error:
        raise UserError(
            f"{url} is not what was published (its {checksum.split(':')[0]} sum is another), and was thrown away: run the same"
            " command again, and if it stays so get the file by hand."
        ) from error
    return target


def _reason(error: Exception) -> str:
    """The innermost cause, which says what happened."""
    while error.args and isinstance(error.args[-1], Exception):
        error = error.args[-1]
    return " ".join(str(error).split())[:200] or type(error).__name__


class Resuming:
    """Downloader for pooch (a callable of url, file and pooch) that goes on with an earlier one by a range request (RFC 9110)."""

    def __init__(self, part: Path, *, progress: bool) -> None:
        self.part, self.progress = part, progress

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:  # noqa: ARG002
        """Download to `output_file`, which is there in one piece or not at all.

        Raises:
            requests.exceptions.RequestException: it broke off again and again, or was refused.
        """
        from requests.exceptions import ChunkedEncodingError, ConnectionError, Timeout

        failed = 0
        while True:
            before = self._there
            try:
                self._go_on(url)
                break
            except (ChunkedEncodingError, ConnectionError, Timeout):
                failed = 0 if self._there > before else failed + 1
                if failed > _RETRIES:
                    raise
                time.sleep(failed)
        self.part.replace(output_file)

    @property
    def _there(self) -> int:
        """Bytes that have come."""
        return self.part.stat().st_size if self.part.exists() else 0

    def _go_on(self, url: str) -> None:
        import requests
        from requests.exceptions import ConnectionError

        there = self._there
        # What is sent must be the file itself, whose bytes are counted.
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={there}-"} if there else {})}
        with requests.get(url, headers=headers, stream=True, timeout=_SECONDS) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                # All of it is there, or something longer: the sum will tell.
                return
            response.raise_for_status()
            goes_on = response.status_code == requests.codes.partial_content and _start(response) == there
            there = there if goes_on else 0
            length = response.headers.get("Content-Length", "")
            total = there + int(length) if length.isdecimal() else None
            with self.part.open("ab" if goes_on else "wb") as file, _shown(url, total, self.progress) as show:
                show(there)
                for block in response.iter_content(_BLOCK):
                    file.write(block)
                    there += len(block)
                    show(there)
        if total is not None and there != total:
            raise ConnectionError(f"{there} of {total} bytes came")


def _start(response: Any) -> int | None:
    """First byte of a partial answer: "bytes 100-199/200"."""
    words = response.headers.get("Content-Range", "").removeprefix("bytes ").split("-")
    return int(words[0]) if words[0].isdecimal() else None


@contextmanager
def _shown(url: str, total: int | None, progress: bool) -> Iterator[Any]:
    """A line that tells how much has come."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not progress) as bar:
        task = bar.add_task(url.rpartition("/")[2], total=total)
        yield lambda there: bar.update(task, completed=there)
