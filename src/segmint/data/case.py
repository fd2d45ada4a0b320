"""One pair of a dataset, and where a synthetic dataset comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from segmint.data.intensity import IntensityMap


@dataclass(frozen=True)
class Case:
    """One pair: the files, and what is recorded about them.

    Args:
        id: Name of the case, without channel number and file ending.
        subject: Patient, animal or specimen; the case id where nothing else is known.
        volume: Volume this case is a slice of.
        slice: Number of the slice in `volume`.
        axis: Axis of `volume` the slice was taken along.
        intensity: One map a channel, where recorded; wins over the default.
        image_paths: One file a channel, or a single RGB or 4-D file.
        label_path: The label map; None for an image of `imagesUnlabelled`.
        spacing: Millimetres per array axis, where recorded (a file that knows its own wins).
        affine: [4][4] voxel-to-world matrix, where recorded.
        original_shape: Shape on the source's grid, before scaling and padding.
        padding: ((before, after), ...) per array axis, in pixels of this case.
        condition_paths: File of every condition map, by name.
        uncertainty: Of the label map of a synthetic pair, where its generator tells: the larger, the less certain.
        drawn: (h, w) in which a synthetic slice was drawn, where its files hold it enlarged to the source's grid.
    """

    id: str
    subject: str
    volume: str | None
    slice: int | None
    axis: int | None
    intensity: tuple[IntensityMap, ...] | None
    image_paths: tuple[Path, ...]
    label_path: Path | None
    spacing: tuple[float, ...] | None = None
    affine: tuple[tuple[float, ...], ...] | None = None
    original_shape: tuple[int, ...] | None = None
    padding: tuple[tuple[int, int], ...] | None = None
    condition_paths: Mapping[str, Path] = field(default_factory=dict)
    uncertainty: float | None = None
    drawn: tuple[int, int] | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All files of the case: images, label map, condition maps."""
        label = () if self.label_path is None else (self.label_path,)
        return (*self.image_paths, *label, *self.condition_paths.values())


@dataclass(frozen=True)
class Provenance:
    """What made a synthetic dataset, and what that has seen.

    Args:
        run: Path of the run folder.
        checkpoint_sha256: Hash of the checkpoint the pairs were drawn from.
        seed: Seed of the drawing.
        recipe: Name of the recipe.
        labels_seen: (dataset identity, subject) of every label map used in training, over all stages and runs.
        images_seen: The same for images.
        selected_on: The same for what chose the checkpoint.
        marks_seen: (dataset identity, subject, marks) of the images of all these subjects, separated by spaces: they tell that
            subjects of another name are the same (see `mark_of`). Empty in sets of earlier versions.
        truncation: Of the latents; 1 is none.
        keep: Share of the pairs drawn that was kept, the most certain ones; 1 is all.
        screened: Whether masks unlike the training masks were drawn again.
        stands_on: What else the pairs come from: path and hash of a run or dataset that gave the masks.
    """

    run: str
    checkpoint_sha256: str
    seed: int
    recipe: str
    labels_seen: tuple[tuple[str, str], ...] = ()
    images_seen: tuple[tuple[str, str], ...] = ()
    selected_on: tuple[tuple[str, str], ...] = ()
    stands_on: tuple[str, ...] = ()
    truncation: float = 1.0
    keep: float = 1.0
    screened: bool = False
    marks_seen: tuple[tuple[str, str, str], ...] = ()
