"""LIME (Ribeiro, Singh and Guestrin, KDD 2016) on superpixels, fitted by captum."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gain_core.explain.methods.method import Method, Progress

if TYPE_CHECKING:
    from torch import Tensor

    from gain_core.models.classifier import Classifier


@dataclass(frozen=True)
class Lime(Method):
    """A linear model of which pieces are shown, fitted to the log-odds of samples near the whole image.

    Kernel, ridge and the share of pieces that are hidden are those of the authors' package; a hidden piece
    has the mean colour.
    """

    pieces: int = 49
    samples: int = 256
    kernel_width: float = 0.25
    ridge: float = 1.0

    NAME = "lime"
    TITLE = "LIME"
    WORDS = "Which pieces of the picture the class needs, from hiding random ones of them."

    def evidence(
        self, model: "Classifier", image: "Tensor", position: int, seed: int, on_progress: Progress
    ) -> "Tensor":
        import torch
        from captum._utils.models.linear_model import SkLearnRidge
        from captum.attr import LimeBase

        from gain_core.explain.methods.scores import AT_ONCE, counted, log_odds
        from gain_core.explain.methods.superpixels import superpixels

        pieces = torch.from_numpy(superpixels(_picture(model, image), self.pieces)).to(image.device)
        generator = torch.Generator().manual_seed(seed)
        everything = torch.ones(1, int(pieces.max()) + 1)

        def samples(*_: Any, **__: Any) -> Iterator["Tensor"]:
            yield everything.to(image)  # the image itself
            while True:
                yield torch.bernoulli(everything / 2, generator=generator).to(image)

        def shown(sample: "Tensor", whole: "Tensor", **_: Any) -> "Tensor":
            return whole * sample[0, pieces]

        def nearness(whole: "Tensor", altered: "Tensor", sample: "Tensor", **_: Any) -> "Tensor":
            distance = 1 - sample.mean().sqrt()  # cosine, from all ones
            return torch.exp(-(distance**2) / self.kernel_width**2).sqrt()

        fitted = LimeBase(
            counted(log_odds(model, position), self.samples, on_progress),
            SkLearnRidge(alpha=self.ridge),
            nearness,
            samples,
            True,
            shown,
            None,
        )
        coefficients = fitted.attribute(image, n_samples=self.samples, perturbations_per_eval=AT_ONCE)
        return coefficients.flatten().to(image)[pieces]


def _picture(model: "Classifier", image: "Tensor") -> Any:
    """(3, S, S) float32 RGB in [0, 1]: the preprocessing undone."""
    spec = model.spec
    mean, std = (image.new_tensor(values)[:, None, None] for values in (spec.mean, spec.std))
    picture = (image[0] * std + mean).clamp(0, 1)
    return (picture.flip(0) if spec.bgr else picture).float().cpu().numpy()
