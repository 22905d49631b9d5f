"""What a model says of images, and where it looks for the true class."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import torch

from gain_core.attention import explain_features
from gain_core.data import inside_map
from gain_core.events import Phase
from gain_core.features import FeatureStore
from gain_core.metrics import attention_inside, attention_spread
from gain_core.models import Classifier
from gain_core.sample import Sample

_BATCH = 64  # images between two reports of progress


@dataclass(frozen=True, slots=True)
class Prediction:
    key: str  # of the sample
    probabilities: tuple[
        float, ...
    ]  # by class position, in [0, 1]; they sum to 1 unless classes are independent
    attention_inside: float | None  # share of the true (first) class's where it should lie; None: nobody said
    attention_spread: float | None  # share of the picture that the same map covers; None: it is zero


def predict(
    model: Classifier,
    samples: Sequence[Sample],
    store: FeatureStore | None = None,
    device: torch.device | str = "cpu",
) -> list[Prediction]:
    """One prediction per sample, in their order; kept features are used and, with a store, kept.

    Where attention should lie: in the object mask when there is one, else in the guidance
    (`data.inside_map`). Raises InputError naming the image that cannot be read.
    """
    phases = predicting(model, samples, store, device)
    while True:
        try:
            next(phases)
        except StopIteration as end:
            predictions: list[Prediction] = end.value
            return predictions


def predicting(
    model: Classifier,
    samples: Sequence[Sample],
    store: FeatureStore | None = None,
    device: torch.device | str = "cpu",
) -> Generator[Phase, None, list[Prediction]]:
    """`predict` for a caller that passes events on: the list is the generator's return value."""
    store = store or FeatureStore()
    model.to(device).eval()
    fingerprint = model.trunk_fingerprint()
    predictions: list[Prediction] = []
    for start in range(0, len(samples), _BATCH):
        yield Phase("Predicting", start, len(samples))
        chunk = samples[start : start + _BATCH]
        features = store.get_or_compute(model, chunk, fingerprint=fingerprint)
        predictions += _predict_chunk(model, chunk, features.to(device, torch.float32))
    yield Phase("Predicting", len(samples), len(samples))
    return predictions


def _predict_chunk(model: Classifier, samples: Sequence[Sample], features: torch.Tensor) -> list[Prediction]:
    """features (B, K0, h0, w0): the trunk's output."""
    classes = torch.tensor([[sample.label] for sample in samples], device=features.device)  # (B, 1)
    logits, _, attention = explain_features(model, features, classes)
    scores = (logits.sigmoid() if model.spec.multi_label else logits.softmax(1)).cpu()
    predictions = []
    for sample, probabilities, maps in zip(samples, scores.tolist(), attention.cpu(), strict=True):
        wanted = inside_map(sample, (maps.shape[1], maps.shape[2]))
        share = None if wanted is None else attention_inside(maps[0], wanted)
        spread = attention_spread(maps[0])
        predictions.append(Prediction(sample.key, tuple(probabilities), share, spread))
    return predictions
