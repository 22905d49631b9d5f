import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor

from gain_core.errors import InputError
from gain_core.explain.gradcam import (
    attention_maps,
    attention_weights,
    evidence_maps,
    explain,
    explain_features,
)
from gain_core.models.classifier import DEFAULT_BACKBONE, Classifier, ModelSpec, build_classifier
from tests.gain_core.tiny import CLASSES, CurvedHead, images, model_of_maps, tiny_model


@pytest.fixture(scope="module")
def network() -> Classifier:
    """The default backbone with its weights; its new head made confident, for maps of the order of 1."""
    model = build_classifier(ModelSpec(DEFAULT_BACKBONE, CLASSES, image_size=96))
    with torch.no_grad():
        model.head.linear.weight.mul_(30)
    return model


@pytest.fixture(scope="module")
def curved_network(network: Classifier) -> Classifier:
    """The same with a head that has no closed form."""
    model = copy.deepcopy(network)
    model.head = CurvedHead(model.head.linear)  # type: ignore[arg-type]
    return model.eval()


def pixels(count: int, seed: int = 0) -> Tensor:
    return images(count, side=96, seed=seed, dtype=torch.float32)


def test_a_map_computed_by_hand() -> None:
    model = model_of_maps([[4.0, 0.0, -8.0], [0.0, 4.0, 0.0]])
    features = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[0.0, 1.0], [0.0, 0.0]], [[0.0, 1.0], [2.0, 0.0]]]])
    result = explain(model, features)
    # w = W / (2·2): class 0 is 1·f0 − 2·f2, class 1 is 1·f1.
    evidence = torch.tensor([[[[1.0, 0.0], [-1.0, 4.0]], [[0.0, 1.0], [0.0, 0.0]]]])
    assert torch.equal(result.evidence, evidence)
    assert torch.equal(result.attention, evidence.clamp_min(0))
    assert torch.equal(
        result.logits, torch.tensor([[4.0, 1.0]])
    )  # without bias the evidence sums to the logit


def test_the_closed_form_equals_autograd() -> None:
    model = tiny_model()
    features = model.features(images(3))
    classes = torch.tensor([[0, 2], [1, 1], [2, 0]])
    leaf = features.detach().requires_grad_()
    by_hand = torch.stack(
        [torch.autograd.grad(model.head(leaf)[b, c], leaf)[0][b] for b in range(3) for c in classes[b]]
    ).mean((2, 3))
    closed = attention_weights(model, features, classes)
    torch.testing.assert_close(closed.flatten(0, 1), by_hand, rtol=0, atol=1e-12)


@pytest.mark.parametrize("create_graph", [False, True])
def test_any_other_head_goes_through_autograd_for_all_classes_at_once(create_graph: bool) -> None:
    model = tiny_model(curved=True)
    features = model.features(images(3))
    classes = torch.tensor([[0, 2], [1, 1], [2, 0]])
    leaf = features.detach().requires_grad_()
    one_by_one = torch.stack(
        [torch.autograd.grad(model.head(leaf)[b, c], leaf)[0][b] for b in range(3) for c in classes[b]]
    ).mean((2, 3))
    weights = attention_weights(model, features, classes, create_graph)
    torch.testing.assert_close(weights.flatten(0, 1), one_by_one, rtol=0, atol=1e-12)
    assert weights.requires_grad == create_graph


