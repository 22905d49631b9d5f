"""Excitation backpropagation (Zhang et al., ECCV 2016; IJCV 2018).

captum has none. The rules for layers are in `excitation_rules.py`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gain_core.errors import InputError
from gain_core.explain.methods.method import Method, Progress

if TYPE_CHECKING:
    from torch import Tensor

    from gain_core.models.classifier import Classifier

_WHOLE = 0.99  # of the largest sum of probabilities: less, and a shortcut leads around the layer


@dataclass(frozen=True)
class ExcitationBackprop(Method):
    """Marginal winning probabilities of the inputs of a layer, summed over its channels.

    finest: the layer is the last whose map has at least 1/`finest` of the image's side, as the published
    maps, which are taken at 14 of 224 places of VGG16.
    """

    finest: int = 16

    NAME = "excitation_backprop"
    TITLE = "Excitation backpropagation"
    WORDS = "Where a winner is found when each neuron, from the class down, picks one that excited it."

    def evidence(
        self, model: "Classifier", image: "Tensor", position: int, seed: int, on_progress: Progress
    ) -> "Tensor":
        import torch

        from gain_core.explain.methods.altered_backward import AlteredBackward, logits_under
        from gain_core.explain.methods.excitation_rules import Rules

        rules = Rules(self.TITLE)
        leaf = image.detach().clone().requires_grad_()
        logits = logits_under(AlteredBackward(rules.by_name, rules.check), model, leaf, self.TITLE)
        layers = [leaf, *rules.inputs]
        fine = [layer for layer in layers if min(layer.shape[2:]) * self.finest >= image.shape[-1]]
        coarsest = min(min(layer.shape[2:]) for layer in fine)
        fine = [layer for layer in fine if min(layer.shape[2:]) == coarsest]
        chosen = torch.zeros_like(logits)
        chosen[0, position] = 1
        won = torch.autograd.grad(logits, fine, chosen, allow_unused=True)
        maps = [winners[0].abs().sum(0) for winners in won if winners is not None]
        most = max((float(winners.sum()) for winners in maps), default=0.0)
        if not maps:
            raise InputError(f"{self.TITLE} does not apply to this network: no way leads back to the image.")
        return next(winners for winners in reversed(maps) if float(winners.sum()) >= _WHOLE * most)
