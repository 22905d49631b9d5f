"""Grad-CAM (Selvaraju et al., ICCV 2017), eq. 1 and 2 of the paper: what everything else here uses."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gain_core.explain.methods.method import Method, Progress

if TYPE_CHECKING:
    from torch import Tensor

    from gain_core.models.classifier import Classifier


@dataclass(frozen=True)
class GradCam(Method):
    NAME = "grad_cam"
    TITLE = "Grad-CAM"
    WORDS = "Features of the last convolution, each weighted by how much the class depends on it."

    def evidence(
        self, model: "Classifier", image: "Tensor", position: int, seed: int, on_progress: Progress
    ) -> "Tensor":
        import torch

        from gain_core.explain.gradcam import explain

        chosen = torch.tensor([[position]], device=image.device)
        return explain(model, image, chosen).evidence[0, 0]
