from __future__ import annotations

import torch
from torch import Tensor, nn

from segmint.networks.pixel_ensemble import PixelEnsemble
from segmint.networks.style_features import StyleFeatures

INPUTS, LABELS, MEMBERS = 7, 3, 4


def ensemble() -> PixelEnsemble:
    return PixelEnsemble(members=MEMBERS, inputs=INPUTS, labels=LABELS, hidden=(6, 5))


def member(whole: PixelEnsemble, number: int) -> nn.Sequential:
    """One member in plain layers."""
    layers: list[nn.Module] = []
    for place, linear in enumerate(whole.linear):
        plain = nn.Linear(linear.weight.shape[1], linear.weight.shape[2])
        plain.load_state_dict({"weight": linear.weight[number].t(), "bias": linear.bias[number, 0]})
        layers.append(plain)
        if place < len(whole.norms):
            width = plain.out_features
            norm, shared = nn.BatchNorm1d(width), whole.norms[place]
            mine = slice(number * width, (number + 1) * width)
            state = {name: value[mine] if value.dim() else value for name, value in shared.state_dict().items()}
            norm.load_state_dict(state)
            layers += [nn.ReLU(), norm]
    return nn.Sequential(*layers)


def test_each_member_is_a_perceptron_of_its_own() -> None:
    whole = ensemble()
    for _ in range(3):
        whole(torch.randn(MEMBERS, 20, INPUTS))
    singles = [member(whole, number) for number in range(MEMBERS)]
    for training in (True, False):
        x = torch.randn(MEMBERS, 20, INPUTS)
        together = whole.train(training)(x)
        for number, single in enumerate(singles):
            torch.testing.assert_close(together[number], single.train(training)(x[number]), rtol=1e-4, atol=1e-5)


def test_gradients_stay_with_their_member() -> None:
    whole = ensemble()
    whole(torch.randn(MEMBERS, 20, INPUTS))[1].square().sum().backward()
    for linear in whole.linear:
        assert linear.weight.grad[1].abs().sum() > 0
        assert linear.weight.grad[[0, 2, 3]].abs().sum() == 0


def test_whole_images_are_labelled_as_their_pixels_are() -> None:
    whole = ensemble()
    for _ in range(5):
        whole(torch.randn(MEMBERS, 20, INPUTS))
    whole.eval()
    maps: list[Tensor] = [torch.randn(2, 3, 4, 4), torch.randn(2, 2, 8, 8), torch.randn(2, 2, 8, 8)]
    features = StyleFeatures(maps, size=16)
    with torch.no_grad():
        found = whole.label_maps(features)
        assert found.shape == (2, MEMBERS, LABELS, 16, 16)
        for part, block in features.blocks(100):
            for image in range(2):
                expected = whole(block[image].expand(MEMBERS, -1, -1)).softmax(dim=-1)
                here = found[image].flatten(2)[..., part].transpose(1, 2)
                torch.testing.assert_close(here, expected, rtol=1e-4, atol=1e-5)
