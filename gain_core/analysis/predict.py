"""Predictions of a model, and where its evidence for the true and the predicted class lies."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gain_core.analysis.attribution_clusters import evidence_features, evidence_groups
from gain_core.analysis.label_issues import label_doubts
from gain_core.dataset.feature_cache import FeatureStore
from gain_core.dataset.reading import inside_map, label_rows
from gain_core.dataset.sample import Sample
from gain_core.events import Phase
from gain_core.explain.gradcam import attention_maps, attention_weights, evidence_maps
from gain_core.metrics import attention_inside, attention_spread
from gain_core.models.classifier import Classifier, ModelSpec

_BATCH = 64  # images between two reports of progress


@dataclass(frozen=True, slots=True)
class ClassAttention:
    """Where a model looks for one class that an image shows."""

    label: int  # class position
    attention_inside: float | None  # share where it should lie; None: nobody said
    attention_spread: float | None  # share of the picture that the map covers; None: it is zero


@dataclass(frozen=True, slots=True)
class Prediction:
    key: str  # of the sample
    # Its class position: what attention_* and label_* are about. Of several labels the one that the model
    # sees least, where it misses any, else the one whose attention covers most of the picture.
    label: int
    probabilities: tuple[
        float, ...
    ]  # by class position, in [0, 1]; they sum to 1 unless classes are independent
    attention_inside: float | None  # share of the label's map inside mask or guidance; None: neither
    attention_spread: float | None  # share of the picture that the same map covers; None: it is zero
    evidence_inside: float | None  # as attention_inside, but of the predicted class's map
    evidence_group: int | None  # from 0 within the predicted class; None: a test image, or an empty map
    # Label issues from the most similar training images; None: no issue, not a training image, or independent
    # classes.
    label_rival: int | None = None  # class position
    label_doubt: float | None = None  # share of them that carry that label, in [0, 1]
    each_label: tuple[ClassAttention, ...] = ()  # independent classes: of every class that the image shows

    @property
    def predicted(self) -> int:
        """Position of the most probable class, the first of several."""
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__)


def predict(
    model: Classifier,
    samples: Sequence[Sample],
    store: FeatureStore | None = None,
    device: torch.device | str = "cpu",
) -> list[Prediction]:
    """One prediction per sample, in their order; stored features are used, and new ones stored when a store
    is given.

    Where attention should lie: in the object mask when there is one, else in the guidance
    (`dataset.reading.inside_map`). Clusters use training and validation images only: the test split guides no
    choice. Raises InputError naming the image that cannot be read.
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
    evidence: list[Tensor] = []
    pooled: list[Tensor] = []
    for start in range(0, len(samples), _BATCH):
        yield Phase("Predicting", start, len(samples))
        chunk = samples[start : start + _BATCH]
        features = store.get_or_compute(model, chunk, fingerprint=fingerprint)
        chunk_predictions, looked_at = _predict_chunk(model, chunk, features.to(device, torch.float32))
        predictions += chunk_predictions
        evidence.append(looked_at)
        pooled.append(features.float().mean((2, 3)).cpu())
    yield Phase("Predicting", len(samples), len(samples))
    yield from _grouping(samples, predictions, evidence)
    if not model.spec.multi_label:
        _doubting(samples, predictions, pooled)
    return predictions


def features_used(
    model: Classifier, samples: Sequence[Sample], store: FeatureStore, device: torch.device | str = "cpu"
) -> Generator[Tensor, None, None]:
    """The features that decide for the predicted class, as in attribution clusters: (B, K) float16 of so many
    samples after the other, of length 1; zero for an empty map. Raises InputError.
    """
    model.to(device).eval()
    fingerprint = model.trunk_fingerprint()
    for start in range(0, len(samples), _BATCH):
        stored = store.get_or_compute(model, samples[start : start + _BATCH], fingerprint=fingerprint)
        with torch.no_grad():
            features = model.neck(stored.to(device, torch.float32))  # (B, K, h, w)
            predicted = model.head(features).argmax(1, keepdim=True)
        attention = attention_maps(evidence_maps(features, attention_weights(model, features, predicted)))
        yield evidence_features(features, attention[:, 0]).to("cpu", torch.float16)


