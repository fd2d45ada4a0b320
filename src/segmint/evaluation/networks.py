"""The networks that give features of images: one that was never trained, a segmenter's encoder, one the user gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmint.evaluation.alignment_audit import Learner
from segmint.evaluation.chosen import Chosen
from segmint.evaluation.evidence import Evidence
from segmint.evaluation.pictured import Pictured
from segmint.reference.cross_fitted import Fitted
from segmint.reference.feature_distance import features_of
from segmint.reference.given_network import GivenNetwork
from segmint.reference.random_features import RandomFeatures

RANDOM, LEARNT = "random network", "segmenter"
_PART = "/"


@dataclass(frozen=True)
class Network:
    """What gives features, images [n, C, S, S] -> [n, D], and (dataset, subject) of all whom it has learned from."""

    features: Callable[[Tensor], Tensor]
    seen: frozenset[tuple[str, str]] = frozenset()

    def new_to(self, chosen: Chosen | Pictured) -> NDArray[np.bool_]:
        """[n] whether it has not learned from an image's subject."""
        identity = chosen.dataset.identity
        return np.array([(identity, subject) not in self.seen for subject in chosen.subjects], dtype=np.bool_)

    def of(self, chosen: Chosen) -> NDArray[np.float64]:
        """[n, D] features of images; NaN of those that it has learned from."""
        new = self.new_to(chosen)
        # Of one image at least, to know how many features there are.
        asked = chosen.indices[new] if new.any() else chosen.indices[:1]
        found = features_of(self.features, chosen.slices.images, asked).numpy().astype(np.float64)
        every = np.full((len(new), found.shape[1]), np.nan)
        every[new] = found[: int(new.sum())]
        return every


def named_networks(
    evidence: Evidence, learner: Learner | None, *, cells: int, given: GivenNetwork | None = None
) -> dict[str, Network]:
    """By name all that there are. Segmenters that are parts of one whole have names that `whole_of` brings together.

    Args:
        learner: of the segmenters, whose encoders are taken if they have one and some training images are new to them.
        cells: of the random network, as in `RandomFeatures`.
        given: goes by the name of its file.
    """
    found = networks_of(evidence, () if learner is None else learner.cross_fitted(evidence), cells=cells)
    if given is not None:
        found[given.path.name] = Network(given)
    return found


def networks_of(evidence: Evidence, fitted: Sequence[Fitted], *, cells: int) -> dict[str, Network]:
    """The random network, and segmenters that are there already."""
    some, identity = evidence.training, evidence.training.slices.dataset.identity
    found = {RANDOM: Network(RandomFeatures(len(some.slices.dataset.channel_names), cells=cells))}
    one = torch.from_numpy(np.array(some.slices.images[some.indices[:1]]))
    for number, part in enumerate(fitted):
        if part.unseen and part.segmenter.encode(one) is not None:
            encode = cast(Callable[[Tensor], Tensor], part.segmenter.encode)
            seen = frozenset((identity, subject) for subject in part.seen)
            found[part_of(LEARNT, number)] = Network(encode, seen)
    return found


def part_of(name: str, number: int) -> str:
    """The name of one part of a whole, or of a part."""
    return f"{name}{_PART}{number}"


def whole_of(name: str) -> str:
    """What a network is a part of; mostly itself."""
    return name.partition(_PART)[0]


def by_whole(networks: Mapping[str, Network]) -> dict[str, list[Network]]:
    """The parts of each whole."""
    found: dict[str, list[Network]] = {}
    for name, network in networks.items():
        found.setdefault(whole_of(name), []).append(network)
    return found
