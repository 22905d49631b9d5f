"""The control of a quick retrain: the same training without the drawings, to measure what these add."""

from collections.abc import Generator, Sequence

import torch

from gain_core.dataset.feature_cache import FeatureStore
from gain_core.dataset.sample import Sample
from gain_core.events import Phase, Step
from gain_core.models.classifier import Classifier
from gain_core.training.config import TrainConfig
from gain_core.training.objectives import Labels
from gain_core.training.trainer import train

CONTROL_PHASE = "Training the control without your drawings"
_BATCH = 64  # images in one pass of the last layers


def has_control(config: TrainConfig) -> bool:
    """Quick retrains have one. A full retrain has none: its control would double minutes of work."""
    return config.mode == "quick" and config.objective.key != Labels.key


def training_control(
    base: Classifier,
    samples: Sequence[Sample],
    config: TrainConfig,
    store: FeatureStore,
    device: torch.device,
) -> Generator[Phase, None, list[int]]:
    """Train `base` in place without guidance; returns its predicted class position for each sample.

    It writes no checkpoint: after an interruption it is trained again, in seconds.
    """
    control = config.without_guidance()
    yield Phase(CONTROL_PHASE, 0, control.steps)
    for event in train(base, samples, control, store, device):
        if isinstance(event, Step):
            yield Phase(CONTROL_PHASE, event.step, event.total)
    fingerprint = base.trunk_fingerprint()
    predicted: list[int] = []
    for start in range(0, len(samples), _BATCH):
        yield Phase("Predicting with the control", start, len(samples))
        features = store.get_or_compute(base, samples[start : start + _BATCH], fingerprint=fingerprint)
        with torch.inference_mode():
            logits = base.head(base.neck(features.to(device, torch.float32)))
        predicted += logits.argmax(1).tolist()
    return predicted
