"""em-pix2pix: organelle and membrane masks to electron micrographs, three discriminators [Rawnaq 2023]."""

from __future__ import annotations

from segmint.recipes.recipe import Recipe
from segmint.recipes.translator import REPAIRS, TranslatorSettings, translator_stages

# InstanceNorm U-Net, dropout 0.5 in three blocks, three 70x70 PatchGANs at full, half and quarter size.
PUBLISHED = TranslatorSettings(norm="instance", dropout_blocks=3, discriminators=3, discriminator_strides=(2, 2, 2, 1))
# Resizing before convolving, as in the other repaired painters, leaves micrographs smooth: 18 dB below real ones at high
# frequencies, and 1 dB with transposed convolutions (measured in docs/results).
REPAIRED = PUBLISHED.model_copy(update={**REPAIRS, "enlarging": "transposed"})

RECIPE = Recipe(
    name="em-pix2pix",
    title="pix2pix from organelle and membrane masks, three discriminators",
    source="Rawnaq 2023; Isola et al., CVPR 2017; Wang et al., CVPR 2018",
    gives=frozenset({"images"}),
    presets={"faithful": PUBLISHED, "repaired": REPAIRED},
    capacities={"small": {"width": 0.25}, "full": {}},
    stages=translator_stages,
    batch={"faithful": 1, "repaired": 4},
    kimg=10.0,
    conditions="all",
    mask_source={"faithful": "real", "repaired": "deformed"},
)
