"""StyleGAN2 generator that emits image channels and label maps together [Karras 2020; Son 2022]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segmint.networks.modulated import StyledLayer, ToOutput
from segmint.networks.resampling import upsample
from segmint.networks.style_mapping import StyleMapping


def feature_width(resolution: int, *, base: int, maximum: int) -> int:
    """Number of feature maps at a resolution: base / resolution, at most `maximum` [Karras 2018, table 2]."""
    return min(base // resolution, maximum)


class StyleBlock(nn.Module):
    """Two styled layers at one resolution (the first of which doubles it) and the output of that resolution."""

    def __init__(self, inputs: int, outputs: int, resolution: int, style_size: int, output_channels: int) -> None:
        super().__init__()
        self.first = StyledLayer(inputs, outputs, style_size, resolution, up=True) if resolution > 4 else None
        self.second = StyledLayer(outputs, outputs, style_size, resolution)
        self.to_output = ToOutput(outputs, output_channels, style_size)
        self.resolution = resolution

    @property
    def styled_layers(self) -> tuple[StyledLayer, ...]:
        return (self.second,) if self.first is None else (self.first, self.second)


class StyleSynthesis(nn.Module):
    """Skip generator [Karras 2020, figure 7b]: a learnt 4x4 constant, blocks up to `size`, the sum of all outputs.

    Args:
        size: power of two, 8 to 512.
        image_channels: C; label_maps: K, or 0 for images alone.
    """

    def __init__(
        self, *, size: int, image_channels: int, label_maps: int, style_size: int, width_base: int, width_maximum: int
    ) -> None:
        super().__init__()
        if size < 8 or size & (size - 1):
            raise ValueError(f"size must be a power of two of at least 8, not {size}")
        self.size, self.image_channels, self.label_maps = size, image_channels, label_maps
        resolutions = [2**exponent for exponent in range(2, size.bit_length())]
        widths = [feature_width(r, base=width_base, maximum=width_maximum) for r in resolutions]
        self.constant = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.blocks = nn.ModuleList(
            StyleBlock(widths[max(i - 1, 0)], widths[i], resolution, style_size, image_channels + label_maps)
            for i, resolution in enumerate(resolutions)
        )
        self.label_head = nn.Conv2d(label_maps, label_maps, 1) if label_maps else None
        if self.label_head is not None:
            # Starts as the identity, so that the softmax sees what the skip connections summed.
            nn.init.dirac_(self.label_head.weight)
            nn.init.zeros_(self.label_head.bias)  # type: ignore[arg-type]

    @property
    def style_blocks(self) -> list[StyleBlock]:
        return [block for block in self.blocks if isinstance(block, StyleBlock)]

    @property
    def noise_resolutions(self) -> list[int]:
        """Resolution of the noise map of each styled layer, in order."""
        return [layer.resolution for block in self.style_blocks for layer in block.styled_layers]

    @property
    def style_count(self) -> int:
        """How many styles the network takes: one a styled layer, and one for the last output."""
        return len(self.noise_resolutions) + 1

    def draw_noise(self, generators: Sequence[torch.Generator], device: torch.device) -> list[Tensor]:
        """Unit noise for each styled layer; sample i comes from generator i alone (one may be given n times)."""
        return [
            torch.stack([torch.randn(1, r, r, generator=g, device=g.device) for g in generators]).to(device)
            for r in self.noise_resolutions
        ]

    def forward(self, styles: Tensor, noise: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """[N, style_count, style_size], maps [N, 1, r, r] -> images [N, C, size, size], logits [N, K, size, size]."""
        images, logits, _ = self._run(styles, noise, keep=False)
        return images, logits

    def with_features(self, styles: Tensor, noise: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Images [N, C, size, size], and what every styled layer gave, in order: [N, width, r, r] at its own resolution."""
        images, _, kept = self._run(styles, noise, keep=True)
        return images, kept

    def _run(self, styles: Tensor, noise: Sequence[Tensor], *, keep: bool) -> tuple[Tensor, Tensor, list[Tensor]]:
        x = self.constant.expand(styles.shape[0], -1, -1, -1).contiguous(memory_format=torch.channels_last)
        output: Tensor | None = None
        kept: list[Tensor] = []
        layer = 0
        for block in self.style_blocks:
            for styled in block.styled_layers:
                x = styled(x, styles[:, layer], noise[layer])
                layer += 1
                if keep:
                    kept.append(x)
            here = block.to_output(x, styles[:, layer]).float()
            output = here if output is None else upsample(output) + here
        assert output is not None
        images, logits = output[:, : self.image_channels], output[:, self.image_channels :]
        return images, logits if self.label_head is None else self.label_head(logits), kept


class StyleGenerator(nn.Module):
    """Mapping and synthesis network together."""

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
        super().__init__()
        self.mapping = StyleMapping(latent_size, style_size)
        self.synthesis = StyleSynthesis(
            size=size,
            image_channels=image_channels,
            label_maps=label_maps,
            style_size=style_size,
            width_base=width_base,
            width_maximum=width_maximum,
        )

    def styles(self, z: Tensor, *, truncation: float = 1.0) -> Tensor:
        """Latents [N, latent_size] -> one style for all layers [N, style_count, style_size]."""
        w = self.mapping.truncate(self.mapping(z), truncation)
        return w[:, None].expand(-1, self.synthesis.style_count, -1)

    def mixed_styles(self, w: Tensor, other: Tensor, cutoff: Tensor) -> Tensor:
        """Style mixing [Karras 2019, section 3.1]: layers from `cutoff` [N] (int) on take their style from `other`.

        Both are mapped latents [N, style_size]; the result is [N, style_count, style_size].
        """
        layers = torch.arange(self.synthesis.style_count, device=w.device)
        return torch.where((layers < cutoff[:, None])[..., None], w[:, None], other[:, None])

    def forward(self, styles: Tensor, noise: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Styles and noise to images and label logits; see `StyleSynthesis.forward`."""
        images, logits = self.synthesis(styles, noise)
        return images, logits
