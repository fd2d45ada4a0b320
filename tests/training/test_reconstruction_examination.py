from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from segmint.data.conditioned_pool import ConditionedPool
from segmint.data.dataset import open_dataset
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import open_slices
from segmint.recipes.contract import ReconstructingStage
from segmint.training.previews import PreviewFolder
from segmint.training.reconstruction_examination import reconstruction_examiner


class Thresholds(ReconstructingStage):
    """Finds the discs by their brightness, and draws them in black and white."""

    build_optimizers = step = None  # type: ignore[assignment]

    def probabilities(self, images: Tensor) -> Tensor:  # noqa: ARG002
        raise AssertionError("what takes long is left out of looks")

    def draft(self, images: Tensor) -> Tensor:
        return self.reconstructed(images)[1]

    def reconstructed(self, images: Tensor) -> tuple[Tensor, Tensor]:
        core, disc = images[:, 0] > 0.6, images[:, 0] > -0.4
        labels = disc.long() + core.long()
        return disc[:, None] * 2.0 - 1, torch.nn.functional.one_hot(labels, 3).movedim(-1, 1).float()


def test_it_measures_drafts_and_shows_what_was_found(discs: Path, tmp_path: Path) -> None:
    slices = open_slices(open_dataset(discs), size=32)
    pool = ConditionedPool(PairPool([PoolPart(slices, np.arange(6))]))
    found = reconstruction_examiner(pool, previews=PreviewFolder(tmp_path, batch=100, every=2500), device="cpu")(
        Thresholds(), 2500
    )
    assert found.measurement is not None
    assert (found.measurement.name, found.measurement.direction) == ("dice", "higher")
    assert found.measurement.value > 0.95
    picture = np.asarray(Image.open(tmp_path / "reconstructions_000002.png"))
    # Six strips of four pictures of 96 pixels, four strips a row, each framed.
    assert picture.shape == (2 * (96 + 4), 4 * (4 * 96 + 4), 3)
