"""Integrated gradients (Sundararajan, Taly and Yan, ICML 2017), computed by captum."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gain_core.explain.methods.method import Method, Progress

if TYPE_CHECKING:
    from torch import Tensor

    from gain_core.models.classifier import Classifier


@dataclass(frozen=True)
class IntegratedGradients(Method):
    """From an image of the mean colour, zero in normalised pixels, to the image itself.

    Completeness: the pixels' evidence adds up to the logit minus the mean colour's.
    """

    steps: int = 32

    NAME = "integrated_gradients"
    TITLE = "Integrated gradients"
    WORDS = "What each pixel adds to the class while the picture is faded in from plain grey."

    def evidence(
        self, model: "Classifier", image: "Tensor", position: int, seed: int, on_progress: Progress
    ) -> "Tensor":
        from captum import attr

        from gain_core.explain.methods.scores import AT_ONCE, counted

        def logit(images: "Tensor") -> "Tensor":
            return model(images)[:, position]

        asked = attr.IntegratedGradients(counted(logit, self.steps, on_progress))
        attributions = asked.attribute(image, n_steps=self.steps, internal_batch_size=AT_ONCE)
        total: Tensor = attributions[0].sum(0)
        return total
