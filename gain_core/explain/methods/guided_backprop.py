"""Guided backpropagation (Springenberg et al., ICLR Workshop 2015).

captum's applies to modules of type `nn.ReLU` alone, and gives plain gradients of the ReLU6 of mobile
networks. This one applies to every function of the ReLU family, and refuses networks that have others.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gain_core.errors import InputError
from gain_core.explain.methods.method import Method, Progress

if TYPE_CHECKING:
    from torch import Tensor

    from gain_core.models.classifier import Classifier

_OTHERS = ("silu", "gelu", "hardswish", "mish", "elu", "celu", "selu", "leaky_relu", "prelu", "softplus")


@dataclass(frozen=True)
class GuidedBackprop(Method):
    """The gradient of the logit, of which each ReLU passes on what is positive; a pixel's evidence is the
    largest absolute value of its channels.
    """

    NAME = "guided_backprop"
    TITLE = "Guided backpropagation"
    WORDS = "Edges that the network's strongest features respond to; much the same for every class."

    def evidence(
        self, model: "Classifier", image: "Tensor", position: int, seed: int, on_progress: Progress
    ) -> "Tensor":
        return self.gradient(model, image, position).abs().amax(0)

    def gradient(self, model: "Classifier", image: "Tensor", position: int) -> "Tensor":
        """(3, S, S): of the class's logit, guided. InputError as `explain`."""
        import torch

        from gain_core.explain.methods.altered_backward import AlteredBackward, logits_under

        def check(name: str) -> None:
            if name.removesuffix("_") in _OTHERS:
                raise _not_for(f"this one has {name.removesuffix('_')}")

        rules = {"relu": _relu, "relu_": _relu, "relu6": _relu6}
        rules |= {"hardtanh": _hardtanh, "hardtanh_": _hardtanh}
        mode = AlteredBackward(rules, check)
        leaf = image.detach().clone().requires_grad_()
        logits = logits_under(mode, model, leaf, self.TITLE)
        if not mode.used:
            raise _not_for("this one has none")
        (gradient,) = torch.autograd.grad(logits[0, position], leaf)
        return gradient[0]


def _not_for(what: str) -> InputError:
    return InputError(f"Guided backpropagation needs a network with ReLU or ReLU6 activations; {what}.")


def _relu(operation: Any, values: "Tensor", *_: Any, **__: Any) -> "Tensor":
    return _guided(values, float("inf"))


def _relu6(operation: Any, values: "Tensor", *_: Any, **__: Any) -> "Tensor":
    return _guided(values, 6.0)


def _hardtanh(
    operation: Any, values: "Tensor", min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> "Tensor":
    if min_val != 0:
        raise _not_for("this one has hardtanh")
    return _guided(values, max_val)


def _guided(values: "Tensor", most: float) -> "Tensor":
    """Any shape -> min(max(x, 0), most), passing on positive gradients alone."""
    import torch

    result = torch.where(values >= most, most, torch.where(values > 0, values, 0.0))
    result.register_hook(lambda gradient: gradient.clamp(min=0))
    return result
