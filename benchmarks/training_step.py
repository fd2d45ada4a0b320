"""Images a second of the joint-stylegan2 training step on this CPU, beside another implementation's.

    python benchmarks/training_step.py --other PATH

One process, alternating rounds; augmentation, data loading, weight averaging and validation are left out on both sides.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from alternation import alternate
from other_step import build_other_step
from own_step import build_own_step
from reporting import describe_machine, print_round, print_share, rates_table, run
from segmint.errors import UserError
from segmint.training.precision import choose_hardware
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
    describe_machine(console, hardware.threads, native_bf16=native_bf16)
    for regularised in regularised_variants:
        contestants = _contestants(
            sizes, other, native_bf16=native_bf16, threads=hardware.threads, regularised=regularised, seed=seed
        )
        # A whole period holds each lazy term exactly as often as training does.
        length = -(-steps // R1_EVERY) * R1_EVERY if regularised else steps
        wall, busy = time.perf_counter(), time.process_time()
        rates = alternate(contestants, rounds=rounds, steps=length, batch=batch, on_round=print_round)
        wall, busy = time.perf_counter() - wall, time.process_time() - busy
        title = _title(sizes, regularised=regularised, rounds=rounds, steps=length)
        compared = {OTHER: "ratio to other (range)"} if other is not None else {}
        console.print(rates_table(title, rates, others=compared))
        print_share(console, wall_seconds=wall, busy_seconds=busy, threads=hardware.threads)


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


def _title(sizes: Sizes, *, regularised: bool, rounds: int, steps: int) -> str:
    kind = "with R1 every 16 and path length every 4 steps" if regularised else "without the lazy regularisers"
    return (
        f"Training step {kind}: {sizes.size} px, {sizes.channels} channels, width {sizes.width_base} / "
        f"{sizes.width_maximum}, latent {sizes.latent_size}, batch {sizes.batch}; {rounds} rounds of {steps} steps"
    )


if __name__ == "__main__":
    run(main)
