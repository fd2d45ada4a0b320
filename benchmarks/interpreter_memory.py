"""How much memory, and how long, does datasetgan's interpreter take to be trained on labelled images of a large generator?

Usage: python benchmarks/interpreter_memory.py [--size N] [--images N] [--labels K] [--capacity small|full] [--threads N]

The generator is untrained and the label maps are noise, since neither cost depends on them. All steps of the preset are made, in a
process of its own; peak memory is what the operating system counted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from pathlib import Path

import torch

from segmint.recipes import find_recipe
from segmint.recipes.contract import Gathered, Stage, Task
from segmint.recipes.datasetgan import DatasetGANSettings, ImageGANStage
from segmint.recipes.pixel_interpreter import Exemplars, InterpreterStage, LabelSource
from segmint.training.loop import LoopUpdate
from segmint.training.precision import Hardware


class NoiseLabels(LabelSource):
    """Images drawn from the generator, each pixel with a label of its own."""

    gathers: tuple[str, ...] = ()
    stands_on: tuple[Stage, ...] = ()

    def __init__(self, images: ImageGANStage, count: int, labels: int) -> None:
        self.images, self.count, self.labels = images, count, labels

    def exemplars(self, gathered: Gathered) -> Exemplars:  # noqa: ARG002
        """The styles and label maps."""
        generators = [torch.Generator().manual_seed(number) for number in range(self.count)]
        with torch.no_grad():
            styles, _ = self.images.drawn_styles(generators, truncation=1.0)
        size = self.images.task.size
        return Exemplars(styles, torch.randint(self.labels, (self.count, size, size), generator=generators[0]))


def main() -> None:
    """Measure in a new process and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--labels", type=int, default=5, help="background included")
    parser.add_argument("--capacity", default="full", choices=["small", "full"])
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        seconds, processor, peak, inputs, steps = pool.apply(measure, (given,))
    print(
        f"{given.images} images of {given.size} px, {given.labels} labels, generator of {given.capacity} capacity with {inputs}"
        f" features a pixel, {steps} steps, {given.threads} threads: {seconds:.0f} s ({processor:.0f} s of processors), peak memory"
        f" {peak:.2f} GB"
    )


def measure(given: argparse.Namespace) -> tuple[float, float, float, int, int]:
    """Seconds passed, seconds given to the process, its peak memory in GB, features a pixel, and steps."""
    torch.set_num_threads(given.threads)
    recipe = find_recipe("datasetgan")
    settings = recipe.settings(preset="repaired", capacity=given.capacity, changes={})
    assert isinstance(settings, DatasetGANSettings)
    task = Task(given.size, 1, given.labels, batch=8, total_images=8)
    torch.manual_seed(0)
    images = ImageGANStage(task, settings)
    for network in (images.discriminator, images.generator):
        network.requires_grad_(False)
    source = NoiseLabels(images, given.images, given.labels)
    stage = InterpreterStage(InterpreterStage.budget(task, settings), settings, images, source)
    stage.build_optimizers()
    update = LoopUpdate(stage, Hardware("cpu", "float32", given.threads, ""), torch.Generator().manual_seed(0), 1)
    passed, processor = time.perf_counter(), time.process_time()
    stage.prepare(Gathered())
    for _ in range(settings.interpreter_steps):
        stage.step({}, update)
    passed, processor = time.perf_counter() - passed, time.process_time() - processor
    # Not `ru_maxrss`, which a new process takes over from the one that started it.
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return passed, processor, peak * 1024 / 1e9, stage.ensemble.inputs, settings.interpreter_steps


if __name__ == "__main__":
    main()
