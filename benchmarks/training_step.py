"""Images a second of the joint-stylegan2 training step on this CPU, beside another implementation's.

    python benchmarks/training_step.py --other PATH

One process, alternating rounds; augmentation, data loading, weight averaging and validation are left out on both sides.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from alternation import Rates, alternate
from other_step import build_other_step
from own_step import build_own_step
from segmint.errors import UserError
from segmint.training.precision import choose_hardware
from segmint.training.run_folder import describe_environment
from sizes import R1_EVERY, Sizes, TrainingStep

OWN_FLOAT32, OWN_BF16, OTHER = "segmint float32", "segmint bf16", "other float32"


def main(
    *,
    other: Annotated[
        Path | None, typer.Option(help="Folder or Python file of another implementation; see other_step.py.")
    ] = None,
    size: Annotated[int, typer.Option(help="Side of the images, pixels.")] = 64,
    image_channels: Annotated[int, typer.Option(help="Image channels.")] = 1,
    label_maps: Annotated[int, typer.Option(help="Label maps; the networks see image channels + label maps.")] = 3,
    width_base: Annotated[int, typer.Option(help="Feature maps at resolution r: width-base / r ...")] = 4096,
    width_maximum: Annotated[int, typer.Option(help="... and at most this.")] = 128,
    latent_size: Annotated[int, typer.Option(help="Size of z and w.")] = 512,
    batch: Annotated[int, typer.Option(help="Images a step.")] = 16,
    threads: Annotated[int | None, typer.Option(help="CPU threads; all cores if not given.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Measured rounds.")] = 5,
    steps: Annotated[
        int, typer.Option(min=1, help="Steps a round without regularisers; with them, whole periods of 16.")
    ] = 4,
    variant: Annotated[str, typer.Option(help="plain (without the lazy regularisers), regularised, or both.")] = "both",
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Measure and print."""
    console = Console()
    sizes = Sizes(size, image_channels, label_maps, width_base, width_maximum, latent_size, batch)
    regularised_variants = {"plain": (False,), "regularised": (True,), "both": (False, True)}.get(variant)
    if regularised_variants is None:
        raise UserError(f"--variant {variant} is unknown: use plain, regularised or both.")
    hardware = choose_hardware(device="cpu", threads=threads)
    hardware.apply()
    native_bf16 = hardware.precision == "bf16"
    _describe_machine(console, hardware.threads, native_bf16=native_bf16)
    for regularised in regularised_variants:
        contestants = _contestants(
            sizes, other, native_bf16=native_bf16, threads=hardware.threads, regularised=regularised, seed=seed
        )
        # A whole period holds each lazy term exactly as often as training does.
        length = -(-steps // R1_EVERY) * R1_EVERY if regularised else steps
        wall, busy = time.perf_counter(), time.process_time()
        rates = alternate(contestants, rounds=rounds, steps=length, batch=batch, on_round=_print_round)
        share = (time.process_time() - busy) / (time.perf_counter() - wall) / hardware.threads
        console.print(_table(sizes, rates, regularised=regularised, rounds=rounds, steps=length))
        # Contention does not hit all contestants alike, whatever the order of rounds.
        console.print(
            f"This process had {share:.0%} of its threads' time; a share far below 100% means a busy machine: repeat."
        )


def _describe_machine(console: Console, threads: int, *, native_bf16: bool) -> None:
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


def _contestants(
    sizes: Sizes, other: Path | None, *, native_bf16: bool, threads: int, regularised: bool, seed: int
) -> dict[str, TrainingStep]:
    contestants = {
        OWN_FLOAT32: build_own_step(sizes, precision="float32", threads=threads, regularised=regularised, seed=seed)
    }
    if native_bf16:
        contestants[OWN_BF16] = build_own_step(
            sizes, precision="bf16", threads=threads, regularised=regularised, seed=seed
        )
    if other is not None:
        contestants[OTHER] = build_other_step(other, sizes, regularised=regularised, seed=seed)
    return contestants


def _print_round(name: str, number: int, rate: float) -> None:
    print(f"round {number}: {name} {rate:.1f} img/s", file=sys.stderr, flush=True)


def _table(sizes: Sizes, rates: dict[str, Rates], *, regularised: bool, rounds: int, steps: int) -> Table:
    kind = "with R1 every 16 and path length every 4 steps" if regularised else "without the lazy regularisers"
    table = Table(
        title=f"Training step {kind}: {sizes.size} px, {sizes.channels} channels, width {sizes.width_base} / "
        f"{sizes.width_maximum}, latent {sizes.latent_size}, batch {sizes.batch}; {rounds} rounds of {steps} steps",
        title_justify="left",
    )
    table.add_column("")
    table.add_column("img/s, median (range)", justify="right")
    table.add_column("ratio to other (range)", justify="right")
    for name, mine in rates.items():
        ratio = mine.ratio_to(rates[OTHER]) if OTHER in rates and name != OTHER else ""
        table.add_row(name, mine.describe(), ratio)
    return table


def _run(command: Callable[..., None]) -> None:
    try:
        typer.run(command)
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    _run(main)
