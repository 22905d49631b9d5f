"""The base class of the methods: one call for all of them, and maps of one form."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from gain_core.errors import InputError
from gain_core.imaging.cells import cell_means

if TYPE_CHECKING:
    from torch import Tensor

    from gain_core.models.classifier import Classifier

Numbers = NDArray[np.float32]
Progress = Callable[[int, int], None]  # forward passes of one image that are done, and all; may raise to stop

CELL = 8  # pixels a side that share one place of a map: finer maps are speckle


def _silent(done: int, total: int) -> None:
    """Progress that nobody is told of."""


class Method(ABC):
    """One method. A subclass is a frozen dataclass whose fields are its settings."""

    NAME: ClassVar[str]  # in files and addresses
    TITLE: ClassVar[str]  # on the page
    WORDS: ClassVar[str]  # one sentence: what the map shows

    def explain(
        self,
        model: "Classifier",
        image: Numbers,
        position: int,
        seed: int = 0,
        on_progress: Progress = _silent,
    ) -> Numbers:
        """(h, w) float32 in [0, 1]: what in the image speaks for the class, over its highest place.

        image: (3, S, S), preprocessed as `spec.pixels` does; position: of the class. The map covers exactly
        what the network sees. Of a method that tells pixels apart a place is the mean of 8 × 8 pixels. All
        zero where nothing speaks for the class. The same arguments give the same map; seed: of methods that
        draw samples. Safe for several threads. InputError for another image or class, a model in training
        mode, and a network that the method does not apply to.
        """
        import torch

        from gain_core.models.tracing import running

        if image.ndim != 3 or len(image) != 3 or image.shape[1] != image.shape[2]:
            raise InputError(f"expected an image (3, S, S), got {image.shape}")
        if not 0 <= position < len(model.spec.classes):
            raise InputError(f"expected a class from 0 to {len(model.spec.classes) - 1}, got {position}")
        if any(layer.training for layer in model.modules()):
            raise InputError("expected a model in eval mode, got one in training mode")
        weights = next(model.parameters(), torch.empty(0))
        with running(), torch.inference_mode(False), torch.enable_grad():
            pixels = torch.from_numpy(image)[None].to(weights.device, weights.dtype)
            evidence = self.evidence(model, pixels, position, seed, on_progress)
        return _scaled(evidence.detach().double().cpu().numpy(), len(image[0]))

    @abstractmethod
    def evidence(
        self, model: "Classifier", image: "Tensor", position: int, seed: int, on_progress: Progress
    ) -> "Tensor":
        """(h, w) or (S, S): what each place of an image (1, 3, S, S) says for (+) or against (−) the class.

        In the model's precision and on its device; called where gradients are recorded.
        """


def _scaled(evidence: NDArray[np.float64], side: int) -> Numbers:
    """Signed (h, w) -> [0, 1]: what speaks for the class, in means over cells where it is finer."""
    if not np.isfinite(evidence).all():
        raise InputError("expected a map of finite numbers, got NaN or infinity: are the weights finite?")
    most = -(-side // CELL)
    if max(evidence.shape) > most:
        evidence = cell_means(evidence, (most, most))
    attention = np.maximum(evidence, 0)
    highest = attention.max()
    scaled: Numbers = (attention / highest if highest > 0 else attention).astype(np.float32)
    return scaled
