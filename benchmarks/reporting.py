"""What the benchmarks print: the machine, each round, the table of rates."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

import typer
from rich.console import Console
from rich.table import Table

from alternation import Rates
from segmint.errors import UserError
from segmint.training.run_folder import describe_environment


def describe_machine(console: Console, threads: int, *, native_bf16: bool) -> None:
    """CPU, torch, threads and their binding, load; and why bf16 is left out where it is."""
    environment = describe_environment()
    binding = ", ".join(f"{name}={os.environ[name]}" for name in ("OMP_PROC_BIND", "OMP_PLACES") if name in os.environ)
    load = os.getloadavg()[0]
    console.print(
        f"CPU: {environment['cpu']}, {environment['cores']} cores, {environment['instructions']}", highlight=False
    )
    console.print(
        f"torch {environment['torch']}, {threads} threads{', ' + binding if binding else ''}; load before the start {load:.1f}",
        highlight=False,
    )
    if not native_bf16:
        console.print(
            "bf16 is skipped: this CPU has neither avx512_bf16 nor amx_bf16, so bf16 would be emulated, and slower."
        )


def print_round(name: str, number: int, rate: float) -> None:
    """One line to stderr, so that a long benchmark is seen to move."""
    print(f"round {number}: {name} {rate:.2f} img/s", file=sys.stderr, flush=True)


def rates_table(title: str, rates: Mapping[str, Rates], *, others: Mapping[str, str]) -> Table:
    """A row for each contestant.

    Args:
        others: name of each contestant that is compared with, and the heading of its column of ratios.
    """
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("img/s, median (range)", justify="right")
    for heading in others.values():
        table.add_column(heading, justify="right")
    for name, mine in rates.items():
        ratios = ["" if name in others else mine.ratio_to(rates[other]) for other in others]
        table.add_row(name, mine.describe(), *ratios)
    return table


def print_share(console: Console, *, wall_seconds: float, busy_seconds: float, threads: int) -> None:
    """How much of its threads' time this process was given while it measured."""
    # Contention does not hit all contestants alike, whatever the order of rounds.
    console.print(
        f"This process had {busy_seconds / wall_seconds / threads:.0%} of its threads' time; a share far below 100% means a "
        "busy machine: repeat."
    )


def run(command: Callable[..., None]) -> None:
    """Run a benchmark's command line; a `UserError` is one sentence and exit code 2."""
    try:
        typer.run(command)
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
