"""What all sources share: a classifier trained on the images, and its maps of the classes they show."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from gain_core.dataset.reading import counted, label_rows, pixels_of
from gain_core.dataset.sample import Sample
from gain_core.explain.gradcam import explain
from gain_core.models.classifier import Classifier, build_classifier
from gain_core.models.spec import ModelSpec
from gain_core.training.config import TrainConfig
from gain_core.training.objectives import Labels, Objective
from gain_core.training.trainer import train

Maps = list[Tensor]  # of each image (n, h, w) float32 >= 0, in the order of `Sample.labels`

_IMAGES = 16  # explained at once


@dataclass(frozen=True, slots=True)
class CueTraining:
    """How every source trains its classifiers: the same steps for all, so that rows can be compared."""

    spec: ModelSpec
    config: TrainConfig  # full mode; each source puts its own objective in
    weights: Literal["pretrained", "none"] = "pretrained"
    device: torch.device | str = "cpu"

    def trained(self, samples: Sequence[Sample], objective: Objective | None = None) -> Classifier:
        """A new classifier after training; objective None: image-level labels alone."""
        model = build_classifier(self.spec, self.weights, self.config.seed)
        self.train(model, samples, objective)
        return model

    def train(self, model: Classifier, samples: Sequence[Sample], objective: Objective | None = None) -> None:
        objective = Labels() if objective is None else objective
        for _ in train(model, samples, replace(self.config, objective=objective), device=self.device):
            pass


Source = Callable[[Sequence[Sample], CueTraining], Maps]


def maps_of(model: Classifier, samples: Sequence[Sample], *, signed: bool = False) -> Maps:
    """The map of each class that each image shows: eq. 1 and 2, or with `signed` before the ReLU."""
    device = next(model.parameters()).device
    maps: Maps = []
    for start in range(0, len(samples), _IMAGES):
        chunk = list(samples[start : start + _IMAGES])
        labels = label_rows(chunk)
        explained = explain(model, pixels_of(chunk, model.spec).to(device), labels.to(device))
        rows = explained.evidence if signed else explained.attention
        maps += [own[real].cpu() for own, real in zip(rows, counted(labels), strict=True)]
    return maps
