"""pix2pix of a checkout of pytorch-CycleGAN-and-pix2pix on the user's disk; nothing of it is part of this project.

Only what makes its networks and its adversarial loss is called; the step around them is ours, from the paper and in the
order of its training: one forward pass of the generator, the discriminator's update, the generator's.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from segmint.errors import UserError
from translator_sizes import (
    BETAS,
    DISCRIMINATOR_WEIGHT,
    L1_WEIGHT,
    LEARNING_RATE,
    Contestant,
    TranslatorSizes,
    count_parameters,
)

# Its U-Nets, by the side that they halve down to one pixel.
GENERATORS = {128: "unet_128", 256: "unet_256"}


def build_other_step(folder: Path, sizes: TranslatorSizes, *, fused: bool, seed: int) -> Contestant:
    """The step of the checkout at `folder`, in float32; `fused` gives it fused Adam instead of its own plain one.

    Raises:
        UserError: `folder` is no such checkout, it cannot be imported, or has no U-Net of this size.
    """
    if sizes.size not in GENERATORS:
        raise UserError(f"--size {sizes.size}: the other implementation has U-Nets for 128 and 256 pixels alone.")
    step = _PaintingStep(_import_networks(folder), sizes, fused=fused, seed=seed)
    networks = {"generator": step.generator, "discriminator": step.discriminator}
    return Contestant(step, {name: count_parameters(network) for name, network in networks.items()})


def _import_networks(folder: Path) -> Any:
    """The file models/networks.py alone, since the package around it imports what only its data loading needs."""
    path = folder / "models" / "networks.py"
    if not path.is_file():
        raise UserError(f"--other {folder} has no models/networks.py: give a checkout of pytorch-CycleGAN-and-pix2pix.")
    spec = importlib.util.spec_from_file_location("other_pix2pix_networks", path)
    if spec is None or spec.loader is None:
        raise UserError(f"--other: {path} cannot be read as a Python file.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        raise UserError(
            f"--other {folder} cannot be imported ({error}): install what it needs beside segmint."
        ) from error
    if absent := [name for name in ("define_G", "define_D", "GANLoss") if not hasattr(module, name)]:
        raise UserError(f"--other: {path} has no {', '.join(absent)}: give a checkout of pytorch-CycleGAN-and-pix2pix.")
    return module


class _PaintingStep:
    def __init__(self, networks: Any, sizes: TranslatorSizes, *, fused: bool, seed: int) -> None:
        channels = sizes.label_maps + sizes.image_channels
        # It prints as it builds; standard output is for the results.
        with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(sys.stderr):
            torch.manual_seed(seed)
            self.generator: nn.Module = networks.define_G(
                sizes.label_maps,
                sizes.image_channels,
                sizes.filters,
                GENERATORS[sizes.size],
                norm="batch",
                use_dropout=True,
            ).train()
            self.discriminator: nn.Module = networks.define_D(channels, sizes.filters, "basic", norm="batch").train()
            self.adversarial = networks.GANLoss("vanilla")
        # Its first versions took a flag here, for which "vanilla" would mean least squares.
        if not isinstance(self.adversarial.loss, nn.BCEWithLogitsLoss):
            raise UserError(
                '--other: GANLoss("vanilla") is not cross entropy of logits there: take a version from 2019 on.'
            )
        self.optimizers = {
            network: torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, betas=BETAS, fused=fused or None)
            for network in (self.generator, self.discriminator)
        }
        labels, self.reals = sizes.examples(seed)
        self.condition = sizes.one_hot(labels)

    def __call__(self) -> None:
        fakes = self.generator(self.condition)
        self.discriminator.requires_grad_(True)
        of_fakes = self.discriminator(torch.cat([self.condition, fakes.detach()], dim=1))
        of_reals = self.discriminator(torch.cat([self.condition, self.reals], dim=1))
        loss = DISCRIMINATOR_WEIGHT * (self.adversarial(of_fakes, False) + self.adversarial(of_reals, True))
        self._update(self.discriminator, loss)
        self.discriminator.requires_grad_(False)
        of_fakes = self.discriminator(torch.cat([self.condition, fakes], dim=1))
        loss = self.adversarial(of_fakes, True) + L1_WEIGHT * nn.functional.l1_loss(fakes, self.reals)
        self._update(self.generator, loss)

    def _update(self, network: nn.Module, loss: torch.Tensor) -> None:
        self.optimizers[network].zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizers[network].step()
