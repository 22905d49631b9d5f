"""Every family that is offered, with weights drawn at random: its maps are right and it can be trained."""

from dataclasses import replace

import pytest
import timm
import torch
from captum.attr import LayerGradCam

from gain_core.errors import BackboneError
from gain_core.events import Step
from gain_core.explain.gradcam import explain
from gain_core.models.backbones import CONVOLUTIONAL
from gain_core.models.classifier import Classifier, build_classifier, default_spec
from gain_core.training.config import TrainConfig
from gain_core.training.trainer import train
from tests.gain_core.methods import method
from tests.gain_core.toy import CLASSES, toy_samples

# Backbone, its stride, and whether it can also have stride 16.
OFFERED = (
    ("tf_efficientnet_lite0", 32, True),
    ("tf_efficientnet_lite2", 32, True),
    ("efficientnet_b0", 32, True),
    ("vgg16", 16, True),
    ("resnet50", 32, True),
    ("convnext_atto", 32, True),
    ("mobilenetv2_050", 32, True),
    ("mobilenetv3_small_050", 32, False),
)
NAMES = [name for name, _, _ in OFFERED]


def classifier(backbone: str) -> Classifier:
    """At 64 px; its head made confident, for maps of the order of 1."""
    model = build_classifier(default_spec(backbone, CLASSES, image_size=64), "none")
    with torch.no_grad():
        model.head.linear.weight.mul_(30)
    return model


@pytest.mark.parametrize(("backbone", "stride"), [(name, stride) for name, stride, _ in OFFERED])
def test_maps_of_every_offered_family_agree_with_captum(backbone: str, stride: int) -> None:
    model = classifier(backbone)
    batch = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    ours = explain(model, batch).evidence
    assert ours.shape == (2, 2, 64 // stride, 64 // stride)
    for position in range(2):
        theirs = LayerGradCam(model, model.neck).attribute(batch, target=position)[:, 0].detach()
        bound = 1e-5 * max(float(theirs.abs().max()), 1.0)
        torch.testing.assert_close(ours[:, position], theirs, rtol=0, atol=bound)


@pytest.mark.parametrize("backbone", NAMES)
def test_every_offered_family_takes_a_step_of_all_three_streams(backbone: str, tmp_path) -> None:
    samples = toy_samples(tmp_path, train=6, other=0, guided=2)
    model = build_classifier(default_spec(backbone, CLASSES, image_size=64), "none")
    parameters = list(model.parameters())
    before = [value.clone() for value in parameters]
    config = TrainConfig(
        mode="full", objective=method("gainext", "full"), steps=1, batch_size=2, guided_batch_size=2
    )
    (step,) = [event for event in train(model, samples, config) if isinstance(event, Step)]
    assert set(step.losses) == {"image", "mining", "external", "total"}
    moved = [not torch.equal(now, then) for now, then in zip(parameters, before, strict=True)]
    assert moved[0]
    assert moved[-1]
    # A ResNet's blocks begin with a last norm of zero: what lies before it waits for the second step.
    assert sum(moved) > 0.5 * len(moved)


@pytest.mark.parametrize("backbone", [name for name, _, finer in OFFERED if finer])
def test_output_stride_16_is_to_be_had_where_it_is_promised(backbone: str) -> None:
    spec = replace(default_spec(backbone, CLASSES, image_size=64), output_stride=16)
    model = build_classifier(spec, "none")
    assert explain(model, torch.zeros(1, 3, 64, 64)).attention.shape == (1, 2, 4, 4)


@pytest.mark.parametrize("backbone", [name for name, _, finer in OFFERED if not finer])
def test_output_stride_16_is_refused_where_timm_has_none(backbone: str) -> None:
    spec = replace(default_spec(backbone, CLASSES), output_stride=16)
    with pytest.raises(BackboneError, match="cannot be had with output stride 16"):
        build_classifier(spec, "none")


@pytest.mark.parametrize("backbone", ["mobilenetv4_hybrid_medium", "bat_resnext26ts"])
def test_a_hybrid_in_a_convolutional_family_is_refused(backbone: str) -> None:
    with pytest.raises(BackboneError, match="holds self-attention"):
        build_classifier(default_spec(backbone, CLASSES), "none")


@pytest.mark.parametrize(
    "backbone",
    ["deit_tiny_patch16_224", "maxvit_nano_rw_256", "coatnet_nano_rw_224", "levit_128s", "botnet26t_256",
     "efficientformer_l1", "edgenext_xx_small", "poolformer_s12", "tf_efficientnet_lite9"],
)  # fmt: skip
def test_transformers_mixers_and_what_does_not_exist_are_refused(backbone: str) -> None:
    with pytest.raises(BackboneError, match=f"expected .* got .{backbone}"):
        default_spec(backbone, CLASSES)


def test_every_family_on_the_list_exists() -> None:
    modules = {
        timm.models.model_entrypoint(name).__module__.rpartition(".")[2] for name in timm.list_models()
    }
    assert modules >= CONVOLUTIONAL
