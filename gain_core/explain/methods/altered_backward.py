"""A network's own forward pass, with other backward functions in the place of some of its operations.

Operations are taken where torch is called, not where modules are: functions, modules used twice and
operations in place are all seen, nothing is hooked, copied or left behind, and other threads see nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from gain_core.errors import InputError
from gain_core.models.classifier import Classifier

Call = Callable[..., Any]


class Rule(Protocol):
    """Does an operation of the network, with a backward function of its own."""

    def __call__(self, operation: Call, *arguments: Any, **named: Any) -> Any: ...


class AlteredBackward(TorchFunctionMode):
    """A context. rules: by the name of torch's operation; `check` is told of every other operation whose
    result a gradient reaches.
    """

    def __init__(self, rules: Mapping[str, Rule], check: Callable[[str], None]) -> None:
        super().__init__()
        self._rules, self._check = rules, check
        self.used: set[str] = set()  # names of the operations that a rule did

    def __torch_function__(
        self, func: Call, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name, named = getattr(func, "__name__", ""), dict(kwargs or {})
        rule = self._rules.get(name)
        if rule is not None and _reached([*args, *named.values()]):
            self.used.add(name)
            return rule(func, *args, **named)
        result = func(*args, **named)
        if _reached([result]):
            self._check(name)
        return result


def _reached(values: list[Any]) -> bool:
    """Whether a gradient reaches any of them."""
    for value in values:
        if isinstance(value, Tensor) and value.requires_grad:
            return True
        if isinstance(value, list | tuple) and _reached([*value]):
            return True
    return False


def logits_under(mode: AlteredBackward, model: Classifier, image: Tensor, method: str) -> Tensor:
    """Logits (1, C) of a leaf (1, 3, S, S) that requires a gradient, computed under the mode.

    InputError where they differ from the model's own: a rule replaces operations in place by others, and a
    network may count on the former.
    """
    weights = {name: value.detach() for name, value in model.named_parameters()}
    with mode:
        logits: Tensor = torch.func.functional_call(model, weights, (image,))
    with torch.no_grad():
        expected = model(image)
    if not torch.allclose(logits, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max())):
        raise InputError(
            f"{method} does not apply to this network: its operations in place cannot be followed."
        )
    return logits
