"""Grad-CAM (eq. 1 and 2) as pure functions of model, images and classes.

No hooks, no `.backward()`, no state on a model in eval mode, so any number of threads may share a model. All
classes of all images are computed together. Viewing and training differ only in `create_graph`.
"""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import torch
from torch import Tensor

from gain_core.checks import expect, expect_classes
from gain_core.errors import InputError
from gain_core.models.classifier import Classifier
from gain_core.models.spec import PIECE


class Explanation(NamedTuple):
    """Results for B images and n classes of each. C: all classes, h×w: size of the last map."""

    logits: Tensor  # (B, C)
    evidence: Tensor  # (B, n, h, w), signed: what each place says for (+) or against (−) the class
    attention: Tensor  # (B, n, h, w), >= 0: A^c, not scaled


def attention_weights(
    model: Classifier, features: Tensor, classes: Tensor, create_graph: bool = False
) -> Tensor:
    """w_k^c = GAP(∂s^c/∂f_k), eq. 1, s^c the logit: features (B, K, h, w), classes (B, n) long -> (B, n, K).

    A GAP + linear head needs no gradient: ∂s^c/∂f_k(i,j) is W[c, k] / (h·w) at every place. Any other head
    goes through autograd, all classes in one batched backward; it must treat the images of a batch
    independently.

    create_graph=False gives constants: so the paper reads ("we do not update parameters of the network after
    obtaining the w"), and so do all public implementations. True adds the second-order term: a loss on the
    map then also reaches the weights, and its gradient is exact. Raises InputError.
    """
    _check(model, features, classes, create_graph)
    linear = model.linear_head_weights
    if linear is not None:
        return _closed_form(linear, features, classes, create_graph)
    if create_graph:
        return _through_autograd(model.head(features), features, classes, create_graph=True)
    return _constant_weights(model, features, classes)[1]


def evidence_maps(features: Tensor, weights: Tensor) -> Tensor:
    """E^c = Σ_k w_k^c f_k, eq. 2 before its ReLU: (B, K, h, w), (B, n, K) -> (B, n, h, w), signed.

    Raises InputError.
    """
    expect("features", features, ("B", "K", "h", "w"))
    expect("weights", weights, (len(features), "n", features.shape[1]))
    return torch.bmm(weights, features.flatten(2)).unflatten(2, features.shape[2:])


def attention_maps(evidence: Tensor) -> Tensor:
    """A^c = ReLU(E^c), eq. 2: any shape -> the same shape, >= 0, not scaled."""
    return evidence.relu()


def contrast_maps(evidence: Tensor, of_rivals: Tensor) -> Tensor:
    """ReLU(E^c − E^r): evidence for class c against its rival r; any shape -> the same, >= 0.

    These are eq. 1 and 2 of the difference of the two logits: evidence for both classes cancels. Raises
    InputError for two shapes.
    """
    if evidence.shape != of_rivals.shape:
        raise InputError(
            f"expected evidence of one shape, got {tuple(evidence.shape)} and {tuple(of_rivals.shape)}"
        )
    return (evidence - of_rivals).relu()


def explain(
    model: Classifier,
    images: Tensor,
    classes: Tensor | None = None,
    create_graph: bool = False,
    second_order: bool = True,
) -> Explanation:
    """Logits, evidence and attention of preprocessed images (B, 3, S, S), with one forward.

    Images in another precision than the model's are taken in its own. classes: (B, n) long, None for all of
    them in order. create_graph=False: nothing is recorded and results carry no gradient. True: everything is
    differentiable, including the weights of eq. 1; with second_order=False those are constants, as in every
    public implementation. A model in training mode is asked as it is, in one batch: its norm layers use this
    batch's statistics and remember them, and dropout drops. Raises InputError.
    """
    expect("preprocessed images", images, ("B", 3, "S", "S"))
    # The layout of the weights (see build_classifier): half the time of the default layout on the CPU.
    images = images.to(_precision(model)).contiguous(memory_format=torch.channels_last)
    # Norm layers in training mode would see other batches, and remember each.
    learns = any(layer.training for layer in model.modules())
    if create_graph or learns or len(images) <= PIECE or images.device.type != "cpu":
        with torch.set_grad_enabled(create_graph):
            trunk_features = model.trunk(images)
        return _explained(model, trunk_features, classes, create_graph, second_order)
    parts = images.split(PIECE)
    rows: Sequence[Tensor | None] = [None] * len(parts)
    if classes is not None:
        expect("classes", classes, (len(images), "n"), "long")
        rows = classes.split(PIECE)
    pieces = [explain(model, part, chosen) for part, chosen in zip(parts, rows, strict=True)]
    return Explanation(*(torch.cat(same) for same in zip(*pieces, strict=True)))


