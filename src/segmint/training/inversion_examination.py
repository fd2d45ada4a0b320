"""What is looked at when labelled images were inverted: each beside its reconstruction, and how good that is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from segmint.data.conditioned_pool import ConditionedPool
from segmint.metrics.reconstruction import DIRECTION, EXPLAINED, explained_variance, psnr
from segmint.outputs import staged_file, write_json
from segmint.recipes.contract import InvertingStage, Measurement, Stage
from segmint.training.loop import Examination, Examiner
from segmint.training.previews import overlay, shown_channels

PICTURE, TABLE = "inversions.png", "inversions.json"
COLUMNS, SIDE, GAP, MARK = 4, 96, 2, 4
# Okabe and Ito's blue and vermilion.
ACCEPTED, REFUSED = (0, 114, 178), (213, 94, 0)


def inversion_examiner(pool: ConditionedPool, *, previews: Path) -> Examiner:
    """Examiner of inversions: mean share of the images' variance that they explain, a picture and a table."""

    def examine(stage: Stage, images_shown: int) -> Examination:  # noqa: ARG001
        assert isinstance(stage, InvertingStage)
        found = stage.inversions()
        explained = explained_variance(found.images, found.reconstructions)
        ratios, accepted = psnr(found.images, found.reconstructions), [bool(one) for one in found.accepted]
        records = pool.records
        table = [
            {
                "case": records[number].case,
                "slice": records[number].slice,
                EXPLAINED: round(float(share), 4),
                "psnr_db": round(float(ratio), 2),
                "accepted": fine,
            }
            for number, share, ratio, fine in zip(found.numbers, explained, ratios, accepted, strict=True)
        ]
        previews.mkdir(parents=True, exist_ok=True)
        write_json(
            previews / TABLE,
            {"minimum_explained": found.minimum_explained, "accepted": sum(accepted), "inversions": table},
        )
        arrays = (one.cpu().numpy() for one in (found.images, found.reconstructions, found.labels))
        strips = [
            _strip(real, rebuilt, label, accepted=fine, colour=pool.colour)
            for real, rebuilt, label, fine in zip(*arrays, accepted, strict=True)
        ]
        write_strips(previews / PICTURE, strips)
        # Only what is finished may be called the best.
        return Examination(Measurement(EXPLAINED, float(explained.mean()), DIRECTION) if stage.finished() else None)

    return examine


Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def _strip(
    real: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    found: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    label: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    *,
    accepted: bool,
    colour: bool,
) -> Pixels:
    """Real image, reconstruction, and the label map laid over the reconstruction; a bar below says whether it is used."""
    nothing = np.zeros_like(label)
    shown, rebuilt = shown_channels(real, colour=colour), shown_channels(found, colour=colour)
    strip = np.concatenate([overlay(shown, nothing), overlay(rebuilt, nothing), overlay(rebuilt, label)], axis=1)
    scale = max(1, SIDE // len(label))
    strip = strip.repeat(scale, axis=0).repeat(scale, axis=1)
    bar = np.empty((MARK, strip.shape[1], 3), dtype=np.uint8)
    bar[:] = ACCEPTED if accepted else REFUSED
    return np.concatenate([strip, bar])


def write_strips(path: Path, strips: list[Pixels]) -> None:
    """Framed strips of one size, in rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    framed = [np.pad(one, ((GAP, GAP), (GAP, GAP), (0, 0)), constant_values=255) for one in strips]
    framed += [np.full_like(framed[0], 255)] * (-len(framed) % COLUMNS)
    rows = [np.concatenate(framed[i : i + COLUMNS], axis=1) for i in range(0, len(framed), COLUMNS)]
    with staged_file(path) as staging:
        Image.fromarray(np.concatenate(rows)).save(staging)
