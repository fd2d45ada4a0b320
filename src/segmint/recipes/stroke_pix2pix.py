"""stroke-pix2pix: lesion and foreground masks to MR slices, self-attention and multi-scale L1 [brain stroke GAN, 2019]."""

from __future__ import annotations

from collections.abc import Sequence

from segmint.recipes.contract import Stage, Task
from segmint.recipes.recipe import Recipe, RecipeSettings
from segmint.recipes.style_adversary import CAPACITIES
from segmint.recipes.style_painter import STYLE_PAINTER, StylePainterSettings, style_painter_stages
from segmint.recipes.translator import TranslatorSettings, translator_stages

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
# Most of a slice is foreground and nothing else, which pix2pix fills with rings (docs/results): the repaired preset paints by
# style and noise.
REPAIRED = STYLE_PAINTER


def _stages(task: Task, settings: RecipeSettings) -> Sequence[Stage]:
    if isinstance(settings, StylePainterSettings):
        return style_painter_stages(task, settings)
    assert isinstance(settings, TranslatorSettings)
    return translator_stages(task, settings)


RECIPE = Recipe(
    name="stroke-pix2pix",
    title="Self-attention pix2pix from lesion and foreground masks, for balancing",
    source="Brain stroke GAN, 2019; Zhang et al., ICML 2019; Xue et al., 2018",
    gives=frozenset({"images"}),
    presets={"faithful": PUBLISHED, "repaired": REPAIRED},
    capacities={"small": {"width": 0.25}, "full": {}},
    preset_capacities={"repaired": CAPACITIES},
    stages=_stages,
    batch={"faithful": 8, "repaired": 8},
    kimg=20.0,
    conditions=("foreground",),
    mask_source={"faithful": "real", "repaired": "deformed"},
)