def _predict_chunk(
    model: Classifier, samples: Sequence[Sample], features: Tensor
) -> tuple[list[Prediction], Tensor]:
    """features (B, K0, h0, w0): the trunk's output -> predictions without groups, and the features used for
    the predicted class, (B, K) float16 on the CPU."""
    with torch.no_grad():
        features = model.neck(features)  # (B, K, h, w)
        logits = model.head(features)
    scores = logits.sigmoid() if model.spec.multi_label else logits.softmax(1)
    classes = torch.cat((label_rows(samples).to(features.device), scores.argmax(1, keepdim=True)), 1)
    weights = attention_weights(model, features, classes)
    attention = attention_maps(evidence_maps(features, weights))  # (B, n + 1, h, w), the predicted class last
    looked_at = evidence_features(features, attention[:, -1]).to("cpu", torch.float16)
    predictions = [
        _prediction(sample, tuple(probabilities), maps, model.spec)
        for sample, probabilities, maps in zip(samples, scores.tolist(), attention.cpu(), strict=True)
    ]
    return predictions, looked_at


def _prediction(
    sample: Sample, probabilities: tuple[float, ...], maps: Tensor, spec: ModelSpec
) -> Prediction:
    """maps (n + 1, h, w): of the sample's classes, up to n, and of the predicted one."""
    regions = [inside_map(alone, (maps.shape[1], maps.shape[2]), spec) for alone in sample.each_class]
    each = tuple(
        ClassAttention(
            label, None if inside is None else attention_inside(of_label, inside), attention_spread(of_label)
        )
        for label, inside, of_label in zip(sample.labels, regions, maps, strict=False)
    )
    chosen = min(each, key=lambda figures: _rank(figures, probabilities))
    predicted = max(range(len(probabilities)), key=probabilities.__getitem__)
    region = regions[sample.labels.index(predicted if predicted in sample.labels else chosen.label)]
    return Prediction(
        sample.key,
        chosen.label,
        probabilities,
        chosen.attention_inside,
        chosen.attention_spread,
        None if region is None else attention_inside(maps[-1], region),
        None,
        each_label=each if spec.multi_label else (),
    )


def _rank(figures: ClassAttention, probabilities: tuple[float, ...]) -> tuple[float, float]:
    """Less for a label that the model is more likely to see for wrong reasons."""
    return min(probabilities[figures.label], 0.5), -(figures.attention_spread or 0.0)


def _grouping(
    samples: Sequence[Sample], predictions: list[Prediction], evidence: list[Tensor]
) -> Generator[Phase, None, None]:
    """Store attribution clusters in `predictions`, one predicted class after the other."""
    members: dict[int, list[int]] = {}
    for index, (sample, prediction) in enumerate(zip(samples, predictions, strict=True)):
        if sample.split != "test":
            members.setdefault(prediction.predicted, []).append(index)
    vectors = torch.cat(evidence) if evidence else torch.empty(0, 0)  # (N, K)
    for done, indices in enumerate(members.values()):
        yield Phase("Grouping by evidence", done, len(members))
        for index, number in zip(indices, evidence_groups(vectors[indices]), strict=True):
            predictions[index] = replace(predictions[index], evidence_group=number)
    yield Phase("Grouping by evidence", len(members), len(members))


def _doubting(samples: Sequence[Sample], predictions: list[Prediction], pooled: list[Tensor]) -> None:
    """Store label issues in the `predictions` of training images."""
    training = [index for index, sample in enumerate(samples) if sample.split == "train"]
    if len(training) < 2:
        return
    labels = torch.tensor([samples[index].label for index in training])
    doubts = label_doubts(torch.cat(pooled)[training], labels)
    for index, doubt in zip(training, doubts, strict=True):
        if doubt is not None:
            predictions[index] = replace(predictions[index], label_rival=doubt.rival, label_doubt=doubt.share)
