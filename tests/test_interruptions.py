"""Commands are interrupted for real and lose nothing; and the benchmark that says so would notice if they did."""

from __future__ import annotations

import importlib
import json
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from segmint.cli.main import main
from segmint.recipes import RECIPES

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def interruptions(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("interruptions")


@pytest.mark.slow
def test_some_interruptions() -> None:
    words = ["--commands", "convert,sample,segment train", "--recipes", "", "--kills", "2", "--others", "1"]
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "interruptions.py", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 defects" in done.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("interruptions")
def test_every_recipe_can_be_trained_as_the_benchmark_does(tmp_path: Path) -> None:
    commands = importlib.import_module("interrupted_commands")
    assert set(commands.RECIPES) == {recipe.name for recipe in RECIPES}
    discs = commands.draw_discs(tmp_path / "discs")
    for recipe in commands.RECIPES:
        assert main([*commands.training(recipe, discs).line(tmp_path / "run"), "--dry-run"]) == 0, recipe
    assert not (tmp_path / "run").exists()


def test_times_do_not_count_and_everything_else_does(interruptions: ModuleType, tmp_path: Path) -> None:
    log, weights = tmp_path / "log.jsonl", tmp_path / "stages" / "weights.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"1")
    log.write_text(json.dumps({"images": 8, "seconds": 1.0, "memory_mb": 9}) + "\n")
    (tmp_path / ".lock").touch()
    before = interruptions.contents(tmp_path)
    log.write_text(json.dumps({"images": 8, "seconds": 2.0, "memory_mb": 7}) + "\n")
    (tmp_path / ".lock").unlink()
    assert interruptions.contents(tmp_path) == before
    for path, content in ((log, b'{"images": 9, "seconds": 2.0}\n'), (weights, b"2"), (tmp_path / ".left", b"")):
        path.write_bytes(content)
        after = interruptions.contents(tmp_path)
        assert after != before
        before = after


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda bench: (bench.out / "result.json").unlink(), "missing ['result.json']"),
        (lambda bench: (bench.out / "result.json").write_text("2"), "different ['result.json']"),
        (lambda bench: (bench.out / "more").touch(), "too many ['more']"),
        (lambda bench: (bench.disk / ".out.partial-01234567").mkdir(), "left beside the result"),
        (lambda bench: (bench.base / "input" / "a").write_text("b"), "an input has changed"),
        (lambda _: None, None),
    ],
)
def test_every_loss_is_noticed(spoil: Any, said: str | None, interruptions: ModuleType, tmp_path: Path) -> None:
    bench = undisturbed(interruptions, tmp_path)
    spoil(bench)
    if said is None:
        bench.check()
    else:
        with pytest.raises(interruptions.Defect) as found:
            bench.check()
        assert said in str(found.value)


def test_an_ending_without_a_sentence_is_noticed(interruptions: ModuleType, tmp_path: Path) -> None:
    bench = undisturbed(interruptions, tmp_path)
    for code, text in ((1, ""), (2, "no sentence"), (0, "Traceback (most recent call last)"), (-11, ""), (2, "")):
        bench.said.write_text(text)
        process = object.__new__(interruptions.Process)
        process.said = bench.said
        with pytest.raises(interruptions.Defect, match="exit code"):
            process.refused(code)
    bench.said.write_text("segmint: it is so.\n")
    assert process.refused(2)


def undisturbed(interruptions: ModuleType, base: Path) -> Any:
    """A bench whose command has given one file."""
    (base / "input").mkdir()
    (base / "input" / "a").write_text("a")
    command = interruptions.Command("version", ("--version",), (base / "input",))
    bench = object.__new__(interruptions.Bench)
    bench.command, bench.base, bench.dice = command, base, random.Random(0)
    bench.disk, bench.cache, bench.said = base / "disk", base / "cache", base / "said.txt"
    bench.out = bench.disk / "out"
    bench.inputs = interruptions.fingerprint(*command.reads)
    bench.out.mkdir(parents=True)
    (bench.out / "result.json").write_text("1")
    bench.expected = interruptions.contents(bench.out)
    return bench
