"""The same PatchGAN at several scales of the image [Wang 2018 (pix2pixHD), section 3.2; Rawnaq 2023]."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from segmint.networks.normalisation import Norm
from segmint.networks.patch_discriminator import STRIDES_70, WIDTHS, PatchDiscriminator


class MultiScaleDiscriminator(nn.Module):
    """PatchGANs with weights of their own, each on an image half as large as the one before: 256, 128 and 64 px.

    Args:
        scales: how many; the other arguments are those of each `PatchDiscriminator`.
    """

    def __init__(
        self,
        *,
        channels: int,
        scales: int = 3,
        widths: Sequence[int] = WIDTHS,
        strides: Sequence[int] = STRIDES_70,
        width: float = 1.0,
        norm: Norm = "instance",
        attention: Sequence[int] = (),
        spectral: bool = False,
    ) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(
            PatchDiscriminator(
                channels=channels,
                widths=widths,
                strides=strides,
                width=width,
                norm=norm,
                attention=attention,
                spectral=spectral,
            )
            for _ in range(scales)
        )

    def logit_sides(self, side: int) -> list[int]:
        """Side of each scale's map of logits for an image of `side` pixels; below 1 the image is too small."""
        return [d.logit_side(side // 2**i) for i, d in enumerate(self._patch_discriminators)]

    @property
    def _patch_discriminators(self) -> list[PatchDiscriminator]:
        return [d for d in self.discriminators if isinstance(d, PatchDiscriminator)]

    def forward(self, x: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        """[N, channels, H, W] -> logits and features of each scale, the largest first.

        Raises:
            ValueError: the image is too small for the last scale.
        """
        if min(self.logit_sides(min(x.shape[2:]))) < 1:
            raise ValueError(f"{x.shape[2]} x {x.shape[3]} pixels are too few for {len(self.discriminators)} scales")
        judgements = []
        for i, discriminator in enumerate(self.discriminators):
            if i:
                x = F.avg_pool2d(x, 2)
            judgements.append(discriminator(x))
        return judgements
