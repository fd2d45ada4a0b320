"""datasetgan: an image generator whose features tell the label of each pixel, from few labelled images [Zhang 2021]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from segmint.data.exemplars import choose_exemplars
from segmint.errors import UserError
from segmint.recipes import joint_stylegan2, unet
from segmint.recipes.contract import Gathered, ImageStage, SegmenterStage, Stage, Task
from segmint.recipes.image_encoder import ImageEncoderStage
from segmint.recipes.latent_inversion import InversionSettings, InversionStage
from segmint.recipes.pixel_interpreter import Exemplars, InterpreterSettings, InterpreterStage, LabelSource
from segmint.recipes.recipe import DataFacts, Recipe
from segmint.recipes.style_adversary import CAPACITIES, check_style_size
from segmint.recipes.style_gan import StyleGANSettings, StyleGANStage

# Images that an oracle labels at once.
LOOKED_AT = 32


class DatasetGANSettings(InversionSettings, InterpreterSettings):
    """Settings of the image generator, the inversions and the interpreter."""

    # Whose labels: of real images that are inverted; of a person, on generated images; of a segmenter, on those.
    labels: Literal["inversion", "annotation", "oracle"] = "inversion"
    # The segmenter's budget where labels are "oracle".
    oracle_kimg: float = Field(16.0, gt=0)
    # Of the generated images that the segmenter labels, and how many it looks through for those that are used.
    oracle_truncation: float = Field(0.7, gt=0, le=1)
    oracle_draws: int = Field(256, ge=1)


class ImageGANStage(StyleGANStage, ImageStage):
    """Generator and discriminator of images alone: the joint ones without label maps."""

    name = "images"
    streams = ("unlabelled",)
    shaped_by = frozenset(StyleGANSettings.model_fields)

    def __init__(self, task: Task, settings: StyleGANSettings) -> None:
        super().__init__(task, settings, image_channels=task.image_channels, mask_counts=())

    def draw_images(self, generators: Sequence[torch.Generator], *, truncation: float = 1.0) -> Tensor:
        """Images of the averaged generator; latent and noise of image i come from generator i alone."""
        return self.draw_maps(generators, truncation)[0]


class InvertedLabels(LabelSource):
    """Labelled real images, at the styles that their inversion found; poor inversions are left out."""

    gathers = ()

    def __init__(self, inversion: InversionStage) -> None:
        self.inversion, self.stands_on = inversion, (inversion,)

    def exemplars(self, gathered: Gathered) -> Exemplars:  # noqa: ARG002
        """Styles and label maps of the inversions that are good enough."""
        accepted = self.inversion.inversions().accepted
        if not accepted.any():
            raise UserError(
                "No inversion explains enough of its labelled image to be used (the run's previews show them): train a new run, "
                "longer (--kimg), or with --reuse of this one and --set minimum_explained below "
                f"{self.inversion.settings.minimum_explained:g}."
            )
        styles = torch.cat(list(self.inversion.latents)).detach()
        return Exemplars(styles[accepted], self.inversion.labels[accepted])


class AnnotatedLabels(LabelSource):
    """Images of the generator that a person labelled, with the very noise they were drawn with."""

    gathers, stands_on = ("annotated",), ()

    def __init__(self, images: ImageGANStage) -> None:
        self.images = images

    @torch.no_grad()
    def exemplars(self, gathered: Gathered) -> Exemplars:
        """The same styles and noise again, and the person's label maps."""
        annotated = gathered.annotated
        assert annotated is not None
        styles, noise = self.images.drawn_styles(annotated.generators, truncation=annotated.truncation)
        return Exemplars(styles, annotated.labels.to(styles.device), noise)


