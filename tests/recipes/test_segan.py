from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from segmint.data.dataset import open_dataset
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import open_slices
from segmint.errors import UserError
from segmint.losses.multi_scale_l1 import multi_scale_l1
from segmint.networks.masked_image import intensities, mask_out
from segmint.networks.self_attention import SelfAttention
from segmint.recipes.contract import Batch, Task
from segmint.recipes.segan import PUBLISHED, RECIPE, SegANSettings, SegANStage
from segmint.training.loop import LoopUpdate
from segmint.training.precision import Hardware
from segmint.training.segmenter import learning_curve, train_segmenter

SIZE = 32
TARGETS = ["mask", "masked-image"]
PRESETS = ["faithful", "repaired"]


def build(
    preset: str = "faithful",
    *,
    channels: int = 1,
    labels: int = 2,
    size: int = SIZE,
    width: str = "0.1",
    **changes: str,
) -> SegANStage:
    torch.manual_seed(0)
    settings = RECIPE.settings(preset=preset, capacity="full", changes={"width": width, **changes})
    (stage,) = RECIPE.stages(Task(size, channels, labels, 4, 1000), settings)
    assert isinstance(stage, SegANStage)
    stage.build_optimizers()
    return stage


class Watched(LoopUpdate):
    """The loop's own update, which also keeps the losses, and whether the other network was left alone."""

    def __init__(self, stage: SegANStage, *, total: int = 1000, precision: str = "float32") -> None:
        super().__init__(stage, Hardware("cpu", precision, 1, ""), torch.Generator().manual_seed(0), total)
        self.both = stage
        self.losses: list[tuple[str, float]] = []
        self.untouched = True

    def __call__(self, network: str, loss: Tensor) -> None:
        other = self.both.critic if network == "segmentor" else self.both.segmentor
        before = copy.deepcopy(other.state_dict())
        super().__call__(network, loss)
        self.untouched &= all(torch.equal(before[name], value) for name, value in other.state_dict().items())
        self.losses.append((network, loss.item()))


