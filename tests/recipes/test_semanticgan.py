"""The published settings, what the repaired preset changes, and the stages."""

from __future__ import annotations

import pytest

from segmint.errors import UserError
from segmint.recipes import joint_stylegan2
from segmint.recipes.branched_gan import BranchedStage
from segmint.recipes.contract import PairStage, SegmenterStage, Task
from segmint.recipes.latent_segmenter import EncoderStage
from segmint.recipes.semanticgan import FAITHFUL, RECIPE, REPAIRED


def test_the_faithful_preset_is_as_published() -> None:
    ours = {
        key: value for key, value in FAITHFUL.model_dump().items() if key not in joint_stylegan2.FAITHFUL.model_dump()
    }
    assert ours == {
        "mask_scales": 3,
        "mask_width": 1.0,
        "mask_spectral": False,
        "mask_adversarial_weight": 1.0,
        "feature_matching_weight": 2.0,
        "matched_features": "each",
        "mask_gradient": "trunk",
        "encoder_kimg": 100.0,
        "encoder_rate": 0.002,
        "pyramid_width": 128,
        "cross_entropy_weight": 1.0,
        "dice_weight": 1.0,
        "labelled_pixel_weight": 1.0,
        "labelled_perceptual_weight": 10.0,
        "unlabelled_pixel_weight": 1.0,
        "unlabelled_perceptual_weight": 10.0,
        "inference_steps": 500,
        "inference_rate": 0.1,
        "inference_perceptual_weight": 1.0,
        "inference_pixel_weight": 0.1,
        "inference_mean_weight": 0.01,
        "inference_encoder_weight": 0.001,
        "inference_perturbation": 0.05,
        "inference_noise_weight": 100.0,
    }
    assert FAITHFUL.model_dump().items() >= joint_stylegan2.FAITHFUL.model_dump().items()
    # Adam 0.002, R1 10 every 16, path length 2 every 4 with the batch halved, mixing 0.9.
    assert (FAITHFUL.learning_rate, FAITHFUL.r1_gamma, FAITHFUL.r1_every) == (0.002, 10, 16)
    assert (FAITHFUL.path_length_weight, FAITHFUL.path_length_every, FAITHFUL.path_length_shrink) == (2, 4, 2)
    assert FAITHFUL.style_mixing == 0.9
    assert RECIPE.batch == {"faithful": 16, "repaired": 8}
    assert RECIPE.gives == {"pairs", "segmenter"}


def test_what_the_repaired_preset_changes() -> None:
    assert REPAIRED.model_dump().items() >= joint_stylegan2.REPAIRED.model_dump().items()
    of_joint = joint_stylegan2.REPAIRED.model_dump()
    changed = {key: value for key, value in REPAIRED.model_dump().items() if value != FAITHFUL.model_dump()[key]}
    assert {key: value for key, value in changed.items() if key not in of_joint} == {
        "mask_spectral": True,
        "matched_features": "mean",
        "encoder_kimg": 16.0,
        "inference_steps": 100,
        "inference_encoder_weight": 3.0,
    }


@pytest.mark.parametrize("size", [32, 64, 128])
def test_the_stages_draw_pairs_and_segment(size: int) -> None:
    settings = RECIPE.settings(preset="repaired", capacity="small", changes={"encoder_kimg": "0.05"})
    pairs, encoder = RECIPE.stages(Task(size, 1, 3, 8, 1000), settings)
    assert isinstance(pairs, BranchedStage)
    assert isinstance(encoder, EncoderStage)
    assert isinstance(pairs, PairStage)
    assert isinstance(encoder, SegmenterStage)
    assert encoder.stands_on == (pairs,)
    assert (pairs.streams, encoder.streams) == (("unlabelled", "labelled"), ("labelled", "unlabelled"))
    assert (pairs.task.total_images, encoder.task.total_images) == (1000, 48)
    assert min(pairs.mask_discriminator.logit_sides(size)) >= 1


def test_wrong_sizes_and_scales_are_one_sentence() -> None:
    settings = RECIPE.settings(preset="repaired", capacity="small", changes={"mask_scales": "6"})
    with pytest.raises(UserError, match="--set mask_scales=6: 32 pixels are too few for 6 scales; give fewer"):
        RECIPE.stages(Task(32, 1, 3, 8, 1000), settings)
    with pytest.raises(UserError, match="choose one with --size"):
        RECIPE.stages(Task(48, 1, 3, 8, 1000), settings)
