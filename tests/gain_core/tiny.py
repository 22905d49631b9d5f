"""Models small enough to check by hand or by finite differences."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from gain_core.models.backbones import Parts
from gain_core.models.classifier import Classifier, ModelSpec

CLASSES = ("boat", "car", "house")

# Maps and masks of 2×2 places.
NOTHING = [[0.0, 0.0], [0.0, 0.0]]
LEFT = [[1.0, 0.0], [1.0, 0.0]]
RIGHT = [[0.0, 1.0], [0.0, 1.0]]
TOP_LEFT = [[1.0, 0.0], [0.0, 0.0]]


class CurvedHead(nn.Module):
    """A head without a closed form: each place counts by the square root of what it holds."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.linear((features.square() + 1).sqrt().mean((2, 3)))
        return logits


def tiny_model(curved: bool = False, norm: bool = False) -> Classifier:
    """Float64, eval mode: images (B, 3, s, s) -> features (B, 4, s / 2, s / 2) -> 3 logits."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        trunk = nn.Sequential(nn.Conv2d(3, 3, 3, stride=2, padding=1), nn.Softplus())
        layers: list[tuple[str, nn.Module]] = [("conv", nn.Conv2d(3, 4, 1))]
        if norm:
            layers.append(("norm", nn.BatchNorm2d(4)))
        neck = nn.Sequential(OrderedDict([*layers, ("act", nn.Softplus())]))
        model = Classifier(ModelSpec("tiny", CLASSES, image_size=32), Parts(trunk, neck, nn.Sequential(), 4))
        if curved:
            model.head = CurvedHead(nn.Linear(4, 3))
    return model.double().eval()


def model_of_maps(weights: list[list[float]]) -> Classifier:
    """A model whose features are its input, for maps computed by hand; weights (C, 3): the linear head's."""
    spec = ModelSpec("tiny", tuple(f"class {i}" for i in range(len(weights))), image_size=32)
    model = Classifier(spec, Parts(nn.Sequential(), nn.Sequential(), nn.Sequential(), 3))
    with torch.no_grad():
        model.head.linear.weight.copy_(torch.tensor(weights))
        model.head.linear.bias.zero_()
    return model.eval()


def images(count: int, side: int = 4, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def maps(*items: list[list[list[float]]]) -> Tensor:
    """One list of 2×2 maps per image -> (B, n, 2, 2)."""
    return torch.tensor(items)


def relative(got: Tensor, expected: Tensor) -> float:
    """The largest difference, with the largest expected value as 1."""
    return float((got - expected).abs().max() / expected.abs().max().clamp_min(1e-12))