def drawn_discs(n: int = 4, *, seed: int = 0, channels: int = 1, labels: int = 2, size: int = SIZE) -> Batch:
    """One disc a label on a dark ground, bright by label, under noise."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    ids = torch.zeros(n, size, size, dtype=torch.int64)
    for label in range(1, labels):
        row, column = torch.rand(2, n, 1, 1, generator=generator) * (size - 14) + 7
        radius = torch.rand(n, 1, 1, generator=generator) * 2 + 4
        ids[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = label
    images = (ids[:, None] * 1.2 / (labels - 1) - 0.6).repeat(1, channels, 1, 1)
    return Batch((images + 0.1 * torch.randn(images.shape, generator=generator)).clamp(-1, 1), ids)


def dice(stage: SegANStage, batch: Batch) -> list[float]:
    predicted = stage.probabilities(batch.images).argmax(dim=1)
    pairs = [(predicted == label, batch.labels == label) for label in range(1, stage.task.label_count)]
    return [float(2 * (ours & truth).sum() / (ours.sum() + truth.sum())) for ours, truth in pairs]


def test_published_settings() -> None:
    assert SegANSettings().model_dump() == PUBLISHED.model_dump() == {
        "width": 1.0,
        "target": "mask",
        "attention": False,
        "norm": "batch",
        "critic_norm": "batch",
        "critic_clip": 0.05,
        "intensity_floor": 0.0,
        "multi_scale_l1_weight": 1.0,
        "dice_weight": 1.0,
        "cross_entropy_weight": 0.0,
        "learning_rate": 2e-4,
        "critic_learning_rate": None,
        "beta1": 0.5,
        "schedule": "halving",
        "halving_images": 50_000,
        "decay_exponent": 0.9,
        "augment": (),
        "copypaste_style": "carvemix",
        "copypaste_labels": (),
    }  # fmt: skip
    assert RECIPE.presets["faithful"] == PUBLISHED
    assert RECIPE.gives == {"segmenter"}
    for optimizer in build().optimizers.values():
        assert isinstance(optimizer, torch.optim.Adam)
        assert optimizer.defaults["betas"] == (0.5, 0.999)
        assert optimizer.defaults["lr"] == 2e-4


@pytest.mark.parametrize(("images_shown", "share"), [(0, 1.0), (49_999, 1.0), (50_000, 0.5), (100_000, 0.25)])
def test_the_rate_halves_every_25_epochs(images_shown: int, share: float) -> None:
    stage = build()
    update = Watched(stage)
    update.images_shown = images_shown
    stage.step({"labelled": drawn_discs()}, update)
    assert [group["lr"] for o in stage.optimizers.values() for group in o.param_groups] == [2e-4 * share] * 2


def test_the_repaired_rate_decays_as_the_unets() -> None:
    repaired = RECIPE.presets["repaired"]
    assert isinstance(repaired, SegANSettings)
    assert repaired.share_of_rate(0, 100) == 1
    assert repaired.share_of_rate(50, 100) == pytest.approx(0.5**0.9)
    assert repaired.share_of_rate(120, 100) == 0


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("attention", ["false", "true"])
def test_a_step_trains_both_networks_and_leaves_the_other_alone(preset: str, target: str, attention: str) -> None:
    stage = build(preset, target=target, attention=attention, channels=2, labels=3)
    assert sum(isinstance(m, SelfAttention) for m in stage.modules()) == (2 if attention == "true" else 0)
    before = {name: value.detach().clone() for name, value in stage.named_parameters()}
    update = Watched(stage)
    logged = stage.step({"labelled": drawn_discs(channels=2, labels=3)}, update)
    for name, value in stage.named_parameters():
        # Attention starts switched off: only its gamma has a gradient.
        assert not torch.equal(value, before[name]) or ("attention" in name and not name.endswith("gamma")), name
        assert value.requires_grad
    assert update.untouched
    assert [network for network, _ in update.losses] == ["critic", "segmentor"]
    assert all(torch.isfinite(value) and not value.requires_grad for d in logged.values() for value in d.values())


@pytest.mark.parametrize("target", TARGETS)
def test_the_critic_maximises_what_the_segmentor_minimises(target: str) -> None:
    stage, batch = build(target=target, multi_scale_l1_weight="3", dice_weight="2"), drawn_discs()
    update = Watched(stage)
    logged = stage.step({"labelled": batch}, update)
    losses = dict(update.losses)
    segmentor = logged["segmentor"]
    assert losses["critic"] == pytest.approx(-float(logged["critic"]["multi_scale_l1"]))
    assert losses["segmentor"] == pytest.approx(float(3 * segmentor["multi_scale_l1"] + 2 * segmentor["dice"]))
    assert set(segmentor) == {"multi_scale_l1", "dice"}


def test_the_distance_is_that_of_images_masked_by_truth_and_by_prediction() -> None:
    """Every label masks every channel; the masked images themselves are the first scale."""
    stage, batch = build(channels=2, labels=3), drawn_discs(channels=2, labels=3)
    twin = copy.deepcopy(stage)
    intensity = intensities(batch.images)
    truth = torch.stack([batch.labels == 1, batch.labels == 2], dim=1).float()
    predicted = twin.segmentor(batch.images).sigmoid()
    expected = multi_scale_l1(twin.critic(mask_out(intensity, predicted)), twin.critic(mask_out(intensity, truth)))
    logged = stage.step({"labelled": batch}, Watched(stage))
    assert float(logged["critic"]["multi_scale_l1"]) == pytest.approx(float(expected.detach()), rel=1e-4)


def test_every_parameter_of_the_critic_is_clipped() -> None:
    stage = build(attention="true")
    update = Watched(stage)
    for _ in range(2):
        stage.step({"labelled": drawn_discs()}, update)
        assert max(float(p.detach().abs().max()) for p in stage.critic.parameters()) <= 0.05 + 1e-6
    assert max(float(p.detach().abs().max()) for p in stage.segmentor.parameters()) > 0.05
    free = build(critic_clip="0")
    free.step({"labelled": drawn_discs()}, Watched(free))
    assert max(float(p.detach().abs().max()) for p in free.critic.parameters()) > 0.05


@pytest.mark.parametrize("target", TARGETS)
def test_probabilities_sum_to_one_and_do_not_depend_on_the_batch(target: str) -> None:
    stage, images = build(target=target, channels=2, labels=4), torch.rand(3, 2, SIZE, SIZE) * 2 - 1
    stage.train()
    probabilities = stage.probabilities(images)
    assert probabilities.shape == (3, 4, SIZE, SIZE)
    assert probabilities.dtype == torch.float32
    assert not probabilities.requires_grad
    assert probabilities.min() >= 0
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(3, SIZE, SIZE), atol=1e-5)
    assert torch.allclose(stage.probabilities(images[1:2]), probabilities[1:2], atol=1e-5)
    assert stage.training, "the mode is as it was"


def test_augmentation_changes_what_is_learnt_from() -> None:
    plain, changed = build(), build(augment="flips,strong")
    changed.load_state_dict(plain.state_dict())
    first = plain.step({"labelled": drawn_discs()}, Watched(plain))["critic"]["multi_scale_l1"]
    second = changed.step({"labelled": drawn_discs()}, Watched(changed))["critic"]["multi_scale_l1"]
    assert float(first) != float(second)


def test_refuses_tiny_images_in_one_sentence() -> None:
    with pytest.raises(UserError, match=r"^--size 12: segan's size must be at least 16 pixels, not 12: choose another"):
        build(size=12)


@pytest.mark.parametrize(
    ("preset", "target"), [("repaired", "mask"), ("repaired", "masked-image"), ("faithful", "mask")]
)
def test_learns_bright_discs(preset: str, target: str) -> None:
    """On images it was not trained on, after 40 steps."""
    stage = build(preset, target=target, learning_rate="0.01" if preset == "repaired" else "0.002")
    update = Watched(stage, total=160)
    for step in range(40):
        stage.step({"labelled": drawn_discs(seed=step)}, update)
        update.images_shown += 4
    assert dice(stage, drawn_discs(8, seed=99))[0] > 0.7


def test_masked_images_start_black() -> None:
    """A mask read back as more than 1 would have no gradient."""
    stage, images = build("repaired", target="masked-image"), drawn_discs().images
    assert stage.segmentor(images).sigmoid().mean() < 0.3


def test_is_a_segmenter_of_the_trial(discs: Path, tmp_path: Path) -> None:
    dataset = open_dataset(discs)
    slices = open_slices(dataset, size=SIZE)
    assert dataset.split is not None
    training, test = (
        PairPool([PoolPart(slices, slices.indices(subjects))]) for subjects in (dataset.split.train, dataset.split.test)
    )
    segmenter = train_segmenter(
        "segan",
        training,
        test,
        folder=tmp_path / "cell",
        steps=30,
        batch=4,
        seed=0,
        device="cpu",
        threads=1,
        ticks=2,
        settings={"augment": "flips", "width": "0.2"},
    )
    images, labels = test.read(np.arange(len(test)))
    predicted, probabilities = segmenter.predict(images)
    assert probabilities.shape == (len(test), training.label_count, SIZE, SIZE)
    overlap = 2 * ((predicted > 0) & (labels > 0)).sum() / ((predicted > 0).sum() + (labels > 0).sum())
    assert overlap > 0.6
    assert [images for images, _ in learning_curve(tmp_path / "cell")] == [60, 120]
