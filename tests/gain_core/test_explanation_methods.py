"""Each method against a case computed by hand, or against captum; and what all of them have in common."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
import torchvision
from captum.attr import GuidedBackprop as CaptumsGuided
from torch import Tensor, nn

from gain_core.errors import InputError
from gain_core.explain.methods import (
    METHODS,
    GuidedBackprop,
    IntegratedGradients,
    Lime,
    Method,
    Occlusion,
    ScoreCam,
)
from gain_core.explain.methods.method import Progress
from gain_core.explain.methods.superpixels import superpixels
from gain_core.models.backbones import Parts
from gain_core.models.classifier import DEFAULT_BACKBONE, Classifier, ModelSpec, build_classifier
from gain_core.models.wrapped import WrappedClassifier, wrap
from tests.gain_core.test_wrapped import OneLogit, made, spec
from tests.gain_core.tiny import images, model_of_maps, relative, tiny_model
from tests.gain_core.toy import toy_model

WEIGHTS = [[4.0, 0.0, -8.0], [0.0, 4.0, 2.0]]
# As many as the assertions need: the default takes seconds with a network of the usual size.
FEWER: dict[str, Method] = METHODS | {
    "lime": Lime(samples=64),
    "occlusion": Occlusion(stride=1 / 7),
    "integrated_gradients": IntegratedGradients(steps=8),
}
MODELS = ("toy", "default", "several labels", "brought", "one logit")


def model_called(name: str) -> Classifier:
    if name == "toy":
        return toy_model(norm=True)
    if name == "default":
        return build_classifier(ModelSpec(DEFAULT_BACKBONE, ("boat", "car"), image_size=64))
    if name == "several labels":
        model = toy_model()
        model.spec = replace(model.spec, multi_label=True)
        return model
    if name == "brought":
        return wrap(made("resnet18"), spec=spec())
    torch.manual_seed(3)
    return wrap(OneLogit(), spec=ModelSpec("own", ("no", "yes"), 64))


def picture(side: int = 64, seed: int = 0) -> np.ndarray:
    """Cells of 16×16 pixels in colours of their own, and noise."""
    cells = images(1, side // 16, seed, torch.float32).repeat_interleave(16, 2).repeat_interleave(16, 3)
    return (cells + 0.2 * images(1, side, seed, torch.float32))[0].numpy()


def evidence(
    method: Method,
    model: Classifier,
    image: Tensor,
    position: int,
    progress: Progress = lambda done, total: None,
) -> Tensor:
    return method.evidence(model, image, position, 0, progress).detach()


@pytest.mark.parametrize("model_name", MODELS)
@pytest.mark.parametrize("name", METHODS)
def test_every_method_explains_every_kind_of_model(name: str, model_name: str) -> None:
    model, image = model_called(model_name), picture()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    maps = [FEWER[name].explain(model, image, position) for position in (0, 1)]
    for attention in maps:
        assert attention.dtype == np.float32
        assert attention.ndim == 2
        assert max(attention.shape) <= 8
        assert attention.min() >= 0
        assert attention.max() in (0.0, 1.0)
    assert any(attention.max() == 1 for attention in maps)
    assert np.array_equal(maps[0], FEWER[name].explain(model, image, 0))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(value.requires_grad for value in model.parameters())


@pytest.mark.parametrize("name", ["integrated_gradients", "occlusion", "lime", "score_cam"])
def test_progress_grows_and_may_stop_the_work(name: str) -> None:
    model, image, told = toy_model(), picture(), []
    METHODS[name].explain(model, image, 0, on_progress=lambda *numbers: told.append(numbers))
    done, totals = zip(*told, strict=True)
    assert len(done) > 3
    assert list(done) == sorted(done)
    assert len(set(totals)) == 1
    assert done[-1] < totals[0] <= done[-1] + 4

    class StopError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise StopError

    with pytest.raises(StopError):
        METHODS[name].explain(model, image, 0, on_progress=stop)


def test_integrated_gradients_of_a_linear_model_are_weight_times_input() -> None:
    model, image = model_of_maps(WEIGHTS).double(), images(1, 4)
    expected = (model.head.linear.weight[0, :, None, None] * image[0]).sum(0) / 16
    torch.testing.assert_close(evidence(IntegratedGradients(), model, image, 0), expected.detach())


def test_integrated_gradients_add_up_to_what_the_logit_gained() -> None:
    model, image = tiny_model(curved=True), images(1, 8)
    total = evidence(IntegratedGradients(), model, image, 1).sum()
    gained = model(image)[0, 1] - model(torch.zeros_like(image))[0, 1]
    torch.testing.assert_close(total, gained.detach(), rtol=0, atol=1e-6)


def test_occlusion_of_a_linear_model_is_what_lay_under_the_square() -> None:
    model, image = model_of_maps(WEIGHTS).double(), images(1, 8)
    weight = model.head.linear.weight[0] - model.head.linear.weight[1]  # log-odds of two classes
    of_pixels = (weight[:, None, None] * image[0]).sum(0).detach() / 64
    of_squares = of_pixels.unflatten(1, (4, 2)).unflatten(0, (4, 2)).sum((1, 3))  # (4, 4)
    got = evidence(Occlusion(window=1 / 4, stride=1 / 4), model, image, 0)
    expected = of_squares.repeat_interleave(2, 0).repeat_interleave(2, 1)
    torch.testing.assert_close(got, expected.float())  # captum averages in float32


def test_overlapping_squares_are_averaged() -> None:
    model = model_of_maps([[9.0, 0.0, 0.0], [0.0, 0.0, 0.0]]).double()
    image = torch.zeros(1, 3, 3, 3, dtype=torch.float64)
    image[0, 0, 1, 1] = 2.0  # in all four squares of 2×2; they take 9 · 2 / 9 away
    assert evidence(Occlusion(window=2 / 3, stride=1 / 3), model, image, 0).tolist() == [[2.0] * 3] * 3


def test_lime_finds_what_each_piece_adds_to_a_linear_model() -> None:
    model = model_of_maps(WEIGHTS).double()
    model.spec = replace(model.spec, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    image = torch.zeros(1, 3, 12, 12, dtype=torch.float64)
    image[0, 0, :, :6], image[0, 1, :, 6:] = 1.0, 0.5
    colours = (image[0] * 0.5 + 0.5).float().numpy()
    pieces = torch.from_numpy(superpixels(colours, 4))
    weight = model.head.linear.weight[0] - model.head.linear.weight[1]
    of_pixels = (weight[:, None, None] * image[0]).sum(0).detach() / 144
    expected = torch.stack([of_pixels[pieces == piece].sum() for piece in pieces.unique()])[pieces]
    got = evidence(Lime(pieces=4, samples=60, ridge=1e-9), model, image, 0)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_another_seed_gives_lime_other_samples() -> None:
    model, image = toy_model(), picture()
    first, again, other = (Lime(samples=40).explain(model, image, 0, seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_superpixels_keep_to_edges_and_stay_the_same() -> None:
    colours = np.zeros((3, 40, 40), np.float32)
    colours[0, :, 17:] = 1.0
    pieces = superpixels(colours, 16)
    assert set(pieces[:, :17].flat).isdisjoint(pieces[:, 17:].flat)
    assert np.array_equal(np.unique(pieces), np.arange(pieces.max() + 1))
    assert np.array_equal(pieces, superpixels(colours, 16))


def test_score_cam_by_hand() -> None:
    model = model_of_maps([[4.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
    features = torch.tensor([[[[2.0, 0.0], [0.0, 0.0]], [[0.0, 4.0], [0.0, 0.0]], [[3.0, 3.0], [3.0, 3.0]]]])
    # Behind map 0 the image keeps 2 and 3 at its first place: the first class has 4 · 2 / 4 = 2. Behind map 1
    # the second class has 4. Map 2 is the same everywhere. Of nothing both classes are as probable.
    behind = [1 / (1 + np.exp(-2.0)) - 0.5, 1 / (1 + np.exp(4.0)) - 0.5]
    expected = torch.tensor([[2 * behind[0], 4 * behind[1]], [0.0, 0.0]], dtype=torch.float32)
    torch.testing.assert_close(evidence(ScoreCam(channels=None), model, features, 0), expected)
    only = evidence(ScoreCam(channels=1), model, features, 0)  # map 1 varies most
    torch.testing.assert_close(only, torch.tensor([[0.0, 4 * behind[1]], [0.0, 0.0]], dtype=torch.float32))


def test_guided_backpropagation_is_that_of_captum_where_captum_has_modules() -> None:
    network, image = made("resnet18"), images(1, 64, dtype=torch.float32)
    got = GuidedBackprop().gradient(wrap(network, spec=spec()), image, 2)
    with pytest.warns(UserWarning, match="Setting backward hooks"):
        expected = CaptumsGuided(network).attribute(image.clone().requires_grad_(), target=2)
    assert relative(got, expected[0].detach()) < 1e-4


class Elementwise(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        return nn.functional.relu6(values, inplace=True)


def test_guided_backpropagation_through_functions_and_relu6_by_hand() -> None:
    first = nn.Conv2d(3, 4, 1, bias=False)
    parts = Parts(nn.Sequential(first), nn.Sequential(Elementwise()), nn.Sequential(), 4)
    model = Classifier(ModelSpec("own", ("a", "b")), parts)
    with torch.no_grad():
        first.weight.copy_(torch.eye(4, 3)[..., None, None])
        first.weight[3, 0] = 1.0
        model.head.linear.weight.copy_(torch.tensor([[4.0, -8.0, 4.0, -4.0], [0.0, 0.0, 0.0, 0.0]]))
    image = torch.tensor([1.0, 1.0, 7.0])[None, :, None, None].expand(1, 3, 2, 2)
    # Channel 0 passes 1 per place on, and the −1 of its second way is held back, as is −2 of channel 1; the
    # third is beyond 6, where ReLU6 is flat.
    gradient = GuidedBackprop().gradient(model.eval(), image, 0)
    assert gradient[:, 0, 0].tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("name", "network", "sentence"),
    [
        (
            "guided_backprop",
            "efficientnet_b0",
            "Guided backpropagation needs a network with ReLU or ReLU6 activations; this one has silu.",
        ),
        (
            "excitation_backprop",
            "convnext_tiny",
            "Excitation backpropagation has no rule for “layer_norm”, which this network uses.",
        ),
    ],
)
def test_a_network_that_a_method_does_not_apply_to_is_refused(name: str, network: str, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        METHODS[name].explain(wrap(made(network), spec=spec()), picture(), 0)
    assert str(refused.value) == sentence


def test_a_network_without_any_relu_is_refused() -> None:
    with pytest.raises(InputError, match="this one has none"):
        GuidedBackprop().explain(model_of_maps(WEIGHTS), picture(), 0)


@pytest.mark.parametrize("name", METHODS)
def test_bad_arguments_are_refused(name: str) -> None:
    model = toy_model()
    with pytest.raises(InputError, match=r"expected an image \(3, S, S\), got \(3, 64, 32\)"):
        METHODS[name].explain(model, picture()[:, :, :32], 0)
    with pytest.raises(InputError, match="expected a class from 0 to 1, got 2"):
        METHODS[name].explain(model, picture(), 2)
    with pytest.raises(InputError, match="eval mode"):
        METHODS[name].explain(model.train(), picture(), 0)


def test_an_empty_map_stays_zero() -> None:
    model = toy_model()
    with torch.no_grad():
        model.head.linear.weight.zero_()
    assert Occlusion().explain(model, picture(), 0).max() == 0


def test_a_networks_gradients_are_left_alone() -> None:
    network = torchvision.models.resnet18(num_classes=2).eval()
    model = wrap(network, spec=ModelSpec("own", ("a", "b"), 64))
    assert isinstance(model, WrappedClassifier)
    for method in FEWER.values():
        method.explain(model, picture(), 1)
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(layer._forward_hooks or layer._backward_hooks for layer in network.modules())


def test_listing_the_methods_loads_no_torch() -> None:
    program = (
        "import sys; from gain_core.explain.methods import METHODS\n"
        "assert all(method.TITLE and method.WORDS.endswith('.') for method in METHODS.values())\n"
        "sys.exit('torch' in sys.modules or 'captum' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
