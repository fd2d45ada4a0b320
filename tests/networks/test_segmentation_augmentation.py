from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from segmint.networks.segmentation_augmentation import KINDS, Changes, apply_changes, draw_changes

CPU = torch.device("cpu")


def draw(n: int, kinds: list[str], *, channels: int = 1, seed: int = 0) -> Changes:
    return draw_changes(n, channels, kinds, generator=torch.Generator().manual_seed(seed), device=CPU)


def squares(n: int, size: int = 32) -> tuple[Tensor, Tensor]:
    """A square of id 2 that is exactly as bright as 0.5, on -1."""
    labels = torch.zeros(n, size, size, dtype=torch.int64)
    labels[:, size // 4 : size // 2, size // 4 : size // 2] = 2
    return torch.where(labels == 2, 0.5, -1.0)[:, None], labels


def test_nothing_asked_for_changes_nothing() -> None:
    images, labels = squares(4)
    found, ids = apply_changes(images, labels, draw(4, []))
    assert torch.allclose(found, images, atol=1e-5)
    assert torch.equal(ids, labels)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), kinds=st.sets(st.sampled_from(KINDS), min_size=1))
def test_ids_are_never_invented_and_ranges_stay(seed: int, kinds: set[str]) -> None:
    images, labels = squares(3)
    found, ids = apply_changes(images, labels, draw(3, sorted(kinds), seed=seed))
    assert set(ids.unique().tolist()) <= {0, 2}
    assert ids.dtype == labels.dtype
    assert found.abs().max() <= 1
    assert torch.isfinite(found).all()


@pytest.mark.parametrize("kinds", [["flips"], ["elastic"]])
def test_geometry_moves_images_and_ids_alike(kinds: list[str]) -> None:
    images, labels = squares(16)
    found, ids = apply_changes(images, labels, draw(16, kinds))
    # Bilinear images and nearest ids differ at the border alone.
    agree = ((found[:, 0] > -0.25) == (ids == 2)).float().mean()
    assert agree > 0.99
    assert not torch.equal(ids, labels)


def test_flips_are_exact() -> None:
    images = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    labels = (images[:, 0] > 0).long()
    found, ids = apply_changes(images, labels, draw(8, ["flips"], seed=3))
    kinds = set()
    for i in range(8):
        axes = next(a for a in ((), (-1,), (-2,), (-2, -1)) if torch.allclose(images[i].flip(a), found[i], atol=1e-4))
        assert torch.equal(labels[i].flip(axes), ids[i])
        kinds.add(axes)
    assert len(kinds) > 2


def test_intensity_leaves_ids_alone() -> None:
    images, labels = squares(6)
    still = draw(6, [])
    for name, value in (("noise", 0.3), ("blur", 0.8), ("brightness", 0.8), ("contrast", 1.2), ("gamma", 1.4)):
        changed = replace(still, **{name: torch.full((6, 1), value)})
        found, ids = apply_changes(images, labels, changed)
        assert torch.equal(ids, labels), name
        assert not torch.allclose(found, images, atol=1e-3) or name in ("contrast", "gamma")
    found, ids = apply_changes(images, labels, replace(still, resolution=torch.full((6, 1), 0.5)))
    assert torch.equal(ids, labels)


def test_gamma_keeps_mean_and_deviation() -> None:
    images = torch.rand(4, 1, 24, 24, generator=torch.Generator().manual_seed(0)) - 0.5
    labels = torch.zeros(4, 24, 24, dtype=torch.int64)
    found, _ = apply_changes(images, labels, replace(draw(4, []), gamma=torch.full((4, 1), 1.5)))
    assert torch.allclose(found.mean(dim=(2, 3)), images.mean(dim=(2, 3)), atol=1e-3)
    assert torch.allclose(found.std(dim=(2, 3)), images.std(dim=(2, 3)), atol=1e-3)
    assert not torch.allclose(found, images, atol=1e-2)


def test_strong_happens_about_as_often_as_it_says() -> None:
    changes = draw(4000, ["strong"])
    shares = {name: float((getattr(changes, name) != 0).float().mean()) for name in ("noise", "blur")}
    assert shares["noise"] == pytest.approx(0.1, abs=0.02)
    assert shares["blur"] == pytest.approx(0.2, abs=0.02)
    assert float((changes.resolution < 1).float().mean()) == pytest.approx(0.25, abs=0.02)
    assert float((changes.displacement.abs().sum(dim=(1, 2, 3)) > 0).float().mean()) == pytest.approx(0.2, abs=0.02)


def test_reproducible_and_refuses_unknown_kinds() -> None:
    assert torch.equal(draw(3, ["strong"], seed=5).matrix, draw(3, ["strong"], seed=5).matrix)
    with pytest.raises(ValueError, match="unknown augmentation"):
        draw(3, ["mixup"])
