"""Which of the two painters a preset's settings are of: pix2pix, or the style-based one."""

from __future__ import annotations

from collections.abc import Sequence

from segmint.recipes.contract import Stage, Task
from segmint.recipes.recipe import RecipeSettings
from segmint.recipes.style_painter import StylePainterSettings, style_painter_stages
from segmint.recipes.translator import TranslatorSettings, translator_stages


def painter_stages(task: Task, settings: RecipeSettings) -> Sequence[Stage]:
    """The one stage of a recipe that is published as pix2pix and repaired with style and noise.

    Raises:
        UserError: the size or the widths do not fit.
    """
    if isinstance(settings, StylePainterSettings):
        return style_painter_stages(task, settings)
    assert isinstance(settings, TranslatorSettings)
    return translator_stages(task, settings)
