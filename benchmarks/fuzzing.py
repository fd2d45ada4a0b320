"""Is any file able to break segmint? Changed files of every format through the readers, some through the command line.

Usage: python benchmarks/fuzzing.py [--files N] [--commands N] [--kinds A,B,...] [--workers N] [--seed S]

Every file is read by a worker process that may take no more than 2 GB beyond what it had at its start, and is killed after ten
seconds. A file is read rightly (what is read equals what the format's own library reads), or refused with a UserError of one line.
Everything else is a defect and is printed with the seed that makes the file again; the exit code is then 1. Commands run in
processes of their own: exit code 0, or 2 with one sentence on stderr; nothing new beside --out, and no --out after a refusal.
Needs the extras dicom, itk and test for all kinds.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from fuzz_mutations import mutate
from fuzz_originals import Original, originals
from fuzz_reading import Wrong, read_and_compare
from segmint.errors import UserError

SECONDS, MEMORY = 10.0, 2_000_000_000
KINDS = ("png", "tiff", "nifti", "mha", "dicom", "json")
RIGHT, REFUSED = "read rightly", "refused"
DEFECTS = ("wrong values", "traceback", "hang", "out of memory", "worker died")
_COMMANDS = {
    "mha": ("convert", "brats-2015", "{folder}", "--out", "{out}"),
    "dicom": ("convert", "dicom", "{folder}", "--out", "{out}"),
    "json": ("inspect", "{folder}"),
}
_FOLDERS = ("convert", "folders", "{folder}/images", "{folder}/masks", "--out", "{out}")
_MAIN = "import sys; from segmint.cli.main import main; sys.exit(main())"


@dataclass(frozen=True)
class Found:
    """What became of one file."""

    outcome: str
    said: str = ""
    memory: int = 0
    seconds: float = 0.0


def main() -> None:
    """Change, read, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000, help="changed files through the readers, over all kinds")
    parser.add_argument("--commands", type=int, default=50, help="changed files through the command line")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    kinds = options.kinds.split(",")
    made = originals(kinds)
    console = Console(width=140, highlight=False)
    defects = _through_readers(console, made, options)
    defects += _through_commands(console, made, options)
    sys.exit(1 if defects else 0)


def _changed(made: dict[str, list[Original]], kinds: list[str], number: int, seed: int) -> tuple[Original, bytes]:
    """File `number`, always the same one."""
    kind = kinds[number % len(kinds)]
    random = np.random.default_rng([seed, number])
    original = made[kind][int(random.integers(len(made[kind])))]
    return original, mutate(original, random)


def _through_readers(console: Console, made: dict[str, list[Original]], options: Any) -> int:
    found: dict[str, list[Found]] = defaultdict(list)
    kinds = list(made)
    with tempfile.TemporaryDirectory() as folder:
        workers = [Worker(Path(folder) / str(number)) for number in range(options.workers)]
        waiting = {worker: -1 for worker in workers}
        next_file, defects = 0, 0
        while waiting:
            for worker in list(waiting):
                number = waiting[worker]
                outcome = worker.outcome() if number >= 0 else None
                if number >= 0 and outcome is None:
                    continue
                if outcome is not None:
                    found[kinds[number % len(kinds)]].append(outcome)
                    if outcome.outcome in DEFECTS:
                        defects += 1
                        name = f"{kinds[number % len(kinds)]}, file {number} of seed {options.seed}"
                        console.print(f"DEFECT {outcome.outcome}: {name}\n{outcome.said}", markup=False)
                if next_file < options.files:
                    worker.start(*_changed(made, kinds, next_file, options.seed))
                    waiting[worker] = next_file
                    next_file += 1
                else:
                    worker.stop()
                    del waiting[worker]
            time.sleep(0.002)
    _print_table(console, "Changed files through the readers", found)
    return defects


