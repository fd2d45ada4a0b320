"""Is anything lost when a command is interrupted? Commands are killed, starved of disk, forbidden to write, robbed of an input.

Usage: python benchmarks/interruptions.py [--commands A,B,...] [--kills N] [--others N] [--recipe-kills N] [--seed S]

Each command runs once undisturbed. Then it is disturbed at random moments, in a process of its own, and run again until it ends:

  kill        SIGKILL, up to three times before it may end
  full disk   a file system that holds a random share of the result, made larger afterwards
  read-only   all that is there of the output, and its place, becomes read-only, and writable again afterwards
  no input    a random file that it reads is moved away, and put back afterwards
  second      the same command at the same time, into the same place, must be refused

In the end the result must be that of the undisturbed run, byte for byte in every file, apart from recorded times and memory in JSON
and the lock; nothing else may lie beside it, no input have changed. What is not killed must end with code 0, or with 2 and
one sentence. An earlier result that is being replaced (--overwrite) must be whole at every moment, there or beside. Full disks
are real file systems in memory (tmpfs), which needs root; the commands then run as nobody, since root may write what is read-only.
Anything else is a defect; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Processes are forked from this one, which has imported everything: they start in no time, and no thread of torch is forked.
os.environ["OMP_NUM_THREADS"] = "1"

import matplotlib.backends.backend_agg
import matplotlib.figure  # noqa: F401
import monai.inferers
import monai.networks.nets  # noqa: F401
import skimage.measure
import skimage.morphology  # noqa: F401
import torch._dynamo  # noqa: F401
from rich.console import Console
from rich.table import Table

from interrupted_commands import RECIPES, Command, prepare
from segmint.cli.main import main as segmint_main

VERBS = ("convert", "train joint-stylegan2", "sample", "evaluate", "trial", "segment train", "curate")
_IN_PLACE = ("train", "trial", "segment")
_TIMES = {"seconds", "images_per_second", "memory_mb"}
_MOST_KILLS, _PATIENCE = 3, 900.0
_NOBODY = 65534
KINDS = ("kill", "full disk", "read-only", "no input", "second")


class Defect(Exception):
    """Something was lost, changed, or not said in one sentence."""


@dataclass
class Outcome:
    """What became of one command under one kind of disturbance."""

    tried: int = 0
    hit: int = 0
    defects: list[str] = field(default_factory=list)


class Process:
    """A command in a process of its own."""

    def __init__(self, words: list[str], said: Path, cache: Path) -> None:
        self.said = said
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid:
            return
        try:
            handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(handle, 1)
            os.dup2(handle, 2)
            os.environ["SEGMINT_CACHE"] = str(cache)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(_NOBODY)
                os.setuid(_NOBODY)
            code = segmint_main(words)
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException as error:
            os.write(2, f"Traceback {error!r}".encode())
            code = 99
        os._exit(code)

    def wait(self) -> int:
        """Its exit code, or minus the signal that ended it."""
        began = time.monotonic()
        while (ended := os.waitpid(self.pid, os.WNOHANG))[0] == 0:
            if time.monotonic() - began > _PATIENCE:
                self.kill()
                os.waitpid(self.pid, 0)
                raise Defect(f"longer than {_PATIENCE:g} s")
            time.sleep(0.002)
        return os.waitstatus_to_exitcode(ended[1])

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def refused(self, code: int) -> bool:
        """Whether it ended with one sentence.

        Raises:
            Defect: it ended otherwise.
        """
        said = self.said.read_text(errors="replace")
        sentences = [line for line in said.splitlines() if line.startswith("segmint: ")]
        if code not in (0, 2) or "Traceback" in said or len(sentences) != (code == 2):
            raise Defect(f"exit code {code}: {said[-600:]}")
        return code == 2


class Bench:
    """A command, its place, and what it gives undisturbed."""

    def __init__(self, command: Command, base: Path, dice: random.Random) -> None:
        self.command, self.base, self.dice = command, base, dice
        self.disk, self.cache, self.said = base / "disk", base / "cache", base / "said.txt"
        self.out = self.disk / "out"
        self.inputs = fingerprint(*command.reads)
        self.clear()
        began = time.monotonic()
        self.finish(self.start())
        self.seconds = time.monotonic() - began
        self.expected = contents(self.out)
        self.bytes = sum(path.stat().st_size for path in self.out.rglob("*") if path.is_file())

    def clear(self) -> None:
        for folder in (self.disk, self.cache):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o777)
            for path in folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def start(self, *more: str) -> Process:
        begun = (self.out / "config.json").exists()
        return Process([*self.command.line(self.out, begun=begun), *more], self.said, self.cache)

    def finish(self, process: Process) -> None:
        code = process.wait()
        if process.refused(code):
            raise Defect(f"did not end well: {self.said.read_text(errors='replace')[-600:]}")

    def check(self) -> None:
        """The result, what lies beside it, and the inputs are as they should be."""
        found = contents(self.out)
        missing, more = sorted(self.expected.keys() - found.keys()), sorted(found.keys() - self.expected.keys())
        other = sorted(name for name in self.expected.keys() & found.keys() if self.expected[name] != found[name])
        if missing or more or other:
            raise Defect(f"missing {missing}, too many {more}, different {other}")
        beside = sorted(
            path.name for path in self.disk.iterdir() if path != self.out and not path.name.endswith(".writing")
        )
        if beside:
            raise Defect(f"left beside the result: {beside}")
        if fingerprint(*self.command.reads) != self.inputs:
            raise Defect("an input has changed")

    def moment(self) -> None:
        time.sleep(self.dice.uniform(0.0, self.seconds))

    # -- disturbances: each says whether it came in time -----------------------------------------------------------------

    def killed(self) -> int:
        kills = 0
        replaces = self.command.words[0] not in _IN_PLACE and self.dice.random() < 0.5
        if replaces:
            self.finish(self.start())
        for _ in range(self.dice.randint(1, _MOST_KILLS)):
            process = self.start(*(["--overwrite"] if replaces else []))
            self.moment()
            process.kill()
            kills += process.wait() == -signal.SIGKILL
            if replaces:
                self._earlier_is_whole()
            elif self.out.exists() and self.command.words[0] not in _IN_PLACE:
                break
        else:
            self.finish(self.start(*(["--overwrite"] if replaces else [])))
        return kills

    def _earlier_is_whole(self) -> None:
        places = [path for path in self.disk.iterdir() if path == self.out or path.name.startswith(".out.old-")]
        if not any(contents(path) == self.expected for path in places):
            raise Defect("the earlier result is gone")

    def filled(self) -> bool:
        _remount(self.disk, f"size={max(4096, int(self.bytes * self.dice.uniform(0.02, 0.95)))}")
        process = self.start()
        hit = process.refused(process.wait())
        if hit and self.command.words[0] not in _IN_PLACE and self.out.exists():
            raise Defect("a result after a refusal")
        _remount(self.disk, "size=4g")
        if hit:
            self.finish(self.start())
        return hit

    def forbidden(self) -> bool:
        process = self.start()
        self.moment()
        modes = {}
        # Folders first: nothing is made in them any more.
        for path in sorted([self.disk, *self.disk.rglob("*")], key=lambda one: not one.is_dir()):
            with contextlib.suppress(FileNotFoundError):
                modes[path] = path.stat().st_mode
                path.chmod(modes[path] & ~0o222)
        code = process.wait()
        for path, mode in modes.items():
            with contextlib.suppress(FileNotFoundError):
                path.chmod(mode)
        hit = process.refused(code)
        if hit:
            self.finish(self.start())
        return hit

    def robbed(self) -> bool:
        files = sorted(path for folder in self.command.reads for path in folder.rglob("*") if path.is_file())
        taken = self.dice.choice(files)
        process = self.start()
        # Most is read early.
        time.sleep(self.dice.random() ** 3 * self.seconds / 2)
        taken.rename(self.base / "taken")
        code = process.wait()
        (self.base / "taken").rename(taken)
        hit = process.refused(code)
        if hit:
            self.finish(self.start())
        return hit

    def doubled(self) -> bool:
        process = self.start()
        held = (self.disk / ".out.writing", self.out / ".lock")
        while not any(path.exists() for path in held):
            time.sleep(0.0005)
        other = Process(self.command.line(self.out), self.base / "said-by-the-second.txt", self.cache)
        if not other.refused(other.wait()):
            raise Defect("a second one was let in")
        self.finish(process)
        return True


def _remount(disk: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", disk], check=True, capture_output=True)


def contents(folder: Path) -> dict[str, str]:
    """Hashes of all files by name; of JSON without times."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and path.name != ".lock" and not name.startswith("tensorboard"):
            content = path.read_bytes()
            if path.suffix == ".json":
                content = _without_times(json.loads(content))
            elif path.suffix == ".jsonl":
                content = b"\n".join(_without_times(json.loads(line)) for line in content.splitlines())
            found[name] = hashlib.sha256(content).hexdigest()
    return found