class OracleLabels(LabelSource):
    """Images of the generator that a segmenter labels, which has learnt from all labelled pairs.

    Only where labelled pairs are without limit, as with phantoms, does this stand for an annotator who knows the truth.
    It looks through many and uses few, in which every label occurs several times if it can, as a person would.
    """

    gathers = ()

    def __init__(self, images: ImageGANStage, segmenter: SegmenterStage, settings: DatasetGANSettings) -> None:
        self.images, self.segmenter, self.stands_on = images, segmenter, (segmenter,)
        self.count, self.truncation = settings.labelled_images, settings.oracle_truncation
        self.looked_through = max(settings.oracle_draws, self.count)

    @torch.no_grad()
    def exemplars(self, gathered: Gathered) -> Exemplars:  # noqa: ARG002
        """Drawn images and the segmenter's most probable labels."""
        numbers = range(self.looked_through)
        parts = (self._labelled(numbers[start : start + LOOKED_AT])[2] for start in numbers[::LOOKED_AT])
        present = torch.cat([_present(labels, self.segmenter.task.label_count) for labels in parts]).numpy()
        # Labels often share an image, so half as many places as an even share would take leave room for images without any.
        least = max(1, self.count // (2 * max(1, present.shape[1] - 1)))
        styles, noise, labels = self._labelled(
            [numbers[one] for one in choose_exemplars(present, self.count, least=least)]
        )
        return Exemplars(styles, labels, noise)

    def _labelled(self, numbers: Sequence[int]) -> tuple[Tensor, list[Tensor], Tensor]:
        generators = [torch.Generator().manual_seed(number) for number in numbers]
        styles, noise = self.images.drawn_styles(generators, truncation=self.truncation)
        images = self.images.generator_average(styles, noise)[0].clamp(-1, 1)
        return styles, noise, self.segmenter.probabilities(images).argmax(dim=1)


def _present(labels: Tensor, count: int) -> Tensor:
    """Whether each label occurs in each map: int64 [N, S, S] -> bool [N, K]."""
    return torch.stack([(labels == label).flatten(1).any(dim=1) for label in range(count)], dim=1).cpu()


FAITHFUL = DatasetGANSettings(**joint_stylegan2.FAITHFUL.model_dump(), image_uncertainty="sum")
# The generator's repairs are those of the joint one.
REPAIRED = DatasetGANSettings(**joint_stylegan2.REPAIRED.model_dump())


def _stages(task: Task, settings: DatasetGANSettings) -> Sequence[Stage]:
    check_style_size(task, settings)
    images = ImageGANStage(task, settings)
    before: list[Stage] = []
    source: LabelSource
    match settings.labels:
        case "inversion":
            encoder = None
            if settings.inversion_start == "encoder":
                encoder = ImageEncoderStage(ImageEncoderStage.budget(task, settings), settings, images)
                before.append(encoder)
            inversion = InversionStage(InversionStage.budget(task, settings), settings, images, encoder)
            before.append(inversion)
            source = InvertedLabels(inversion)
        case "annotation":
            source = AnnotatedLabels(images)
        case "oracle":
            segmenter = _oracle(task, settings)
            before, source = [segmenter], OracleLabels(images, segmenter, settings)
    return [images, *before, InterpreterStage(InterpreterStage.budget(task, settings), settings, images, source)]


def _oracle(task: Task, settings: DatasetGANSettings) -> SegmenterStage:
    recipe = unet.RECIPE
    batch = recipe.batch["repaired"]
    total = -(-round(settings.oracle_kimg * 1000) // batch) * batch
    (stage,) = recipe.stages(replace(task, batch=batch, total_images=total), recipe.presets["repaired"])
    assert isinstance(stage, SegmenterStage)
    return stage


def _suits(facts: DataFacts) -> str | None:
    if facts.pairs == 0 or facts.unlabelled == 0:
        return None
    return (
        f"{facts.unlabelled} of its images have no label map, so its generator can learn from all of them, and the labels from"
        f" the {facts.pairs} that have one"
    )


RECIPE = Recipe(
    name="datasetgan",
    title="StyleGAN2 of images, its features labelled by an ensemble",
    source="Zhang et al., CVPR 2021; Karras et al., CVPR 2020",
    gives=frozenset({"pairs"}),
    presets={"faithful": FAITHFUL, "repaired": REPAIRED},
    capacities=CAPACITIES,
    stages=_stages,
    suits=_suits,
    batch={"faithful": 32, "repaired": 8},
    kimg=60.0,
    truncation={"faithful": 0.7, "repaired": 0.7},
    keep={"faithful": 0.9, "repaired": 0.9},
)
