"""Which intensity map every channel of a case has: recorded, of its volume, or the default."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segmint.data.case import Case
from segmint.data.dataset import Dataset
from segmint.data.intensity import IntensityMap, default_intensity, is_ct, percentile_intensity


class CaseIntensity:
    """The maps of the cases of a dataset, one a channel.

    What is recorded wins. Where the maps of a training are given, images get maps of the same kinds: those with fixed ends
    as they are, percentiles anew. Volumes that are stored slice by slice have percentiles over all their slices: a slice that holds
    little but noise would otherwise be stretched to full contrast.

    Raises:
        UserError: a file of such a volume is damaged.
    """

    def __init__(self, dataset: Dataset, *, trained: Sequence[IntensityMap] | None = None) -> None:
        self.dataset, self.trained = dataset, trained
        self._of_volume = _volume_maps(dataset, trained)

    def __call__(self, case: Case, image: NDArray[np.float32]) -> tuple[IntensityMap, ...]:
        """The maps of one case; `image` is what its files hold, [C, *spatial] in stored units."""
        if case.intensity:
            return case.intensity
        if case.volume in self._of_volume:
            return self._of_volume[case.volume]
        if self.trained is not None:
            return _as_trained(self.trained, image)
        eight_bit = stores_eight_bits(self.dataset, case)
        return tuple(
            default_intensity(channel, channel_name=name, eight_bit=eight_bit)
            for name, channel in zip(self.dataset.channel_names, image, strict=True)
        )


def stores_eight_bits(dataset: Dataset, case: Case) -> bool:
    """Whether the files of a case are 8-bit pictures."""
    return dataset.format.dimensions == frozenset({2}) and dataset.geometry(case).dtype == np.uint8


def _as_trained(trained: Sequence[IntensityMap], image: NDArray[np.float32]) -> tuple[IntensityMap, ...]:
    return tuple(
        percentile_intensity(channel) if one.kind == "percentile" else one
        for one, channel in zip(trained, image, strict=True)
    )


def _volume_maps(
    dataset: Dataset, trained: Sequence[IntensityMap] | None
) -> dict[str | None, tuple[IntensityMap, ...]]:
    members: dict[str, list[Case]] = defaultdict(list)
    for case in dataset.cases:
        if case.volume is None or case.intensity is not None:
            continue
        if trained is not None or not stores_eight_bits(dataset, case):
            members[case.volume].append(case)
    maps: dict[str | None, tuple[IntensityMap, ...]] = {}
    for volume, cases in members.items():
        images = [dataset.read_image(case).reshape(len(dataset.channel_names), -1) for case in cases]
        values = np.concatenate(images, axis=1)
        if trained is not None:
            maps[volume] = _as_trained(trained, values)
            continue
        maps[volume] = tuple(
            default_intensity(channel, channel_name=name, eight_bit=False)
            if is_ct(name)
            else percentile_intensity(channel)
            for name, channel in zip(dataset.channel_names, values, strict=True)
        )
    return maps
