"""What is interrupted: every verb that takes a while, and a training of every recipe, all of them tiny."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import segmint
from segmint.data.intensity import IntensityMap
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter

SIZE = 32
_COMPUTE = ("--size", str(SIZE), "--device", "cpu")
_TRAINING = (*_COMPUTE, "--threads", "1", "--precision", "float32", "--kimg", "0.32", "--batch", "16")
_STYLE = {"latent_size": "8", "width_base": "128", "width_maximum": "8"}
_MASKS = {f"masks.{key}": value for key, value in {**_STYLE, "kimg": "0.28", "batch": "16"}.items()}
_PAINTER = {"width": "0.05"}
# Settings that make every recipe tiny, and what else its command names.
RECIPES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "joint-stylegan2": (_STYLE, ()),
    "datasetgan": (
        {
            **_STYLE,
            "members": "2",
            "hidden_widths": "16,8",
            "labelled_images": "3",
            "inversion_steps": "8",
            "inversion_draws": "32",
            "minimum_explained": "-99",
            "interpreter_steps": "16",
        },
        (),
    ),
    "semanticgan": (
        {**_STYLE, "mask_width": "0.1", "pyramid_width": "8", "encoder_kimg": "0.064", "inference_steps": "1"},
        (),
    ),
    "vessgan": ({"generator_widths": "16,8", "discriminator_widths": "8,16"}, ()),
    "mask-vae": ({"width": "4", "latent_size": "4"}, ()),
    "mask-stylegan2": (_STYLE, ()),
    "vess2image": (
        {**_PAINTER, "discriminator_strides": "2,2,1,1", **_MASKS},
        ("--mask-source", "mask-stylegan2"),
    ),
    "em-pix2pix": ({**_PAINTER, "discriminators": "1", **_MASKS}, ("--mask-source", "mask-stylegan2")),
    "stroke-pix2pix": (_STYLE, ()),
    "mask-transfer": ({"width": "8", "levels": "3"}, ()),
    "segan": ({"width": "0.2"}, ()),
    "unet": ({"width": "8", "levels": "3"}, ()),
}


@dataclass(frozen=True)
class Command:
    """A command line of segmint.

    Attributes:
        name: for the table; words: with "{out}" where the output goes.
        reads: folders of which a file may vanish.
        resume: what is added to go on, once its output was begun.
    """

    name: str
    words: tuple[str, ...]
    reads: tuple[Path, ...]
    resume: tuple[str, ...] = ()

    def line(self, out: Path, *, begun: bool = False) -> list[str]:
        """For `segmint.cli.main.main`."""
        return [word.replace("{out}", str(out)) for word in self.words] + list(self.resume if begun else ())


def training(recipe: str, discs: Path) -> Command:
    """A training of that recipe."""
    changes, more = RECIPES[recipe]
    settings = [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
    words = ("train", recipe, str(discs), "--out", "{out}", *_TRAINING, *more, *settings)
    return Command(f"train {recipe}", words, (discs,), ("--resume",))


def prepare(inputs: Path) -> dict[str, Command]:
    """Draw and train what the commands read into `inputs`, and name the commands."""
    discs = draw_discs(inputs / "discs")
    pictures, masks = draw_pictures(inputs / "pictures")
    run, synthetic = inputs / "run", inputs / "synthetic"
    fixed = {"size": SIZE, "device": "cpu", "progress": False}
    segmint.train(
        "joint-stylegan2", discs, out=run, kimg=0.016, batch=4, settings=_STYLE, threads=1, precision="float32", **fixed
    )
    segmint.sample(run, n=24, seed=0, out=synthetic, device="cpu")
    trial = ("--steps", "24", "--batch", "4", *_COMPUTE)
    commands = [
        Command(
            "convert", ("data", "convert", "folders", str(pictures), str(masks), "--out", "{out}"), (pictures, masks)
        ),
        training("joint-stylegan2", discs),
        Command("sample", ("sample", str(run), "--n", "64", "--out", "{out}", "--device", "cpu"), (run,)),
        Command("evaluate", ("evaluate", str(discs), str(synthetic), "--out", "{out}", *_COMPUTE), (discs, synthetic)),
        Command(
            "trial",
            ("trial", str(discs), str(synthetic), "--out", "{out}", "--arms", "100R,100F", "--seeds", "2", *trial),
            (discs, synthetic),
        ),
        Command("segment train", ("segment", "train", str(discs), "--out", "{out}", *trial), (discs,)),
        Command(
            "curate",
            ("curate", str(discs), str(synthetic), "--out", "{out}", "--agreement", "0", "--keep", "1", *_COMPUTE),
            (discs, synthetic, run),
        ),
    ]
    return {command.name: command for command in commands} | {
        command.name: command for command in (training(recipe, discs) for recipe in RECIPES)
    }


def draw_discs(folder: Path) -> Path:
    """Eight volumes of three slices with a disc, its core, and a condition map about it; two for validation, two for test."""
    folder.mkdir(parents=True)
    writer = DatasetWriter(
        folder,
        name="Discs",
        channel_names=["MR"],
        label_names=["background", "rim", "core"],
        file_ending=".nii.gz",
        conditions={"halo": ("background", "halo")},
    )
    names = [f"subject-{number}" for number in range(8)]
    rows, columns = np.mgrid[:SIZE, :SIZE]
    for number, name in enumerate(names):
        random = np.random.default_rng(number)
        label = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
        halo = np.zeros_like(label)
        for z in range(3):
            row, column = random.uniform(SIZE * 0.35, SIZE * 0.65, 2)
            distance = np.hypot(rows - row, columns - column)
            label[..., z] = np.where(distance < SIZE * 0.12, 2, distance < SIZE * 0.25)
            halo[..., z] = distance < SIZE * 0.33
        image = random.normal(100, 5, (1, SIZE, SIZE, 3)).astype(np.float32) + 200 * label
        maps = [IntensityMap("percentile", 50.0, 550.0)]
        writer.add(name, image, label, subject=name, spacing=(1, 1, 3), intensity=maps, conditions={"halo": halo})
    writer.finish(split=Split(tuple(names[:4]), tuple(names[4:6]), tuple(names[6:])))
    return folder


def draw_pictures(folder: Path) -> tuple[Path, Path]:
    """Forty pictures with masks, in two folders."""
    images, masks = folder / "images", folder / "masks"
    for place in (images, masks):
        place.mkdir(parents=True)
    for number in range(40):
        pixels = np.random.default_rng(number).integers(0, 256, (96, 96), dtype=np.uint8)
        Image.fromarray(pixels).save(images / f"p{number:02d}.png")
        Image.fromarray((pixels > 128).astype(np.uint8) * 255).save(masks / f"p{number:02d}.png")
    return images, masks
