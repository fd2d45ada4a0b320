"""Training steps of implementations that the user has on disk; nothing of theirs is part of this project.

Two layouts are understood:

- a folder laid out as the public PyTorch release of StyleGAN2-ADA: `training/networks.py` with the classes `Generator`
  and `Discriminator`. Only their constructors and calls are used; the step around them is ours, from the papers, with
  the same losses, optimiser and style mixing as joint-stylegan2, so that the networks are what is compared.
- a Python file with a function `build_training_step(*, size, channels, batch, latent_size, width_base, width_maximum,
  regularised, seed)` that returns a function without arguments, which runs one training step.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from segmint.errors import UserError
from segmint.losses.adversarial import discriminator_logistic, generator_logistic
from segmint.losses.gradient_penalty import r1_penalty
from segmint.losses.path_length import path_length_penalty, path_lengths
from sizes import (
    PATH_LENGTH_EVERY,
    PATH_LENGTH_SHRINK,
    PATH_LENGTH_WEIGHT,
    R1_EVERY,
    R1_GAMMA,
    STYLE_MIXING,
    Sizes,
    TrainingStep,
    adam_settings,
)


def build_other_step(path: Path, sizes: Sizes, *, regularised: bool, seed: int) -> TrainingStep:
    """The step of the implementation at `path`, in float32.

    Raises:
        UserError: there is nothing at `path` that is understood, or it cannot be imported.
    """
    if path.is_file() and path.suffix == ".py":
        return _step_of_file(path, sizes, regularised=regularised, seed=seed)
    if (path / "training" / "networks.py").is_file():
        networks = _import_networks(path)
        return _AdversarialStep(networks, sizes, regularised=regularised, seed=seed)
    raise UserError(
        f"--other {path} holds no implementation that is understood: give a folder with training/networks.py, or a "
        "Python file with build_training_step."
    )


def _step_of_file(path: Path, sizes: Sizes, *, regularised: bool, seed: int) -> TrainingStep:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UserError(f"--other {path} cannot be read as a Python file.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        raise _not_importable(path, error) from error
    if not hasattr(module, "build_training_step"):
        raise UserError(f"--other {path} has no function build_training_step: write one that returns a step to run.")
    step: TrainingStep = module.build_training_step(
        size=sizes.size,
        channels=sizes.channels,
        batch=sizes.batch,
        latent_size=sizes.latent_size,
        width_base=sizes.width_base,
        width_maximum=sizes.width_maximum,
        regularised=regularised,
        seed=seed,
    )
    return step


def _import_networks(folder: Path) -> ModuleType:
    """Import `training.networks` from `folder`; its own custom CUDA operations stay off on a CPU without our doing."""
    sys.path.insert(0, str(folder.resolve()))
    try:
        return importlib.import_module("training.networks")
    except ImportError as error:
        raise _not_importable(folder, error) from error
    finally:
        sys.path.pop(0)


def _not_importable(path: Path, error: ImportError) -> UserError:
    return UserError(f"--other {path} cannot be imported ({error}): install what it needs beside segmint.")


class _AdversarialStep:
    """Generator step, then discriminator step, each with its lazy regulariser [Karras 2020]."""

    def __init__(self, networks: Any, sizes: Sizes, *, regularised: bool, seed: int) -> None:
        widths = {"channel_base": sizes.width_base, "channel_max": sizes.width_maximum}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.generator = networks.Generator(
                z_dim=sizes.latent_size,
                c_dim=0,
                w_dim=sizes.latent_size,
                img_resolution=sizes.size,
                img_channels=sizes.channels,
                mapping_kwargs={"num_layers": 8},
                synthesis_kwargs=widths,
            ).train()
            self.discriminator = networks.Discriminator(
                c_dim=0, img_resolution=sizes.size, img_channels=sizes.channels, **widths
            ).train()
            self.reals = torch.randn(sizes.batch, sizes.channels, sizes.size, sizes.size).clamp(-1, 1)
        self.generator_optimizer = _adam(self.generator, PATH_LENGTH_EVERY if regularised else 0)
        self.discriminator_optimizer = _adam(self.discriminator, R1_EVERY if regularised else 0)
        self.sizes, self.regularised = sizes, regularised
        self.path_mean = torch.zeros(())
        self.steps = 0

    def __call__(self) -> None:
        self.discriminator.requires_grad_(False)
        fakes, _ = self._fakes(self.sizes.batch)
        _update(self.generator_optimizer, generator_logistic(self._logits(fakes)))
        if self.regularised and self.steps % PATH_LENGTH_EVERY == 0:
            self._path_length()
        self.discriminator.requires_grad_(True)
        with torch.no_grad():
            fakes, _ = self._fakes(self.sizes.batch)
        _update(self.discriminator_optimizer, discriminator_logistic(self._logits(self.reals), self._logits(fakes)))
        if self.regularised and self.steps % R1_EVERY == 0:
            self._r1()
        self.steps += 1

    def _logits(self, pairs: Tensor) -> Tensor:
        logits: Tensor = self.discriminator(pairs, None)
        return logits[:, 0]

    def _fakes(self, n: int) -> tuple[Tensor, Tensor]:
        """Fakes and the styles they were made from, with style mixing [Karras 2019, section 3.1]."""
        styles = self.generator.mapping(torch.randn(n, self.sizes.latent_size), None)
        other = self.generator.mapping(torch.randn(n, self.sizes.latent_size), None)
        layers = styles.shape[1]
        cutoff = (1 + torch.rand(n) * (layers - 1)).long()
        cutoff = torch.where(torch.rand(n) < STYLE_MIXING, cutoff, layers)
        mixed = torch.where((torch.arange(layers) < cutoff[:, None])[..., None], styles, other)
        return self.generator.synthesis(mixed), mixed

    def _path_length(self) -> None:
        fakes, styles = self._fakes(max(1, self.sizes.batch // PATH_LENGTH_SHRINK))
        lengths = path_lengths(fakes, styles, torch.randn(fakes.shape))
        penalty, self.path_mean = path_length_penalty(lengths, self.path_mean)
        _update(self.generator_optimizer, penalty * (PATH_LENGTH_WEIGHT * PATH_LENGTH_EVERY))

    def _r1(self) -> None:
        seen = self.reals.clone().requires_grad_(True)
        _update(self.discriminator_optimizer, r1_penalty(self._logits(seen), seen) * (R1_GAMMA / 2 * R1_EVERY))


def _adam(network: torch.nn.Module, interval: int) -> torch.optim.Optimizer:
    learning_rate, betas = adam_settings(interval)
    return torch.optim.Adam(network.parameters(), lr=learning_rate, betas=betas, eps=1e-8, fused=True)


def _update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
