"""Occlusion (Zeiler and Fergus, ECCV 2014), computed by captum."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gain_core.explain.methods.method import Method, Progress

if TYPE_CHECKING:
    from torch import Tensor

    from gain_core.models.classifier import Classifier


@dataclass(frozen=True)
class Occlusion(Method):
    """A square of the mean colour is moved over the image; a place gets the mean of its squares."""

    window: float = 1 / 7  # of a side: 32 of 224 pixels
    stride: float = 1 / 14

    NAME = "occlusion"
    TITLE = "Occlusion"
    WORDS = "How much the class loses when a grey square covers that place."

    def evidence(
        self, model: "Classifier", image: "Tensor", position: int, seed: int, on_progress: Progress
    ) -> "Tensor":
        import torch
        from captum import attr

        from gain_core.explain.methods.scores import AT_ONCE, counted, log_odds

        side = image.shape[-1]
        window, stride = (max(1, round(share * side)) for share in (self.window, self.stride))
        places = -(-(side - window) // stride) + 1
        score = counted(log_odds(model, position), places**2, on_progress)
        with torch.no_grad():
            lost: Tensor = attr.Occlusion(score).attribute(
                image,
                sliding_window_shapes=(3, window, window),
                strides=(3, stride, stride),
                perturbations_per_eval=AT_ONCE,
            )
        return lost[0, 0]  # the same in each channel