class Worker:
    """A process that reads files, one at a time, and is replaced when it hangs or dies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._launch()

    def _launch(self) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("fork").Process(target=_work, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def start(self, original: Original, content: bytes) -> None:
        """Begin with one file."""
        shutil.rmtree(self.folder, ignore_errors=True)
        changed = original.write(self.folder / "in", content)
        self._since = time.monotonic()
        self._pipe.send((original.kind, self.folder / "in", changed))

    def outcome(self) -> Found | None:
        """What became of it, None while it is being read."""
        try:
            if self._pipe.poll():
                result: Found = self._pipe.recv()
                return result
        except (EOFError, OSError):
            code = self._process.exitcode
            self._replace()
            return Found("worker died", f"exit code {code}")
        if not self._process.is_alive():
            code = self._process.exitcode
            self._replace()
            return Found("worker died", f"exit code {code}")
        if time.monotonic() - self._since > SECONDS:
            self._replace()
            return Found("hang", f"longer than {SECONDS:g} s", seconds=SECONDS)
        return None

    def _replace(self) -> None:
        self.stop()
        self._launch()

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _work(pipe: Connection) -> None:
    while True:
        kind, folder, changed = pipe.recv()
        mine = psutil.Process()
        before = mine.memory_info()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (before.vms + MEMORY, hard))
        start = time.monotonic()
        outcome, said = RIGHT, ""
        try:
            read_and_compare(kind, folder, changed)
        except UserError as error:
            outcome, said = REFUSED, str(error)
            if "\n" in said or not said.endswith((".", ".)")):
                outcome = "traceback"
        except Wrong as error:
            outcome, said = "wrong values", str(error)
        except MemoryError:
            outcome, said = "out of memory", traceback.format_exc()
        except Exception:
            outcome, said = "traceback", traceback.format_exc()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        pipe.send(Found(outcome, said, max(0, peak - before.rss), time.monotonic() - start))


def _through_commands(console: Console, made: dict[str, list[Original]], options: Any) -> int:
    found: dict[str, list[Found]] = defaultdict(list)
    kinds = list(made)
    defects = 0
    for number in range(options.commands):
        # Other files than those above.
        original, content = _changed(made, kinds, number, options.seed + 1_000_000)
        with tempfile.TemporaryDirectory() as folder:
            outcome = _command(original, content, Path(folder))
        found[original.kind].append(outcome)
        if outcome.outcome in DEFECTS:
            defects += 1
            console.print(f"DEFECT {outcome.outcome}: command {number}, {original.kind}\n{outcome.said}", markup=False)
    if options.commands:
        _print_table(console, "Changed files through the command line", found)
    return defects


def _command(original: Original, content: bytes, folder: Path) -> Found:
    original.write(folder / "in", content)
    places = {"folder": str(folder / "in"), "out": str(folder / "out")}
    words = [word.format(**places) for word in _COMMANDS.get(original.kind, _FOLDERS)]
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    start = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-c", _MAIN, "data", *words],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=60,
        )
    except subprocess.TimeoutExpired:
        return Found("hang", "longer than 60 s with the start of Python")
    seconds = time.monotonic() - start
    after = {path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(folder / "out")}
    if after != set(before) or any(path.read_bytes() != was for path, was in before.items()):
        return Found("traceback", f"files beside --out: {sorted(after ^ set(before))}", seconds=seconds)
    if done.returncode == 0 and not done.stderr.strip():
        return Found(RIGHT, seconds=seconds)
    if done.returncode == 2 and done.stderr.count("\n") == 1 and not (folder / "out").exists():
        return Found(REFUSED, done.stderr, seconds=seconds)
    return Found("traceback", f"exit code {done.returncode}: {done.stderr}", seconds=seconds)


def _print_table(console: Console, title: str, found: dict[str, list[Found]]) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for heading in ("files", RIGHT, REFUSED, *DEFECTS, "longest, s", "most memory, MB"):
        table.add_column(heading, justify="right")
    for kind, all_of_it in [*found.items(), ("all", [one for ones in found.values() for one in ones])]:
        counts = Counter(one.outcome for one in all_of_it)
        longest = max((one.seconds for one in all_of_it), default=0)
        most = max((one.memory for one in all_of_it), default=0) / 1e6
        cells = [counts[outcome] for outcome in (RIGHT, REFUSED, *DEFECTS)]
        table.add_row(kind, str(len(all_of_it)), *map(str, cells), f"{longest:.1f}", f"{most:.0f}")
    console.print(table)


if __name__ == "__main__":
    main()
