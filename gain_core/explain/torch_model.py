"""A classifier in torch as a model that only looks: for GPUs, other heads, and a few images."""

import torch
from torch import Tensor

from gain_core.explain.gradcam import explain
from gain_core.models.classifier import Classifier
from gain_core.models.inference import EvidenceMaps, Numbers
from gain_core.models.spec import PIECE, ModelSpec
from gain_core.models.tracing import running


class TorchModel:
    """Channels-last, on the model's device; it sees what the model learns later."""

    def __init__(self, model: Classifier) -> None:
        self._model = model

    @property
    def spec(self) -> ModelSpec:
        return self._model.spec

    def trunk_features(self, images: Numbers) -> Numbers:
        with running(), torch.inference_mode():
            given = self._given(images)
            pieces = given.split(PIECE) if given.device.type == "cpu" else (given,)
            return _numbers(torch.cat([self._model.trunk(piece) for piece in pieces]))

    def evidence_maps(self, images: Numbers) -> EvidenceMaps:
        with running():
            explanation = explain(self._model, self._given(images))
        return EvidenceMaps(_numbers(explanation.logits), _numbers(explanation.evidence))

    def _given(self, images: Numbers) -> Tensor:
        device = next(self._model.parameters()).device
        return torch.from_numpy(images).to(device, memory_format=torch.channels_last)


def _numbers(values: Tensor) -> Numbers:
    numbers: Numbers = values.float().cpu().numpy()
    return numbers
