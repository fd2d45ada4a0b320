from __future__ import annotations

import json
from pathlib import Path

from segmint.data.dataset import open_dataset
from segmint.data.segmenter_description import description_of
from segmint.data.slices import open_slices


def test_it_tells_channels_labels_grid_and_intensities(discs: Path) -> None:
    found = description_of(open_slices(open_dataset(discs), size=32))
    assert (found["channel_names"], found["label_names"]) == (["MR0"], ["background", "rim", "core"])
    assert (found["dimensions"], found["axis"], found["size"], found["scale"]) == (3, 2, 32, 1)
    assert found["spacing"] == [1, 1, 3]
    assert found["intensity"] == [{"kind": "percentile", "low": 50, "high": 550}]
    assert json.loads(json.dumps(found)) == found
