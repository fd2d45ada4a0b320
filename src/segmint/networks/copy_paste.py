"""Copy-paste of lesions: what one sample of a batch shows of a lesion is pasted into another, with its ids.

"carvemix": all lesions of the donor, where they are, grown or shrunk by a random threshold on the signed distance to them, so
that some of what surrounds them comes along [Zhang 2021, CarveMix, section 2.2]. "tumorcp": one connected lesion, mirrored,
turned, scaled, its intensities bent, at a random place of the labelled organ, or of the body where no organ is labelled
[Yang 2021, TumorCP, section 2]. Images are blended over the rim; ids never are.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

Style = Literal["carvemix", "tumorcp"]

PROBABILITY = 0.5
# Width of the rim over which a pasted region is blended, in pixels.
RIM = 2.0
# What counts as body: brighter than this share of a channel's range.
_DARK = 0.1
_CONNECTED = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class Pastes:
    """What each of N samples takes from another; a rank in [0, 1) picks among what is there when it is applied.

    Attributes:
        happens: bool [N].
        donor, lesion, place: ranks [N] among the other samples that hold a lesion, among the donor's connected lesions, and
            among the pixels a lesion may be centred on.
        threshold: [N], on the signed distance, in shares of how deep the lesion is: -1/2 to 0 as often as 0 to 1.
        turn: [N, 2, 2], of places (columns, rows), from the pasted lesion back to the donor's.
        scale: [N], of the lesion; gamma: [N], exponent on its intensities, mapped to [0, 1] for it.
    """

    happens: Tensor
    donor: Tensor
    lesion: Tensor
    place: Tensor
    threshold: Tensor
    turn: Tensor
    scale: Tensor
    gamma: Tensor


def draw_pastes(n: int, *, generator: torch.Generator) -> Pastes:
    """Draw for `n` samples, on the generator's device; every other sample is to take something."""

    def uniform(low: float = 0.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(n, generator=generator, device=generator.device)

    happens, donor, lesion, place = uniform() < PROBABILITY, uniform(), uniform(), uniform()
    threshold = torch.where(uniform() < 0.5, uniform(-0.5, 0.0), uniform())
    angle, mirrored = uniform(-math.pi, math.pi), torch.where(uniform() < 0.5, -1.0, 1.0)
    turn = torch.stack([angle.cos() * mirrored, -angle.sin() * mirrored, angle.sin(), angle.cos()], dim=1)
    return Pastes(
        happens=happens,
        donor=donor,
        lesion=lesion,
        place=place,
        threshold=threshold,
        turn=turn.reshape(n, 2, 2),
        scale=uniform(0.75, 1.25),
        gamma=uniform(0.75, 1.5),
    )


def apply_pastes(
    images: Tensor, labels: Tensor, pastes: Pastes, *, style: Style, lesions: Collection[int] = ()
) -> tuple[Tensor, Tensor]:
    """Paste into samples of a batch from others as they were before.

    Args:
        images: float32 [N, C, H, W] in [-1, 1]; labels: integer ids [N, H, W].
        lesions: ids that count as lesion; none: all but the background.

    Returns:
        Both, changed. Where no other sample holds a lesion, or a lesion has no place to go, a sample stays as it is.
    """
    found = _lesions(labels, lesions)
    holders = found.flatten(1).any(dim=1).nonzero()[:, 0].tolist()
    new_images, new_labels = images.clone(), labels.clone()
    for i in pastes.happens.nonzero()[:, 0].tolist():
        others = [k for k in holders if k != i]
        if not others:
            continue
        k = others[_ranked(pastes.donor[i], len(others))]
        if style == "carvemix":
            distance = _signed_distance(found[k])
            distance = distance + float(pastes.threshold[i]) * distance.min()
            image, ids = images[k], labels[k]
        else:
            organ = (labels[i] > 0) & ~found[i]
            moved = _transplanted(images[k], labels[k], found[k], pastes, i, onto=images[i], organ=organ)
            if moved is None:
                continue
            image, ids, distance = moved
        # From 1 inside to 0 outside, 1/2 at the edge.
        share = (0.5 - distance / RIM).clamp(0, 1)
        new_images[i] = torch.lerp(images[i], image, share)
        new_labels[i] = torch.where(distance <= 0, ids, labels[i])
    return new_images, new_labels


def _lesions(labels: Tensor, lesions: Collection[int]) -> Tensor:
    if not lesions:
        return labels > 0
    return torch.isin(labels, torch.tensor(sorted(lesions), dtype=labels.dtype, device=labels.device))


def _ranked(rank: Tensor, count: int) -> int:
    return min(int(float(rank) * count), count - 1)


def _signed_distance(lesion: Tensor) -> Tensor:
    """[H, W] pixels to the edge of a lesion, negative inside."""
    inside: NDArray[np.bool_] = lesion.cpu().numpy()
    distance = np.where(inside, 0.5 - _distance(inside), _distance(~inside) - 0.5)
    return torch.from_numpy(distance.astype(np.float32)).to(lesion.device)


def _distance(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    # A lesion that fills the image has no edge: its depth is that of the image.
    if inside.all():
        return np.full(inside.shape, float(max(inside.shape)))
    return np.asarray(ndimage.distance_transform_edt(inside))


def _places(image: Tensor, organ: Tensor, *, radius: float) -> Tensor:
    """[n, 2] rows and columns that a lesion may be centred on: the organ; without one the body, so far in that it stays inside."""
    if bool(organ.any()):
        return organ.nonzero()
    low, high = image.amin(dim=(1, 2), keepdim=True), image.amax(dim=(1, 2), keepdim=True)
    bright = (image > low + _DARK * (high - low)).any(dim=0)
    body: NDArray[np.bool_] = ndimage.binary_fill_holes(bright.cpu().numpy())
    deep = ndimage.distance_transform_edt(np.pad(body, 1))[1:-1, 1:-1] >= radius
    return torch.from_numpy(deep if deep.any() else body).nonzero()


def _transplanted(
    image: Tensor, labels: Tensor, lesion: Tensor, pastes: Pastes, i: int, *, onto: Tensor, organ: Tensor
) -> tuple[Tensor, Tensor, Tensor] | None:
    """The donor's image and ids with one lesion of it moved to where sample `i` takes it, and the signed distance to that.

    Args:
        image, labels, lesion: of the donor; onto, organ: image and labelled organ of sample `i`.

    Returns:
        None where there is no place for it.
    """
    parts, count = ndimage.label(lesion.cpu().numpy(), structure=_CONNECTED)
    one = torch.from_numpy(parts == 1 + _ranked(pastes.lesion[i], count)).to(lesion.device)
    pixels = one.nonzero().float()
    middle, scale = pixels.mean(dim=0).round(), float(pastes.scale[i])
    radius = scale * (float((pixels - middle).norm(dim=1).max()) + 0.5)
    places = _places(onto, organ, radius=radius)
    if not len(places):
        return None
    height, width = one.shape
    # Places of affine_grid: columns then rows, -1 to 1 between the outer edges.
    sides = torch.tensor([width, height], dtype=torch.float32, device=image.device)
    centre = (middle.flip(0) + 0.5) / sides * 2 - 1
    target = places[_ranked(pastes.place[i], len(places))].to(image.device)
    target = (target.flip(0) + 0.5) / sides * 2 - 1
    # Turned in pixels, so that nothing is sheared where the sides differ.
    turn = pastes.turn[i].to(image.device) / scale * sides[None, :] / sides[:, None]
    matrix = torch.cat([turn, (centre - turn @ target)[:, None]], dim=1)[None]
    grid = F.affine_grid(matrix, [1, 1, height, width], align_corners=False)
    bent = ((image + 1) / 2).clamp(0, 1) ** float(pastes.gamma[i]) * 2 - 1
    moved = F.grid_sample(bent[None], grid, padding_mode="border", align_corners=False)[0]
    distance = _signed_distance(one)[None, None] * scale
    distance = F.grid_sample(distance, grid, padding_mode="border", align_corners=False)[0, 0]
    ids = F.grid_sample(
        torch.stack([labels, one.to(labels.dtype)])[None].float(), grid, mode="nearest", align_corners=False
    )[0].round()
    # Interpolated distances and nearest ids may part by a pixel at the rim: the lesion's own ids alone go over.
    distance = torch.where(ids[1] > 0, distance, distance.clamp(min=0.01))
    # What would come from outside the donor's image stays as it is.
    distance = torch.where((grid[0].abs() > 1).any(dim=-1), RIM, distance)
    return moved, ids[0].to(labels.dtype), distance