def _without_times(content: Any) -> bytes:
    def clear(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: clear(one) for key, one in value.items() if key not in _TIMES}
        return [clear(one) for one in value] if isinstance(value, list) else value

    return json.dumps(clear(content), sort_keys=True).encode()


def fingerprint(*folders: Path) -> dict[str, str]:
    return {f"{folder}/{name}": digest for folder in folders for name, digest in contents(folder).items()}


def disturb(bench: Bench, kind: str, count: int) -> Outcome:
    """Disturb a command until it was hit `count` times, or tried three times as often."""
    acts: dict[str, Callable[[], int]] = {
        "kill": bench.killed,
        "full disk": bench.filled,
        "read-only": bench.forbidden,
        "no input": bench.robbed,
        "second": bench.doubled,
    }
    outcome = Outcome()
    while outcome.hit < count and outcome.tried < 3 * count:
        outcome.tried += 1
        bench.clear()
        try:
            outcome.hit += acts[kind]()
            bench.check()
        except Defect as defect:
            outcome.hit += 1
            outcome.defects.append(f"{bench.command.name}, {kind}, try {outcome.tried}: {defect}")
            print(f"DEFECT {outcome.defects[-1]}", flush=True)
    return outcome


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commands", default=",".join(VERBS))
    parser.add_argument("--recipes", default=",".join(RECIPES), help="trained and killed too; none: empty")
    parser.add_argument("--kills", type=int, default=8, help="SIGKILLs of each command")
    parser.add_argument("--others", type=int, default=3, help="disturbances of each other kind, of each command")
    parser.add_argument("--recipe-kills", type=int, default=2, help="SIGKILLs of a training of each recipe")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> int:
    options = parse()
    verbs = [name for name in options.commands.split(",") if name]
    recipes = [f"train {name}" for name in options.recipes.split(",") if name]
    plan = {name: {"kill": options.kills} | dict.fromkeys(KINDS[1:4], options.others) | {"second": 1} for name in verbs}
    plan |= {name: {"kill": options.recipe_kills} for name in recipes if name not in plan}
    base = Path(tempfile.mkdtemp(prefix="interruptions-"))
    base.chmod(0o755)
    os.environ["MPLCONFIGDIR"] = str(base)
    disk = base / "disk"
    disk.mkdir()
    mounted = os.geteuid() == 0 and not subprocess.run(["mount", "-t", "tmpfs", "tmpfs", disk], check=False).returncode
    if not mounted:
        print("Not root: no disk is filled.")
    defects, table = [], Table("command", "seconds", *KINDS, "lost", header_style="bold")
    try:
        # In a process of its own: torch starts threads when it first computes, and those cannot be forked.
        commands = _prepared(base / "inputs")
        for name, kinds in plan.items():
            bench = Bench(commands[name], base, random.Random(f"{options.seed} {name}"))
            outcomes = {
                kind: disturb(bench, kind, count)
                for kind, count in kinds.items()
                if count and (mounted or kind != "full disk")
            }
            lost = [one for outcome in outcomes.values() for one in outcome.defects]
            defects += lost
            shown = [f"{outcomes[kind].hit}" if kind in outcomes else "" for kind in KINDS]
            table.add_row(name, f"{bench.seconds:.1f}", *shown, str(len(lost)))
            print(
                f"{name}: " + ", ".join(f"{kind} {one.hit} of {one.tried}" for kind, one in outcomes.items()),
                flush=True,
            )
    finally:
        if mounted:
            subprocess.run(["umount", disk], check=True)
        shutil.rmtree(base, ignore_errors=True)
    Console(width=120).print(table)
    print(f"{len(defects)} defects")
    return 1 if defects else 0


def _prepared(inputs: Path) -> dict[str, Command]:
    """The commands, whose inputs another process has made."""
    import pickle

    receiving, sending = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.environ["SEGMINT_CACHE"] = str(inputs.parent / "cache-of-inputs")
        with os.fdopen(sending, "wb") as pipe:
            pickle.dump(prepare(inputs), pipe)
        os._exit(0)
    os.close(sending)
    with os.fdopen(receiving, "rb") as pipe:
        commands = pickle.load(pipe)
    os.waitpid(pid, 0)
    return commands


if __name__ == "__main__":
    raise SystemExit(main())
