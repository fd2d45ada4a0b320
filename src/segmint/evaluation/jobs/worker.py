"""A local worker: does the jobs whose files are named to it on standard input, and says on standard output that one ended.

It ends with its standard input, so none is left behind by a call that was killed: a job that runs then is stopped as by
Ctrl-C, and what it has begun is saved.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import TextIO

ENDED = "ended"


def work(orders: TextIO, answers: TextIO) -> int:
    """Do jobs until `orders` ends.

    Returns:
        Exit code: 0, or 130 where a job was stopped.
    """
    jobs: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    # From here to the last job an end of `orders` means that nobody waits for the result any more.
    busy = threading.Event()

    def listen() -> None:
        for line in orders:
            busy.set()
            jobs.put(line.rstrip("\n"))
        jobs.put(None)
        if busy.is_set():
            os.kill(os.getpid(), signal.SIGINT)

    try:
        threading.Thread(target=listen, daemon=True).start()
        while (told := jobs.get()) is not None:
            # Slow, and nothing to do with whether there is work.
            from segmint.evaluation.jobs.perform import perform

            perform(Path(told))
            busy.clear()
            print(ENDED, file=answers, flush=True)
    except KeyboardInterrupt:
        return 130
    return 0


def main() -> int:
    """Standard output is kept for answers: whatever else is printed goes to standard error."""
    # A shell that starts a command in the background has it ignore Ctrl-C, and what that starts too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        return work(sys.stdin, answers)


if __name__ == "__main__":
    sys.exit(main())
