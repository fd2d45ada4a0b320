"""Images a second of pix2pix's training step on this CPU, beside pytorch-CycleGAN-and-pix2pix.

    python benchmarks/translator_step.py --other PATH

One process, alternating rounds; augmentation, data loading and validation are left out on both sides.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from alternation import alternate
from other_translator_step import build_other_step
from own_translator_step import build_own_step
from reporting import describe_machine, print_round, print_share, rates_table, run
from segmint.errors import UserError
from segmint.training.precision import choose_hardware
from step_shares import step_shares
from translator_sizes import PUBLISHED_FILTERS, Contestant, TranslatorSizes

OWN_FLOAT32, OWN_BF16 = "segmint float32", "segmint bf16"
OTHER, OTHER_FUSED = "other float32", "other float32, fused Adam"
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
# Networks whose numbers of parameters differ by more are not the same networks.
TOLERANCE = 0.01


def main(
    *,
    other: Annotated[Path | None, typer.Option(help="Checkout of pytorch-CycleGAN-and-pix2pix.")] = None,
    size: Annotated[int, typer.Option(help="Side of the images, pixels; 128 or 256 with --other.")] = 256,
    label_maps: Annotated[int, typer.Option(min=1, help="Ids of the mask, one input channel each.")] = 3,
    image_channels: Annotated[int, typer.Option(min=1, help="Image channels.")] = 3,
    filters: Annotated[
        int, typer.Option(min=1, help="Feature maps of each network's first convolution.")
    ] = PUBLISHED_FILTERS,
    batch: Annotated[
        list[int] | None, typer.Option(min=1, help="Images a step; may be repeated. [default: 1, 8]")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads; all cores if not given.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Measured rounds.")] = 5,
    steps: Annotated[int, typer.Option(min=1, help="Steps a round.")] = 2,
    clock: Annotated[
        str,
        typer.Option(
            help="wall, or processor: seconds that this process was given, for a machine that others use (one thread)."
        ),
    ] = "wall",
    profile: Annotated[
        bool, typer.Option("--profile", help="Print what the steps spend their time on instead.")
    ] = False,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Measure and print."""
    console = Console()
    hardware = choose_hardware(device="cpu", threads=threads)
    hardware.apply()
    if clock not in CLOCKS:
        raise UserError(f"--clock {clock} is unknown: use {' or '.join(CLOCKS)}.")
    if clock == "processor" and hardware.threads > 1:
        raise UserError("--clock processor counts the time of all threads together: use it with --threads 1.")
    native_bf16 = hardware.precision == "bf16"
    describe_machine(console, hardware.threads, native_bf16=native_bf16)
    for images in batch or [1, 8]:
        sizes = TranslatorSizes(size, label_maps, image_channels, filters, images)
        contestants = _contestants(sizes, other, native_bf16=native_bf16, threads=hardware.threads, seed=seed)
        for name, contestant in contestants.items():
            counts = ", ".join(f"{network} {count:,}" for network, count in contestant.parameters.items())
            console.print(f"{name}: parameters of the {counts}", highlight=False)
        _refuse_other_networks(contestants)
        if profile:
            for name, contestant in contestants.items():
                shares = step_shares(contestant.step, steps=steps)
                console.print(
                    f"{name}, batch {images}: {', '.join(f'{kind} {share:.0%}' for kind, share in shares.items())}"
                )
            continue
        wall, busy = time.perf_counter(), time.process_time()
        rates = alternate(
            {name: contestant.step for name, contestant in contestants.items()},
            rounds=rounds,
            steps=steps,
            batch=images,
            on_round=print_round,
            clock=CLOCKS[clock],
        )
        wall, busy = time.perf_counter() - wall, time.process_time() - busy
        title = (
            f"pix2pix training step: {size} px, {label_maps} -> {image_channels} channels, {filters} filters, batch "
            f"{images}; {rounds} rounds of {steps} steps, {clock} time"
        )
        compared = {OTHER: "ratio to other (range)", OTHER_FUSED: "to other with fused Adam"}
        console.print(rates_table(title, rates, others=compared if other is not None else {}))
        print_share(console, wall_seconds=wall, busy_seconds=busy, threads=hardware.threads)


def _contestants(
    sizes: TranslatorSizes, other: Path | None, *, native_bf16: bool, threads: int, seed: int
) -> dict[str, Contestant]:
    contestants = {OWN_FLOAT32: build_own_step(sizes, precision="float32", threads=threads, seed=seed)}
    if native_bf16:
        contestants[OWN_BF16] = build_own_step(sizes, precision="bf16", threads=threads, seed=seed)
    if other is not None:
        contestants[OTHER] = build_other_step(other, sizes, fused=False, seed=seed)
        contestants[OTHER_FUSED] = build_other_step(other, sizes, fused=True, seed=seed)
    return contestants


def _refuse_other_networks(contestants: dict[str, Contestant]) -> None:
    own = contestants[OWN_FLOAT32].parameters
    for name, contestant in contestants.items():
        for network, count in contestant.parameters.items():
            if abs(count - own[network]) > TOLERANCE * own[network]:
                raise UserError(
                    f"The {network} of {name} has {count:,} parameters and segmint's {own[network]:,}: their rates cannot "
                    "be compared; give the release of pytorch-CycleGAN-and-pix2pix unchanged."
                )


if __name__ == "__main__":
    run(main)
