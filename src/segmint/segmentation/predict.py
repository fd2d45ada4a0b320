"""`segmint segment predict`: label maps for images of any size and spacing, on the grids they came on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from segmint.data.case import Case
from segmint.data.case_intensity import CaseIntensity
from segmint.data.dataset import Dataset
from segmint.data.intensity import PERCENTILES, IntensityMap, clipped_contrast
from segmint.data.orientation import Turn
from segmint.data.placement import BACKGROUND, resampled
from segmint.data.unlabelled import open_unlabelled
from segmint.errors import UserError
from segmint.outputs import check_target, staged_folder
from segmint.segmentation.description import Description, read_description
from segmint.segmentation.train import TRAINING
from segmint.synthesis.open_run import open_run_segmenter
from segmint.training.segmenter import Segmenter, open_segmenter

# Windows overlap by this share, and count the less the nearer to their border.
OVERLAP = 0.5
_PLANES, _WINDOWS = 8, 32
# Images whose pixels are so many times larger or smaller than the training's are a mistake in a header.
_LARGEST_RATIO = 10.0
# Times the range of an image's percentiles, beyond which its brightest parts lie too far for anything to be told apart there.
_MOST_CLIPPED = 2.0


def predict(
    segmenter: Path,
    images: Path,
    *,
    out: Path,
    overwrite: bool = False,
    device: str = "auto",
    progress: bool = True,
) -> Path:
    """Segment every image of a folder and write a label map for each, on its grid, with its affine and spacing.

    Volumes are turned to lie as those of the training did, where the files tell how they lie. Intensities are mapped as in
    the training: recorded maps win, fixed ranges and windows are those of the training, percentiles are taken of each volume
    (a line tells of images that are so full of background that these leave the rest no contrast).
    Slices are brought to the resolution the segmenter was trained at (by millimetres where both are known, else by the
    same factor in pixels); what is larger than its field is taken in overlapping windows, what is smaller is padded.
    Probabilities go back to the image's grid by linear interpolation, and the most probable label there is written.

    Args:
        segmenter: folder that `train_for_use` wrote, or a run of a recipe that gives a segmenter, taken at its best checkpoint.
        images: folder of images as nnU-Net names them, `CASE_0000.nii.gz` and so on, one file a channel or one RGB file a
            case, with the channels the segmenter was trained on.
        out: folder to write, `CASE.nii.gz` and so on.
        overwrite: replace what is at `out`.
        progress: print a line a case.

    Returns:
        `out`.

    Raises:
        UserError: a folder holds something else, an image is damaged or of another kind, or `out` exists or holds what
            is read here.
    """
    out = Path(out)
    check_target(out, overwrite=overwrite, inputs=[Path(images), Path(segmenter)])
    described = read_description(Path(segmenter))
    dataset = open_unlabelled(
        Path(images),
        channel_names=described.channel_names,
        label_names=described.label_names,
        dimensions=described.dimensions,
        name=Path(images).name,
    )
    trained = _opened(Path(segmenter), device=device)
    intensity_of = CaseIntensity(dataset, trained=described.intensity)
    console = Console(stderr=True, quiet=not progress, soft_wrap=True, markup=False, highlight=False)
    with staged_folder(out, overwrite=overwrite) as staging:
        for number, case in enumerate(dataset.cases, start=1):
            image = dataset.read_image(case)
            maps = intensity_of(case, image)
            for told in _clipped(dataset, case, image, maps):
                console.print(told)
            normalised = np.stack([one.normalise(channel) for one, channel in zip(maps, image, strict=True)])
            ids = _segmented(trained, normalised, case, dataset, described)
            _write(dataset, case, ids, staging)
            console.print(f"{number}/{len(dataset.cases)}  {case.id}  {_found(ids, dataset.label_names)}")
    return out


def _clipped(dataset: Dataset, case: Case, image: NDArray[np.float32], maps: Sequence[IntensityMap]) -> Iterator[str]:
    """Channels whose percentiles leave no contrast to what is bright; of slices that share those of a volume nothing is said."""
    for name, channel, one in zip(dataset.channel_names, image, maps, strict=True):
        if one.kind == "percentile" and case.volume is None:
            above = clipped_contrast(channel, one)
            if above > _MOST_CLIPPED:
                yield (
                    f"{case.id}: brightness of {name} is told apart from {one.low:.4g} to {one.high:.4g}, its percentiles"
                    f" {PERCENTILES[0]:g} and {PERCENTILES[1]:g}, but its brightest parts lie {above:.1f} times that range higher"
                    " and are seen as equally white: if it shows more background than the training images, crop it"
                )


def _opened(segmenter: Path, *, device: str) -> Segmenter:
    training = segmenter / TRAINING
    return (
        open_segmenter(training, device=device) if training.is_dir() else open_run_segmenter(segmenter, device=device)
    )


def _segmented(
    segmenter: Segmenter, image: NDArray[np.float32], case: Case, dataset: Dataset, described: Description
) -> NDArray[np.uint8]:
    """[C, *spatial] in [-1, 1] -> ids [*spatial]."""
    spacing, affine, axis = dataset.known_spacing(case), dataset.affine(case), described.axis
    if axis is None:
        zoom = _zoom(case, spacing, described)
        return np.asarray(_of_planes(segmenter, image[None], zoom, described.size)[0], dtype=np.uint8)
    turn = None if affine is None or described.orientation is None else Turn(affine, described.orientation)
    if turn is not None:
        image = np.stack([turn.there(channel) for channel in image])
        spacing = None if spacing is None else turn.steps(spacing)
    zoom = _zoom(case, spacing, described)
    planes = np.moveaxis(image, axis + 1, 0)
    parts = [
        _of_planes(segmenter, planes[start : start + _PLANES], zoom, described.size)
        for start in range(0, len(planes), _PLANES)
    ]
    ids = np.moveaxis(np.concatenate(parts), 0, axis)
    return np.asarray(ids if turn is None else turn.back(ids), dtype=np.uint8)


def _zoom(case: Case, spacing: tuple[float, ...] | None, described: Description) -> tuple[float, float]:
    """Pixels of the segmenter per pixel of the image, along rows and columns of its planes."""
    if spacing is None or described.spacing is None:
        return described.scale, described.scale
    ratios = [ours / theirs for ours, theirs in zip(spacing, described.spacing, strict=True)]
    rows, columns = (ratio for axis, ratio in enumerate(ratios) if axis != described.axis)
    if not all(1 / _LARGEST_RATIO <= ratio <= _LARGEST_RATIO for ratio in (rows, columns)):
        sizes = [" x ".join(f"{one:.3g}" for one in of) for of in (spacing, described.spacing)]
        raise UserError(
            f"{case.image_paths[0]} has a spacing of {sizes[0]} mm, the segmenter was trained at {sizes[1]} mm: mend the"
            " spacing, or resample the image."
        )
    return described.scale * rows, described.scale * columns


def _of_planes(
    segmenter: Segmenter, planes: NDArray[np.float32], zoom: tuple[float, float], size: int
) -> NDArray[np.uint8]:
    """[N, C, h, w] -> ids [N, h, w]."""
    from monai.inferers.utils import sliding_window_inference

    height, width = planes.shape[2:]
    shape = max(1, round(height * zoom[0])), max(1, round(width * zoom[1]))
    scaled = np.stack([[resampled(channel, shape) for channel in plane] for plane in planes])
    found = sliding_window_inference(
        torch.from_numpy(scaled).to(segmenter.device),
        roi_size=(size, size),
        sw_batch_size=_WINDOWS,
        predictor=segmenter.stage.probabilities,
        overlap=OVERLAP,
        mode="gaussian",
        cval=float(BACKGROUND),
    )
    assert isinstance(found, torch.Tensor)
    restored = [[resampled(label, (height, width)) for label in plane] for plane in found.cpu().numpy()]
    ids: NDArray[np.uint8] = np.array(restored).argmax(axis=1).astype(np.uint8)
    return ids


def _write(dataset: Dataset, case: Case, ids: NDArray[np.uint8], folder: Path) -> None:
    """As the image lies: a single-slice volume is a volume again."""
    geometry = dataset.geometry(case)
    affine = dataset.affine(case)
    stored = ids.reshape(geometry.shape)
    spacing = geometry.spacing or case.spacing
    dataset.format.write_label(folder / f"{case.id}{dataset.file_ending}", stored, spacing=spacing, affine=affine)


def _found(ids: NDArray[np.uint8], names: tuple[str, ...]) -> str:
    shares = [(name, float((ids == number).mean())) for number, name in enumerate(names) if number]
    return ", ".join(f"{name} {share:.2%}" for name, share in shares)
