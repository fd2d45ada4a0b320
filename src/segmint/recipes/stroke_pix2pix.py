"""stroke-pix2pix: lesion and foreground masks to MR slices, self-attention and multi-scale L1 [brain stroke GAN, 2019]."""

from __future__ import annotations

from segmint.recipes.contract import Recipe
from segmint.recipes.translator import REPAIRS, TranslatorSettings, translator_stages

# Self-attention at a quarter of the size in the generator and after the discriminator's second block [Zhang 2019, SAGAN],
# spectral normalisation of both, L1 between the discriminator's features at every layer [Xue 2018, SegAN].
PUBLISHED = TranslatorSettings(
    norm="batch",
    spectral=True,
    discriminator_spectral=True,
    attention_fractions=(0.25,),
    discriminator_attention=(1,),
    multi_scale_l1_weight=1.0,
    l1_weight=100.0,
)
REPAIRED = PUBLISHED.model_copy(update={**REPAIRS, "norm": "instance", "multi_scale_l1_weight": 0.0})

RECIPE = Recipe(
    name="stroke-pix2pix",
    title="Self-attention pix2pix from lesion and foreground masks, for balancing",
    source="Brain stroke GAN, 2019; Zhang et al., ICML 2019; Xue et al., 2018",
    gives=frozenset({"images"}),
    presets={"faithful": PUBLISHED, "repaired": REPAIRED},
    capacities={"small": {"width": 0.25}, "full": {}},
    stages=translator_stages,
    batch={"faithful": 8, "repaired": 8},
    kimg=20.0,
    conditions=("foreground",),
    mask_source={"faithful": "real", "repaired": "deformed"},
)