@pytest.mark.parametrize("curved", [False, True])
def test_maps_agree_with_captum_and_grad_cam(
    curved: bool, network: Classifier, curved_network: Classifier
) -> None:
    model = copy.deepcopy(curved_network if curved else network)  # grad-cam leaves gradients on its model
    batch = pixels(2)
    for position in range(len(CLASSES)):
        ours = explain(model, batch, torch.full((2, 1), position)).evidence
        theirs = LayerGradCam(model, model.neck).attribute(batch, target=position)  # signed, not scaled
        torch.testing.assert_close(ours, theirs.detach(), rtol=0, atol=1e-5)
        with GradCAM(model, [model.neck]) as cam:
            targets = [ClassifierOutputTarget(position)] * 2
            cam(batch, targets)  # what it returns is scaled; the raw map is made from what it kept
            kept = cam.activations_and_grads
            activations, gradients = (x[0].numpy() for x in (kept.activations, kept.gradients))
            raw = cam.get_cam_image(batch, model.neck, targets, activations, gradients)
        np.testing.assert_allclose(ours[:, 0].numpy(), raw, rtol=0, atol=1e-5)
    assert ours.abs().max() > 0.1  # there is something to agree on


def test_kept_trunk_features_give_the_same_explanation(network: Classifier) -> None:
    batch = pixels(2)
    with torch.no_grad():
        kept = network.trunk(batch)
    for ours, theirs in zip(explain(network, batch), explain_features(network, kept), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
@pytest.mark.parametrize("curved", [False, True])
def test_explaining_works_in_every_gradient_mode_and_records_nothing(
    mode: Callable[[], torch.no_grad], curved: bool, network: Classifier, curved_network: Classifier
) -> None:
    model = curved_network if curved else network
    expected = explain(model, pixels(2))
    with mode():
        got = explain(model, pixels(2))
    for ours, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(ours, theirs)
        assert not ours.requires_grad


@pytest.mark.parametrize("curved", [False, True])
def test_explaining_leaves_nothing_behind(
    curved: bool, network: Classifier, curved_network: Classifier
) -> None:
    model = curved_network if curved else network
    batch = pixels(2)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    random_state, attributes = (
        torch.get_rng_state(),
        {name: set(vars(m)) for name, m in model.named_modules()},
    )
    explain(model, batch)
    explain(model, batch, create_graph=True)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert batch.grad is None
    assert not batch.requires_grad
    assert not any(m._forward_hooks or m._backward_hooks or m._forward_pre_hooks for m in model.modules())
    assert not any(m.training for m in model.modules())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.is_grad_enabled()
    assert {name: set(vars(m)) for name, m in model.named_modules()} == attributes
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("curved", [False, True])
def test_four_threads_on_one_model_get_the_right_maps(
    curved: bool, network: Classifier, curved_network: Classifier
) -> None:
    model = curved_network if curved else network
    questions = [(pixels(1, seed=i), torch.tensor([[i % 3]])) for i in range(16)]
    expected = [explain(model, *question).evidence for question in questions]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda question: explain(model, *question).evidence, questions))
    for got, right in zip(answers, expected, strict=True):
        torch.testing.assert_close(got, right)
    assert not torch.allclose(
        expected[0], expected[3]
    )  # same class, another image: mixing them up would show


