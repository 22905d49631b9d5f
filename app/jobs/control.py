"""The control of a quick retrain: the same training without drawings, to measure what they add."""

from collections.abc import Generator, Sequence

import torch

from gain_core.dataset.feature_cache import FeatureStore
from gain_core.dataset.sample import Sample
from gain_core.events import Phase, Step
from gain_core.models.classifier import Classifier
from gain_core.training.config import TrainConfig
from gain_core.training.objectives import Labels
from gain_core.training.trainer import train

CONTROL_PHASE = "Training the control without outlines"
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
) -> Generator[Phase, None, list[list[float]]]:
    """Train `base` in place without guidance; returns the probabilities of the classes for each sample.

    It writes no checkpoint: after an interruption it is trained again, in seconds. Its figures on the
    validation split would be shown nowhere, so it is given the training images alone.
    """
    control = config.without_guidance()
    training = [sample for sample in samples if sample.split == "train"]
    yield Phase(CONTROL_PHASE, 0, control.steps)
    for event in train(base, training, control, store, device):
        if isinstance(event, Step):
            yield Phase(CONTROL_PHASE, event.step, event.total)
    fingerprint = base.trunk_fingerprint()
    probabilities: list[list[float]] = []
    for start in range(0, len(samples), _BATCH):
        yield Phase("Predicting with the control", start, len(samples))
        features = store.get_or_compute(base, samples[start : start + _BATCH], fingerprint=fingerprint)
        with torch.inference_mode():
            logits = base.head(base.neck(features.to(device, torch.float32)))
        probabilities += (logits.sigmoid() if base.spec.multi_label else logits.softmax(1)).tolist()
    return probabilities
