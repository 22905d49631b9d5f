"""Folding and small pieces change how long a map takes, and nothing else."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gain_core.dataset.sample import Sample
from gain_core.errors import InputError
from gain_core.explain.gradcam import explain
from gain_core.models.classifier import DEFAULT_BACKBONE, Classifier, ModelSpec, build_classifier
from gain_core.models.folding import LiveConvolution, exactly, folded, pairs
from gain_core.models.spec import PIECE
from gain_core.training.config import TrainConfig
from gain_core.training.full import Division, FullTask, step_losses
from tests.gain_core.methods import composed, method
from tests.gain_core.tiny import CLASSES, images, relative

# Of each kind of network: separable, residual, with and without norms, LayerNorm, gates, split attention.
BACKBONES = (
    *(
        DEFAULT_BACKBONE,
        "resnet18",
        "vgg11_bn",
        "vgg11",
        "convnext_atto",
        "mobilenetv3_small_100",
    ),
    *("efficientnet_b0", "regnety_002", "resnetv2_50", "densenet121", "repvit_m0_9", "resnest14d"),
)


def network(backbone: str) -> Classifier:
    """Untrained, except the default one; norm layers with statistics that say something."""
    weights = "pretrained" if backbone == DEFAULT_BACKBONE else "none"
    stride = 16 if backbone.startswith("vgg") else 32
    model = build_classifier(ModelSpec(backbone, CLASSES, image_size=64, output_stride=stride), weights)  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(3)
    for layer in model.modules():
        if weights == "none" and isinstance(layer, nn.BatchNorm2d):
            for values, low in ((layer.running_mean, -0.1), (layer.running_var, 0.8), (layer.bias, -0.1)):
                values.data.copy_(low + 0.3 * torch.rand(values.shape, generator=generator))
    return model


def pixels(count: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return images(count, side=64, dtype=dtype)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_folded_network_says_what_the_plain_one_says(backbone: str) -> None:
    model, batch = network(backbone), pixels(3)
    expected = explain(model, batch)
    assert expected.evidence.abs().max() > 0
    for got, wanted in zip(explain(folded(model), batch), expected, strict=True):
        assert relative(got, wanted) < 1e-4


def test_the_default_network_is_folded_throughout() -> None:
    live = list(folded(network(DEFAULT_BACKBONE)).modules())
    assert sum(isinstance(layer, LiveConvolution) for layer in live) == 49
    assert {layer.inplace for layer in live if isinstance(layer, nn.ReLU6)} == {False}


class Sum(nn.Module):
    """The first result is added to the second one, in its place, before the second norm layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.act = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.ReLU(inplace=True)
        self.conv2, self.norm2, self.act2 = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.ReLU(inplace=True)

    def forward(self, maps: Tensor) -> Tensor:
        first = self.act(self.norm(self.conv(maps)))
        second = self.conv2(first)
        second += first
        result: Tensor = self.act2(self.norm2(second))
        return result


@pytest.mark.parametrize("inference", [False, True])
def test_a_norm_layer_is_folded_unless_something_was_added_in_between(inference: bool) -> None:
    with torch.inference_mode(inference), exactly():
        found = pairs(Sum().eval(), torch.linspace(-1, 1, 48).view(1, 3, 4, 4))
    assert found == [("conv", "norm"), ("conv2", None)]


def test_depthwise_convolutions_without_a_norm_are_taken_in_too() -> None:
    live = [
        layer for layer in folded(network("convnext_atto")).modules() if isinstance(layer, LiveConvolution)
    ]
    assert len(live) == 12
    assert all(layer.norm is None for layer in live)


