"""Score-CAM (Wang et al., CVPR Workshops 2020): feature maps weighted by what the model says behind each.

captum has no Score-CAM. Checked in the tests by hand.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gain_core.explain.methods.method import Method, Progress

if TYPE_CHECKING:
    from torch import Tensor

    from gain_core.models.classifier import Classifier


@dataclass(frozen=True)
class ScoreCam(Method):
    """The map is Σ_k α_k A_k with α_k = f(X ∘ H_k) − f(X_b): A_k the k-th feature map of the last
    convolution, H_k the same enlarged to the image and scaled to [0, 1], f the probability of the class, and
    X_b an image of the mean colour.

    channels: as many maps, those that vary most, take part; None: all, as published. A small network has a
    thousand, each of which costs a forward pass.
    """

    channels: int | None = 96

    NAME = "score_cam"
    TITLE = "Score-CAM"
    WORDS = (
        "Features of the last convolution, each weighted by the class's probability when only it is shown."
    )

    def evidence(
        self, model: "Classifier", image: "Tensor", position: int, seed: int, on_progress: Progress
    ) -> "Tensor":
        import torch
        from torch.nn import functional as F

        from gain_core.explain.methods.scores import AT_ONCE, counted, probability

        with torch.no_grad():
            features = model.features(image)[0]  # (K, h, w)
            extent = features.amax((1, 2)) - features.amin((1, 2))
            order = features.flatten(1).var(1, unbiased=False).argsort(descending=True, stable=True)
            order = order[extent[order] > 0][: self.channels]
            chosen = features[order]  # (k, h, w)
            score = counted(probability(model, position), len(order) + 1, on_progress)
            plain = score(torch.zeros_like(image))  # X_b
            total = torch.zeros_like(features[0])
            for start in range(0, len(chosen), AT_ONCE):
                maps = chosen[start : start + AT_ONCE, None]
                enlarged = F.interpolate(maps, image.shape[-2:], mode="bilinear", align_corners=False)
                low, high = enlarged.amin((2, 3), keepdim=True), enlarged.amax((2, 3), keepdim=True)
                gained = score(image * (enlarged - low) / (high - low)) - plain
                total += (gained[:, None, None] * maps[:, 0]).sum(0)
        return total
