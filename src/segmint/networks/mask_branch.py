"""A mask branch beside the image branch of a style-based generator [Li 2021, section 3.1; Karras 2020, figure 7b]."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from segmint.networks.modulated import ToOutput
from segmint.networks.resampling import upsample
from segmint.networks.style_generator import StyleGenerator, StyleSynthesis


class MaskBranch(nn.Module):
    """To-mask layers beside the to-image layers of `synthesis`: one a resolution, all of them upsampled and summed.

    Each reads the features, and takes the style, that the to-image layer of its resolution has.
    """

    def __init__(self, synthesis: StyleSynthesis, *, label_maps: int, style_size: int) -> None:
        super().__init__()
        blocks = synthesis.style_blocks
        self.outputs = nn.ModuleList(ToOutput(block.second.bias.numel(), label_maps, style_size) for block in blocks)
        counts = [len(block.styled_layers) for block in blocks]
        # Numbers of the styled layers that end a resolution.
        self.layers = tuple(sum(counts[: i + 1]) - 1 for i in range(len(counts)))

    def forward(self, maps: Sequence[Tensor], styles: Tensor) -> Tensor:
        """Features of every styled layer and styles [N, style_count, style_size] -> logits [N, label_maps, size, size]."""
        output: Tensor | None = None
        for to_output, layer in zip(self.outputs, self.layers, strict=True):
            here = to_output(maps[layer], styles[:, layer + 1]).float()
            output = here if output is None else upsample(output) + here
        assert output is not None
        return output


class BranchedStyleGenerator(StyleGenerator):
    """Mapping, trunk and image branch as in `StyleGenerator` without label maps, and a mask branch.

    Nothing of the mask branch leads back to the image: what draws images is the same with it and without it.
    """

    def __init__(
        self,
        *,
        size: int,
        image_channels: int,
        label_maps: int,
        latent_size: int = 512,
        style_size: int = 512,
        width_base: int = 32768,
        width_maximum: int = 512,
    ) -> None:
        super().__init__(
            size=size,
            image_channels=image_channels,
            label_maps=0,
            latent_size=latent_size,
            style_size=style_size,
            width_base=width_base,
            width_maximum=width_maximum,
        )
        self.mask_branch = MaskBranch(self.synthesis, label_maps=label_maps, style_size=style_size)

    def forward(self, styles: Tensor, noise: Sequence[Tensor], *, cut_masks: bool = False) -> tuple[Tensor, Tensor]:
        """Styles and noise to images [N, C, size, size] and label logits [N, K, size, size].

        Args:
            cut_masks: the logits' gradient ends at the mask branch: it reaches neither trunk nor styles.
        """
        images, maps = self.synthesis.with_features(styles, noise)
        if cut_masks:
            maps, styles = [one.detach() for one in maps], styles.detach()
        logits: Tensor = self.mask_branch(maps, styles)
        return images, logits
