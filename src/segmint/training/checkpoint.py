"""Checkpoints: safetensors beside JSON; a small JSON file that is moved into place last decides which weights count."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as deserialise
from safetensors.torch import save as serialise
from torch import Tensor

from segmint.errors import UserError
from segmint.outputs import read_json, staged_file, write_json
from segmint.recipes.contract import Measurement, Stage


@dataclass(frozen=True)
class Checkpoint:
    """Tensors (stage, optimisers, random state) and JSON state of one moment of a training."""

    tensors: Mapping[str, Tensor]
    state: Mapping[str, Any]
    sha256: str


def capture(stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
    """All tensors from which a training can go on exactly."""
    tensors = {f"stage/{name}": value for name, value in stage.state_dict().items()}
    for network, optimizer in stage.optimizers.items():
        for index, parameter in enumerate(_parameters(optimizer)):
            for key, value in optimizer.state.get(parameter, {}).items():
                tensors[f"optimizer/{network}/{index}/{key}"] = value
    tensors["random/generator"] = generator.get_state()
    return {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}


def restore(stage: Stage, tensors: Mapping[str, Tensor], generator: torch.Generator | None = None) -> None:
    """Put captured tensors back into a stage whose optimisers are built (without `generator`: the stage alone).

    Optimiser state is copied into fresh memory with each parameter's own strides, since safetensors forgets channels-last
    and the order of summation depends on strides.
    """
    prefix = "stage/"
    stage.load_state_dict({name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)})
    if generator is None:
        return
    for network, optimizer in stage.optimizers.items():
        for index, parameter in enumerate(_parameters(optimizer)):
            mine = f"optimizer/{network}/{index}/"
            for name, value in tensors.items():
                if name.startswith(mine):
                    fresh = (
                        torch.empty_like(parameter, dtype=value.dtype)
                        if value.shape == parameter.shape
                        else torch.empty_like(value)
                    )
                    optimizer.state[parameter][name[len(mine) :]] = fresh.copy_(value)
    generator.set_state(tensors["random/generator"])


def freeze(stage: Stage, checkpoints: CheckpointFolder, *, which: str = "auto") -> None:
    """Put a trained stage at the checkpoint that others stand on, and end its training.

    Args:
        which: as in `CheckpointFolder.choice`.
    """
    restore(stage, checkpoints.load(checkpoints.choice(which)).tensors)
    stage.eval().requires_grad_(False)


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


class CheckpointFolder:
    """The checkpoints of one stage: `last` and `best` name weight files; files named by neither are removed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any], *, best: bool) -> None:
        """Write weights aside, move them into place, then move the JSON that names them (the moment that counts)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        weights = f"images-{state['images']:010d}.safetensors"
        content = serialise(dict(tensors))
        # Written by Python, so that a full disk is an OSError as everywhere else.
        with staged_file(self.folder / weights) as staging:
            staging.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        entry = {**state, "weights": weights, "sha256": digest}
        if best:
            write_json(self.folder / "best.json", entry)
        write_json(self.folder / "last.json", entry)
        kept = {self.entry(which)["weights"] for which in ("last", "best") if self.has(which)}
        for path in self.folder.glob("images-*.safetensors"):
            if path.name not in kept:
                path.unlink()

    def has(self, which: str) -> bool:
        """Whether there is a checkpoint "last" or "best"."""
        return (self.folder / f"{which}.json").exists()

    def choice(self, which: str) -> str:
        """The checkpoint that is meant: "last" and "best" are themselves, "auto" the one of them that is to be used.

        That is the best where its measure chooses (`Measurement.chooses_over`), else the last; the last also where nothing
        was measured.
        """
        if which == "last" or not self.has("best"):
            return "last"
        if which == "best":
            return "best"
        best, last = (self._measured(one) for one in ("best", "last"))
        return "best" if best is not None and best.chooses_over(last) else "last"

    def _measured(self, which: str) -> Measurement | None:
        found = self.entry(which).get("measured")
        if found is None:
            return None
        # JSON has no NaN.
        return Measurement(**(found if found["value"] is not None else {**found, "value": float("nan")}))

    def entry(self, which: str) -> dict[str, Any]:
        """JSON state of "last" or "best".

        Raises:
            UserError: there is none, or it is damaged.
        """
        entry = read_json(self.folder / f"{which}.json")
        if not isinstance(entry, dict) or not {"weights", "sha256", "images"} <= entry.keys():
            raise UserError(
                f"{self.folder / which}.json is not a checkpoint of segmint: train again or restore the file."
            )
        return entry

    def load(self, which: str) -> Checkpoint:
        """Read a checkpoint and check its hash.

        Raises:
            UserError: absent, damaged, or changed since it was written.
        """
        state = self.entry(which)
        path = self.folder / Path(str(state["weights"])).name
        try:
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            if digest != state["sha256"]:
                raise UserError(f"{path} is damaged (its hash is not the one recorded): restore it or train again.")
            return Checkpoint(deserialise(content), state, digest)
        except (OSError, SafetensorError) as error:
            raise UserError(f"{path} cannot be read as a checkpoint ({error}): restore it or train again.") from error