@pytest.mark.parametrize("curved", [False, True])
def test_gradients_of_maps_are_exact(curved: bool) -> None:
    model = tiny_model(curved)
    classes = torch.tensor([[0, 2]])

    def evidence_from(kernel: Tensor) -> Tensor:
        features = torch.nn.functional.softplus(torch.nn.functional.conv2d(model.trunk(batch), kernel))
        return evidence_maps(features, attention_weights(model, features, classes, create_graph=True))

    batch = images(1)
    kernel = model.neck.conv.weight.detach().requires_grad_()
    assert torch.autograd.gradcheck(evidence_from, (kernel,))
    features = torch.rand(1, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(1, 2, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda f, w: attention_maps(evidence_maps(f, w)), (features, weights))


def test_detached_weights_leave_out_the_head_and_second_order_weights_reach_it() -> None:
    model = tiny_model()
    features, classes = model.features(images(1)), torch.tensor([[1]])
    head: Any = model.head.linear.weight
    constant = attention_weights(model, features, classes)
    assert not constant.requires_grad
    assert torch.autograd.grad(evidence_maps(features, constant).sum(), head, allow_unused=True) == (None,)
    features = model.features(images(1))
    live = attention_weights(model, features, classes, create_graph=True)
    (gradient,) = torch.autograd.grad(evidence_maps(features, live).sum(), head)
    torch.testing.assert_close(gradient[1], features[0].mean((1, 2)))  # ΣE = Σ_k W_k · mean f_k
    assert gradient[0].abs().max() == 0


def test_bfloat16_maps_stay_within_five_percent_of_float32() -> None:
    model = build_classifier(ModelSpec("test_efficientnet", CLASSES, image_size=64), "none")
    exact = explain(model, images(2, side=64, dtype=torch.float32)).evidence
    with torch.autocast("cpu", torch.bfloat16):
        rough = explain(model, images(2, side=64, dtype=torch.float32)).evidence
    assert rough.dtype == torch.bfloat16
    assert 0 < (rough.float() - exact).abs().max() <= 0.05 * exact.abs().max()


@pytest.mark.parametrize(
    "classes",
    [
        torch.tensor([[3]]),
        torch.tensor([[-1]]),
        torch.tensor([0]),
        torch.tensor([[0], [1]]),
        torch.tensor([[0.0]]),
    ],
)
def test_classes_that_do_not_fit_are_refused(classes: Tensor) -> None:
    with pytest.raises(InputError, match="expected classes"):
        explain(tiny_model(), images(1), classes)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("curved", [False, True])
def test_no_images_have_no_maps(curved: bool, create_graph: bool) -> None:
    logits, evidence, attention = explain(tiny_model(curved), images(0), create_graph=create_graph)
    assert logits.shape == (0, 3)
    assert evidence.shape == attention.shape == (0, 3, 2, 2)


@pytest.mark.parametrize("wrong", [images(1)[0], images(1).byte()])
def test_what_is_no_batch_of_preprocessed_images_is_refused(wrong: Tensor) -> None:
    with pytest.raises(InputError, match="expected preprocessed images"):
        explain(tiny_model(), wrong)


def test_weights_with_a_graph_need_features_with_one() -> None:
    model = tiny_model(curved=True)
    with pytest.raises(InputError, match="require a gradient"):
        attention_weights(model, model.features(images(1)).detach(), torch.tensor([[0]]), create_graph=True)


@pytest.mark.parametrize("curved", [False, True])
@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_a_graph_is_not_asked_for_where_none_is_recorded(curved: bool, mode: Callable[[], Any]) -> None:
    model, one = tiny_model(curved), torch.tensor([[0]])
    features = model.features(images(1))
    with mode(), pytest.raises(InputError, match="a mode that records none"):
        attention_weights(model, features, one, create_graph=True)
    with torch.inference_mode(), pytest.raises(InputError, match="a mode that records none"):
        explain(model, images(1), one, create_graph=True)
    with torch.no_grad():
        assert explain(model, images(1), one, create_graph=True).attention.requires_grad


@pytest.mark.parametrize("kept", [torch.float16, torch.float32])
def test_images_and_features_of_another_precision_are_taken_in_the_models_own(kept: torch.dtype) -> None:
    model, batch = tiny_model(), images(1)
    features = model.trunk(batch).detach().to(kept)
    expected = explain_features(model, features.double())
    assert all(map(torch.equal, explain_features(model, features), expected))
    assert explain(model, batch.to(kept)).logits.dtype == torch.float64


@pytest.mark.parametrize(
    "call",
    [
        lambda: explain(tiny_model(), images(1)[:, :1]),
        lambda: explain(tiny_model(), images(1).numpy()),  # type: ignore[arg-type]
        lambda: explain(tiny_model(), images(1), [[0]]),  # type: ignore[arg-type]
        lambda: explain_features(tiny_model(), images(1)[0]),
        lambda: evidence_maps(torch.zeros(1, 4, 2, 2), torch.zeros(1, 1, 3)),
        lambda: evidence_maps(torch.zeros(4, 2, 2), torch.zeros(1, 1, 4)),
    ],
)
def test_other_shapes_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(InputError, match="expected"):
        call()
