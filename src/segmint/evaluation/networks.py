"""The networks that give features of images: one that was never trained, a segmenter's encoder, one the user gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from torch import Tensor

from segmint.evaluation.alignment_audit import Learner
from segmint.evaluation.evidence import Evidence
from segmint.reference.onnx_features import OnnxNetwork
from segmint.reference.random_features import RandomFeatures

RANDOM, LEARNT = "random network", "segmenter"


def named_networks(
    evidence: Evidence, learner: Learner | None, *, cells: int, given: OnnxNetwork | None = None
) -> dict[str, Callable[[Tensor], Tensor]]:
    """By name all that there are: images [n, C, S, S] -> features [n, D].

    Args:
        learner: of the segmenter, whose encoder is taken if it has one.
        cells: of the random network, as in `RandomFeatures`.
        given: goes by the name of its file.
    """
    channels = len(evidence.training.slices.dataset.channel_names)
    found: dict[str, Callable[[Tensor], Tensor]] = {RANDOM: RandomFeatures(channels, cells=cells)}
    if learner is not None:
        segmenter, some = learner.segmenter(evidence), evidence.training
        one = torch.from_numpy(np.array(some.slices.images[some.indices[:1]]))
        if segmenter.encode(one) is not None:
            found[LEARNT] = cast(Callable[[Tensor], Tensor], segmenter.encode)
    if given is not None:
        found[given.path.name] = given
    return found
