"""vess2image: pix2pix from vessel masks to fundus images [Paired GAN 2023; Isola 2017]."""

from __future__ import annotations

from segmint.recipes.recipe import Recipe
from segmint.recipes.translator import REPAIRS, TranslatorSettings, translator_stages

# U-Net of eight encoder and seven decoder blocks at 256 pixels, discriminator of four halvings and one convolution,
# L1 weight 160, discriminator first.
PUBLISHED = TranslatorSettings(
    norm="batch",
    dropout_blocks=3,
    discriminator_strides=(2, 2, 2, 2),
    adversarial="bce",
    l1_weight=160.0,
    first="discriminator",
)
REPAIRED = PUBLISHED.model_copy(update={**REPAIRS, "norm": "instance", "discriminator_strides": (2, 2, 2, 1)})

RECIPE = Recipe(
    name="vess2image",
    title="pix2pix from masks to images",
    source="Paired GAN, 2023; Isola et al., CVPR 2017",
    gives=frozenset({"images"}),
    presets={"faithful": PUBLISHED, "repaired": REPAIRED},
    capacities={"small": {"width": 0.25}, "full": {}},
    stages=translator_stages,
    batch={"faithful": 1, "repaired": 4},
    kimg=10.0,
    epochs={"faithful": 30.0},
    mask_source={"faithful": "vessgan", "repaired": "deformed"},
)
