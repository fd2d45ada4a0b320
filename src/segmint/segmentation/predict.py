"""`segmint segment predict`: label maps for images of any size and spacing, on the grids they came on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from segmint.data.case import Case
from segmint.data.case_intensity import CaseIntensity
from segmint.data.dataset import Dataset
from segmint.data.placement import BACKGROUND, resampled
from segmint.data.unlabelled import open_unlabelled
from segmint.errors import UserError
from segmint.outputs import check_target, staged_folder
from segmint.segmentation.description import Description, read_description
from segmint.segmentation.train import TRAINING
from segmint.training.segmenter import Segmenter, open_segmenter

# Windows overlap by this share, and count the less the nearer to their border.
OVERLAP = 0.5
_PLANES, _WINDOWS = 8, 32


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

    Slices are brought to the resolution the segmenter was trained at (by millimetres where both are known, else by the
    same factor in pixels); what is larger than its field is taken in overlapping windows, what is smaller is padded.
    Probabilities go back to the image's grid by linear interpolation, and the most probable label there is written.

    Args:
        segmenter: folder that `train_for_use` wrote.
        images: folder of images as nnU-Net names them, `CASE_0000.nii.gz` and so on, one file a channel or one RGB file a
            case, with the channels the segmenter was trained on.
        out: folder to write, `CASE.nii.gz` and so on.
        overwrite: replace what is at `out`.
        progress: print a line a case.

    Returns:
        `out`.

    Raises:
        UserError: a folder holds something else, an image is damaged or of other dimensions, or `out` exists.
    """
    out = Path(out)
    check_target(out, overwrite=overwrite)
    described = read_description(Path(segmenter))
    dataset = open_unlabelled(
        Path(images),
        out,
        channel_names=described.channel_names,
        label_names=described.label_names,
        name=Path(images).name,
    )
    if dataset.dimensions != described.dimensions:
        raise UserError(
            f"{images} holds {dataset.dimensions}-D images, but the segmenter was trained on {described.dimensions}-D ones:"
            " give images of that kind."
        )
    trained = open_segmenter(Path(segmenter) / TRAINING, device=device)
    intensity_of = CaseIntensity(dataset)
    console = Console(stderr=True, quiet=not progress, soft_wrap=True, markup=False, highlight=False)
    with staged_folder(out, overwrite=overwrite) as staging:
        for number, case in enumerate(dataset.cases, start=1):
            image = dataset.read_image(case)
            maps = intensity_of(case, image)
            normalised = np.stack([one.normalise(channel) for one, channel in zip(maps, image, strict=True)])
            ids = _segmented(trained, normalised, dataset.spacing(case), described)
            _write(dataset, case, ids, staging)
            console.print(f"{number}/{len(dataset.cases)}  {case.id}  {_found(ids, dataset.label_names)}")
    return out


def _segmented(
    segmenter: Segmenter, image: NDArray[np.float32], spacing: tuple[float, ...], described: Description
) -> NDArray[np.uint8]:
    """[C, *spatial] in [-1, 1] -> ids [*spatial]."""
    axis = described.axis
    planes = image[:, None] if axis is None else np.moveaxis(image, axis + 1, 1)
    in_plane = [number for number in range(len(spacing)) if number != axis]
    # Millimetres a pixel, here and as in the median of the training; 1.0 stands for both where nobody knows.
    zoom = [described.scale * spacing[number] / described.spacing[number] for number in in_plane]
    parts = [
        _of_planes(segmenter, np.moveaxis(planes[:, start : start + _PLANES], 0, 1), zoom, described.size)
        for start in range(0, planes.shape[1], _PLANES)
    ]
    ids = np.concatenate(parts)
    return ids[0] if axis is None else np.moveaxis(ids, 0, axis)


def _of_planes(segmenter: Segmenter, planes: NDArray[np.float32], zoom: list[float], size: int) -> NDArray[np.uint8]:
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
    dataset.format.write_label(folder / case.label_path.name, stored, spacing=spacing, affine=affine)


def _found(ids: NDArray[np.uint8], names: tuple[str, ...]) -> str:
    shares = [(name, float((ids == number).mean())) for number, name in enumerate(names) if number]
    return ", ".join(f"{name} {share:.2%}" for name, share in shares)
