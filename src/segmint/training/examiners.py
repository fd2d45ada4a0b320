"""Which examiner looks at which kind of stage."""

from __future__ import annotations

from segmint.recipes.contract import (
    ImageReconstructingStage,
    ImageStage,
    InvertingStage,
    MaskStage,
    PairStage,
    ReconstructingStage,
    Stage,
    TransferStage,
    TranslatorStage,
)
from segmint.training.examination import image_examiner, pair_examiner, segmenter_examiner
from segmint.training.inversion_examination import inversion_examiner
from segmint.training.loop import Examiner
from segmint.training.mask_examination import mask_examiner, transfer_examiner, translator_examiner
from segmint.training.material import Material
from segmint.training.previews import PreviewFolder
from segmint.training.reconstruction_examination import image_reconstruction_examiner, reconstruction_examiner


def examiner_of(stage: Stage, material: Material, *, previews: PreviewFolder, device: str, seed: int) -> Examiner:
    """The examiner that fits what the stage gives."""
    training, validation = material.training, material.validation
    if isinstance(stage, PairStage):
        return pair_examiner(training, validation, previews=previews, seed=seed)
    if isinstance(stage, ImageStage):
        return image_examiner(material.unlabelled, validation, previews=previews, seed=seed)
    if isinstance(stage, InvertingStage):
        return inversion_examiner(training, previews=previews.root)
    if isinstance(stage, MaskStage):
        return mask_examiner(training, validation, previews=previews, seed=seed)
    if isinstance(stage, TranslatorStage):
        return translator_examiner(training, validation, previews=previews, device=device, seed=seed)
    if isinstance(stage, ReconstructingStage):
        return reconstruction_examiner(validation, previews=previews, device=device)
    if isinstance(stage, ImageReconstructingStage):
        return image_reconstruction_examiner(validation, previews=previews, device=device)
    if isinstance(stage, TransferStage):
        return transfer_examiner(validation, device=device)
    return segmenter_examiner(validation, device=device)
