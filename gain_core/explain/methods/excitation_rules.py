"""Winner-take-all probabilities through the operations of a network, as backward functions.

Instead of a gradient, p flows back: the probability that a neuron is a winner. A linear operation gives each
input its share of what excited the output: p_j = Σ_i p_i z_ij / Σ_k z_ik with z_ij = max(w_ij x_j, 0). Where
inputs are at least 0, as the paper assumes, z_ij is w_ij⁺ x_j, its eq. 5. Biases excite nothing, as
published: p of a neuron that a bias alone excites is lost.

A negative p is the probability of a neuron that wins by being below 0: it excites through a negative weight,
and is excited by what lowers it. So p has the sign of the neuron's value. Linear bottlenecks of mobile
networks have such neurons, and the first class of a network with one logit wins by what lowers it.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gain_core.errors import InputError
from gain_core.explain.methods.altered_backward import Call, Rule

Linear = Callable[[Tensor], Tensor]

# Each output has one input, which gets all. (A gate, which multiplies a map, gets nothing to pass on.)
_ONE_TO_ONE = (
    *("relu", "relu_", "relu6", "hardtanh", "hardtanh_", "leaky_relu", "leaky_relu_", "elu", "elu_", "silu"),
    *("gelu", "hardswish", "mish", "tanh", "sigmoid", "sigmoid_", "hardsigmoid", "hardsigmoid_"),
    *("dropout", "dropout_", "dropout2d"),
)
# torch's own gradient moves p to where a value came from.
_MOVED = (
    *("flatten", "unflatten", "view", "reshape", "permute", "transpose", "contiguous", "clone", "squeeze"),
    *("unsqueeze", "expand", "cat", "concat", "chunk", "split", "narrow", "__getitem__", "__get__", "pad"),
    *("to", "max_pool2d", "adaptive_max_pool2d", "amax", "neg", "__neg__", "channel_shuffle"),
)


class Rules:
    """The rules, and the inputs (1, K, h, w) of the linear operations that they did, in order."""

    def __init__(self, method: str) -> None:
        self._method = method
        self.inputs: list[Tensor] = []
        self.by_name: dict[str, Rule] = {
            **dict.fromkeys(_ONE_TO_ONE, _one_to_one),
            **dict.fromkeys(("conv2d", "linear"), self._weighted),
            **dict.fromkeys(("mean", "avg_pool2d", "adaptive_avg_pool2d"), self._averaged),
            **dict.fromkeys(("add", "add_", "__add__", "__radd__", "__iadd__"), self._added),
            **dict.fromkeys(("mul", "mul_", "__mul__", "__rmul__", "__imul__"), self._multiplied),
            **dict.fromkeys(("div", "div_", "__truediv__", "__itruediv__", "true_divide"), self._multiplied),
            "batch_norm": self._normed,
        }

    def check(self, name: str) -> None:
        """InputError for an operation that no rule is known of."""
        if name not in _MOVED:
            raise self._refusal(name)

    def _refusal(self, name: str) -> InputError:
        return InputError(f"{self._method} has no rule for “{name.strip('_')}”, which this network uses.")

    def _remember(self, values: Tensor) -> None:
        if values.dim() == 4:
            self.inputs.append(values)

    def _weighted(
        self,
        operation: Call,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        *more: Any,
        **named: Any,
    ) -> Tensor:
        self._remember(input)

        def with_weight(chosen: Tensor) -> Linear:
            return lambda values: operation(values, chosen, None, *more, **named)

        result = operation(input, weight, bias, *more, **named)
        high, low = weight.clamp(min=0), weight.clamp(max=0)
        return _shared(result, input, with_weight(high), with_weight(low))

    def _averaged(self, operation: Call, input: Tensor, *more: Any, **named: Any) -> Tensor:
        self._remember(input)
        return _shared(operation(input, *more, **named), input, lambda x: operation(x, *more, **named), None)

    def _added(self, operation: Call, first: Any, second: Any, *more: Any, **named: Any) -> Tensor:
        if more or named:
            raise self._refusal("add")
        if not (isinstance(first, Tensor) and isinstance(second, Tensor)) or not (
            first.requires_grad and second.requires_grad
        ):
            return first + second  # a constant excites nothing
        both = torch.stack(torch.broadcast_tensors(first, second))
        return _shared(both.sum(0), both, lambda values: values.sum(0), None)

    def _multiplied(self, operation: Call, first: Any, second: Any) -> Tensor:
        """All of p to the map, and none to what scales it: a number, a weight, a gate with fewer places."""
        name = getattr(operation, "__name__", "")
        if not (isinstance(first, Tensor) and first.requires_grad) or (
            isinstance(second, Tensor) and second.numel() > first.numel()
        ):
            if "div" in name:
                raise self._refusal(name)
            first, second = second, first
        if isinstance(second, Tensor):
            if second.requires_grad and second.numel() == first.numel():
                raise self._refusal(name)
            factor = second.detach()
        else:
            factor = torch.as_tensor(second)
        first = first.expand(torch.broadcast_shapes(first.shape, factor.shape))
        result = first / factor if "div" in name else first * factor
        passed: Tensor = _Passed.apply(first, result.detach(), factor.sign().to(first))
        return passed

    def _normed(self, operation: Call, input: Tensor, *more: Any, **named: Any) -> Tensor:
        """A norm layer in eval mode: each channel times a number, whose sign is that of its weight."""
        if operation is not F.batch_norm:  # torch.batch_norm has its arguments in another order
            raise self._refusal("batch_norm")
        result = operation(input, *more, **named)
        weight = named.get("weight", more[2] if len(more) > 2 else None)
        sign = torch.ones(1) if weight is None else weight.detach().sign()
        passed: Tensor = _Passed.apply(
            input, result.detach(), sign.to(input).view(1, -1, *[1] * (input.dim() - 2))
        )
        return passed


def _one_to_one(operation: Call, input: Tensor, *more: Any, **named: Any) -> Tensor:
    with torch.no_grad():
        result = operation(input.clone(), *more, **named)
    passed: Tensor = _Passed.apply(input, result, torch.ones_like(result[:1]))
    return passed


class _Passed(torch.autograd.Function):
    """The result as given; p goes to the input, times `signs`."""

    @staticmethod
    def forward(context: Any, input: Tensor, result: Tensor, signs: Tensor) -> Tensor:
        context.signs = signs
        return result.clone()

    @staticmethod
    def backward(context: Any, winners: Tensor) -> tuple[Tensor, None, None]:
        return winners * context.signs, None, None


def _shared(result: Tensor, input: Tensor, high: Linear, low: Linear | None) -> Tensor:
    """The result of a linear operation; p is shared out among its inputs.

    high: the operation with its positive weights alone; low: with the negative ones, None where it has none.
    """
    shared: Tensor = _Shared.apply(input, result.detach(), high, low)
    return shared


class _Shared(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, input: Tensor, result: Tensor, high: Linear, low: Linear | None) -> Tensor:
        context.save_for_backward(input)
        context.high, context.low = high, low
        return result.clone()

    @staticmethod
    def backward(context: Any, winners: Tensor) -> tuple[Tensor, None, None, None]:
        (values,) = context.saved_tensors
        above, below = values.detach().clamp(min=0), values.detach().clamp(max=0)
        high, low = context.high, context.low
        # z_ij > 0 where weight and input have one sign; of a neuron that wins below 0, where they have two.
        upright = _shares(winners.clamp(min=0), [(above, high), (below, low)])
        turned = _shares((-winners).clamp(min=0), [(above, low), (below, high)])
        return (upright + turned) * values.sign(), None, None, None


def _shares(winners: Tensor, excited: list[tuple[Tensor, Linear | None]]) -> Tensor:
    """|p| of the inputs from |p| of the outputs. excited: inputs, and the operation that they excite by."""
    total = torch.zeros_like(excited[0][0])
    parts = [(values, linear) for values, linear in excited if linear is not None and values.any()]
    if not parts or not winners.any():
        return total
    with torch.enable_grad():
        leaves = [values.clone().requires_grad_() for values, _ in parts]
        exciting = [linear(leaf) for (_, linear), leaf in zip(parts, leaves, strict=True)]
        summed = torch.stack(exciting).sum(0).abs()
        nobody = summed <= 0
        shares = torch.where(nobody, 0.0, winners) / torch.where(nobody, 1.0, summed)
        gradients = torch.autograd.grad(exciting, leaves, [shares] * len(leaves))
    for leaf, gradient in zip(leaves, gradients, strict=True):
        total += (leaf * gradient).detach().abs()
    return total
