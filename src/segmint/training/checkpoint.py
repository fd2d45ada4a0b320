"""Checkpoints: safetensors beside JSON; a small JSON file that is moved into place last decides which weights count."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StrictInt, StrictStr, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as deserialise
from safetensors.torch import save as serialise
from torch import Tensor

from segmint.data.formats.memory import check_memory
from segmint.data.sidecar import first_complaint
from segmint.errors import UserError
from segmint.outputs import read_object, staged_file, write_json
from segmint.recipes.contract import Measurement, Stage

# Of a file of weights, in memory: the file itself, and its tensors.
_COPIES = 2


class _Measured(BaseModel):
    """See `Measurement`; a value that is not finite is stored as none."""

    model_config = ConfigDict(extra="forbid")

    name: StrictStr
    value: FiniteFloat | None
    direction: Literal["lower", "higher"]


class _Entry(BaseModel):
    """What is read of last.json and best.json."""

    weights: StrictStr
    sha256: StrictStr
    images: Annotated[StrictInt, Field(ge=0)]
    seconds: FiniteFloat = 0.0
    measured: _Measured | None = None
    best: _Measured | None = None


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

    Optimiser state is copied into memory with each parameter's own strides, since safetensors forgets channels-last and the
    order of summation depends on strides.

    Raises:
        UserError: they are not those of such a stage.
    """
    prefix = "stage/"
    try:
        stage.load_state_dict(
            {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
        )
        if generator is not None:
            for network, optimizer in stage.optimizers.items():
                _restore_optimizer(optimizer, tensors, f"optimizer/{network}/")
            generator.set_state(tensors["random/generator"])
    except (KeyError, RuntimeError, TypeError) as error:
        raise UserError(
            f"A checkpoint of the stage {stage.name} does not fit its settings: restore it or train again."
        ) from error


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], prefix: str) -> None:
    for index, (parameter, made) in enumerate(zip(_parameters(optimizer), _state_after_a_step(optimizer), strict=True)):
        mine = f"{prefix}{index}/"
        found = {name[len(mine) :]: value for name, value in tensors.items() if name.startswith(mine)}
        # Kernels take the sizes on trust: with other ones they would read and write beside the memory that is theirs.
        if found and _kinds(found) != _kinds(made):
            raise TypeError(f"{mine}{', '.join(found)}")
        optimizer.state[parameter].update({name: made[name].copy_(value) for name, value in found.items()})


def _kinds(state: Mapping[str, Tensor]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (value.shape, value.dtype) for name, value in state.items()}


def _state_after_a_step(optimizer: torch.optim.Optimizer) -> list[dict[str, Tensor]]:
    """What the optimiser keeps of each parameter, in the parameter's own strides, made on a copy."""
    copied = copy.deepcopy(optimizer)
    for parameter in _parameters(copied):
        parameter.grad = torch.zeros_like(parameter)
    copied.step()
    return [copied.state[parameter] for parameter in _parameters(copied)]


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
        self.remove_others()

    def remove_others(self) -> None:
        """Take away weights that neither "last" nor "best" names."""
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
        entry = self.entry(which)
        # Earlier versions stored the best value alone.
        found = entry.get("measured", entry.get("best") if which == "best" else None)
        if found is None:
            return None
        # JSON has no NaN.
        return Measurement(**(found if found["value"] is not None else {**found, "value": float("nan")}))

    def entry(self, which: str) -> dict[str, Any]:
        """JSON state of "last" or "best".

        Raises:
            UserError: there is none, or it is damaged.
        """
        path = self.folder / f"{which}.json"
        entry = read_object(path)
        try:
            _Entry.model_validate(entry)
        except ValidationError as error:
            raise UserError(
                f"{path} is not a checkpoint of segmint ({first_complaint(error)}): train again or restore the file."
            ) from error
        return entry

    def load(self, which: str) -> Checkpoint:
        """Read a checkpoint and check its hash.

        Raises:
            UserError: absent, damaged, or changed since it was written.
        """
        state = self.entry(which)
        path = self.folder / Path(state["weights"]).name
        try:
            if not path.is_file():
                raise UserError(f"{path} is missing, or is no file: restore it or train again.")
            check_memory(path, (path.stat().st_size,), bytes_a_value=_COPIES)
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            if digest != state["sha256"]:
                raise UserError(f"{path} is damaged (its hash is not the one recorded): restore it or train again.")
            return Checkpoint(deserialise(content), state, digest)
        except (OSError, SafetensorError) as error:
            raise UserError(f"{path} cannot be read as a checkpoint ({error}): restore it or train again.") from error