@pytest.mark.parametrize("backbone", [DEFAULT_BACKBONE, "resnet18", "convnext_atto", "mobilenetv3_small_100"])
def test_training_through_the_folded_network_gives_the_plain_gradients(backbone: str) -> None:
    """In float64, where nothing but the order of sums differs: losses and every gradient to 1e-9."""
    model, batch = network(backbone).double(), pixels(4, torch.float64)
    gradients = []
    for through in (model, folded(model)):
        model.zero_grad()
        result = explain(through, batch, create_graph=True)
        (result.logits.square().sum() + result.attention.square().sum()).backward()
        gradients.append({name: value.grad.clone() for name, value in model.named_parameters()})
    plain, fast = gradients
    assert all(relative(fast[name], plain[name]) < 1e-9 for name in plain if plain[name].abs().max() > 1e-9)


@pytest.mark.parametrize("form", ["guided", "gainext", "signed", "none"])
def test_a_training_step_on_the_fast_path_has_the_plain_losses_and_gradients(form: str) -> None:
    """All streams: to 1e-9 of the largest in float64; in fp32 losses to 1e-5 of it, gradients to 1e-3."""
    objective = composed("full") if form == "guided" else method(form, "full")
    config = TrainConfig(mode="full", objective=objective)
    masks = torch.zeros(4, 1, 2, 64, 64)
    masks[2, 0, 0, 8:40, 16:48] = 1
    masks[3, 0, 1, 32:] = 1
    labels, division = torch.tensor([[0], [1], [2], [0]]), Division(2, 1, 1 if form == "guided" else 0)
    masks, labels = masks[: sum(division)], labels[: sum(division)]
    for dtype, losses_apart, gradients_apart in ((torch.float64, 1e-9, 1e-9), (torch.float32, 1e-5, 1e-3)):
        model = network(DEFAULT_BACKBONE).to(dtype)
        losses, gradients = [], []
        for through in (model, folded(model)):
            model.zero_grad()
            batch = pixels(4, dtype)[: sum(division)]
            terms = step_losses(through, batch, masks.to(dtype), labels, config, division)
            torch.stack(list(terms.values())).sum().backward()
            losses.append(terms)
            gradients.append(torch.cat([value.grad.flatten() for value in model.parameters()]))
        largest = max(losses[0].values())
        assert all(
            abs(losses[1][name] - value) <= losses_apart * largest for name, value in losses[0].items()
        )
        assert relative(gradients[1], gradients[0]) < gradients_apart


def test_full_mode_trains_through_the_folded_network_unless_norm_layers_learn() -> None:
    model = network(DEFAULT_BACKBONE)
    samples = [Sample(f"{i:064}", Path(f"{i}.jpg"), i, "train") for i in range(len(CLASSES))]
    for norms in (False, True):
        config = TrainConfig(mode="full", objective=method("none"), train_norms=norms)
        network_used = FullTask(model, samples, config, torch.device("cpu")).network
        assert any(isinstance(m, LiveConvolution) for m in network_used.modules()) != norms


def test_folding_leaves_the_model_as_it_was() -> None:
    model = network(DEFAULT_BACKBONE)
    before, structure = copy.deepcopy(model.state_dict()), str(model)
    state = torch.get_rng_state()
    live = folded(model)
    explain(live, pixels(1))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert str(model) == structure
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert {id(p) for p in live.parameters()} == {id(p) for p in model.parameters()}


@pytest.mark.parametrize("count", [1, PIECE, PIECE + 1, 3 * PIECE])
def test_pieces_of_a_batch_give_the_maps_of_the_whole(count: int) -> None:
    model, batch = network("resnet18"), pixels(count)
    classes = torch.arange(count)[:, None] % len(CLASSES)
    result = explain(model, batch, classes)
    alone = [explain(model, batch[i : i + 1], classes[i : i + 1]) for i in range(count)]
    assert relative(result.evidence, torch.cat([one.evidence for one in alone])) < 1e-5
    assert explain(model, batch).attention.shape[:2] == (count, len(CLASSES))


def test_too_few_rows_of_classes_are_refused_before_the_work() -> None:
    with pytest.raises(InputError, match=r"expected classes \(12, n\), got \(4, 1\)"):
        explain(network("resnet18"), pixels(12), torch.zeros(4, 1, dtype=torch.long))