def explain_features(
    model: Classifier,
    trunk_features: Tensor,
    classes: Tensor | None = None,
    create_graph: bool = False,
    second_order: bool = True,
) -> Explanation:
    """`explain` from stored trunk outputs (B, K0, h0, w0), in any precision."""
    expect("trunk_features", trunk_features, ("B", "K0", "h0", "w0"))
    return _explained(model, trunk_features.to(_precision(model)), classes, create_graph, second_order)


def _explained(
    model: Classifier, trunk_features: Tensor, classes: Tensor | None, create_graph: bool, second_order: bool
) -> Explanation:
    with torch.set_grad_enabled(create_graph):
        features = model.neck(trunk_features)  # (B, K, h, w)
        if classes is None:
            count = len(model.spec.classes)
            classes = torch.arange(count, device=features.device).expand(features.shape[0], count)
        _check(model, features, classes, create_graph)
        linear = model.linear_head_weights
        if linear is not None:
            logits = model.head(features)
            weights = _closed_form(linear, features, classes, create_graph and second_order)
        elif create_graph:
            logits = model.head(features)
            weights = (
                _through_autograd(logits, features, classes, create_graph=True)
                if second_order
                else _constant_weights(model, features, classes)[1]
            )
        else:
            logits, weights = _constant_weights(model, features, classes)
        evidence = evidence_maps(features, weights)
        return Explanation(logits, evidence, attention_maps(evidence))


def _precision(model: Classifier) -> torch.dtype:
    """The head's; a head may have no weights."""
    return next(chain(model.head.parameters(), model.parameters()), torch.empty(0)).dtype


def _closed_form(linear: Tensor, features: Tensor, classes: Tensor, create_graph: bool) -> Tensor:
    chosen = (linear if create_graph else linear.detach())[classes]  # (B, n, K)
    return chosen / (features.shape[2] * features.shape[3])


def _constant_weights(model: Classifier, features: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (B, C) and weights (B, n, K) without a graph, in whatever gradient mode the caller is."""
    with torch.inference_mode(False), torch.enable_grad():
        # A copy, because tensors born in inference mode can never be differentiated.
        leaf = features.detach().clone().requires_grad_()
        logits = model.head(leaf)
        return logits.detach(), _through_autograd(logits, leaf, classes, create_graph=False)


def _through_autograd(logits: Tensor, features: Tensor, classes: Tensor, create_graph: bool) -> Tensor:
    """Eq. 1 for any head: one batched backward over n classes; summed over images, which are independent."""
    if not features.requires_grad:
        raise InputError("expected features that require a gradient (create_graph=True under torch.no_grad?)")
    one_hot = torch.nn.functional.one_hot(classes.T, logits.shape[1]).to(logits)  # (n, B, C)
    (gradients,) = torch.autograd.grad(
        logits, features, grad_outputs=one_hot, is_grads_batched=True, create_graph=create_graph
    )  # (n, B, K, h, w)
    return gradients.mean((-2, -1)).transpose(0, 1)


def _check(model: Classifier, features: Tensor, classes: Tensor, create_graph: bool) -> None:
    if create_graph and (torch.is_inference_mode_enabled() or not torch.is_grad_enabled()):
        raise InputError(
            "expected create_graph=True where gradients are recorded, got a mode that records none"
        )
    expect("features", features, ("B", "K", "h", "w"))
    expect("classes", classes, (len(features), "n"), "long")
    # A negative one would be taken from the end. Where nothing learns a GPU may be waited for.
    expect_classes("classes", classes if create_graph else classes.cpu(), len(model.spec.classes))
