"""The process that reads somebody's weights: `python -P -m app.jobs.model_check REQUEST.json ANSWER.json`.

A file of weights may ask for more memory or time than there is; it takes down this process and nothing else.
The networks of the operator run here, too.
"""

import json
import resource
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gain_core.analysis.class_order import Agreement, agreement
from gain_core.analysis.rival_networks import judged, log_likelihoods
from gain_core.atomic import write_atomically
from gain_core.errors import GainError, InputError
from gain_core.explain.inference import inference_model
from gain_core.imaging.pictures import open_rgb
from gain_core.models.checkpoints.architectures import Match, chosen, recognised, says
from gain_core.models.checkpoints.reading import Checkpoint, read_checkpoint
from gain_core.models.classifier import Classifier
from gain_core.models.from_checkpoint import own_model
from gain_core.models.inference import Numbers
from gain_core.models.model_file import save_model
from gain_core.models.networks import default_preprocessing, network_names, register_networks
from gain_core.models.spec import IMAGENET_MEAN, IMAGENET_STD, ModelSpec, pixels

_MOST_MEMORY = 24 * 2**30  # bytes of address space; torch itself takes some
_CANDIDATES = 12
_TRIED = 64  # images, at most, that other preprocessing is tried on
_BATCH = 16
_SAME = 1e-3  # of the largest logit: networks that differ by less compute the same

# What else networks are trained with, by the name that a person reads.
OTHER_PREPROCESSING: dict[str, dict[str, Any]] = {
    "ImageNet's mean and std": {"mean": IMAGENET_MEAN, "std": IMAGENET_STD, "bgr": False},
    "mean and std 0.5": {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5), "bgr": False},
    "values from 0 to 1": {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0), "bgr": False},
    "values from 0 to 255": {"mean": (0.0, 0.0, 0.0), "std": (1 / 255, 1 / 255, 1 / 255), "bgr": False},
    "ImageNet's mean and std, channels blue first": {"mean": IMAGENET_MEAN, "std": IMAGENET_STD, "bgr": True},
}


def inspected(request: dict[str, Any]) -> dict[str, Any]:
    """What the file holds: the networks that it may belong to, and the first of them with the weights in it,
    where it has a map.
    """
    checkpoint = read_checkpoint(request["path"], request["title"])
    matches = recognised(checkpoint.weights, checkpoint.hints, request["title"])
    answer: dict[str, Any] = {
        "networks": [match.source.name for match in matches[:_CANDIDATES]],
        "all_networks": network_names(),
        "left_out": list(checkpoint.container.left_out),
        "classes": _named_classes(checkpoint),
        "first": None,
    }
    if matches:
        with suppress(GainError):  # whoever asks for this network is told why
            answer["first"] = _description(own_model(checkpoint, matches[0]))
    return answer


def described(request: dict[str, Any]) -> dict[str, Any]:
    """One network, with the weights in it: its outputs, its layer, and how images are prepared for it."""
    checkpoint = read_checkpoint(request["path"], request["title"])
    return _description(own_model(checkpoint, _match(checkpoint, request)))


def _description(model: Classifier) -> dict[str, Any]:
    return {
        "outputs": model.outputs,
        "classes": len(model.spec.classes),
        "layer": model.layer,
        "spec": model.spec.to_dict(),
    }


def checked(request: dict[str, Any]) -> dict[str, Any]:
    """The model on labelled images: whether its outputs are the classes; its model file is left at
    `model_file`.
    """
    checkpoint = read_checkpoint(request["path"], request["title"])
    match = _match(checkpoint, request)
    model = own_model(
        checkpoint, match, ModelSpec.from_dict({**request["spec"], "backbone": match.source.name})
    )
    spec = model.spec
    if spec.multi_label and model.outputs == 1:
        raise InputError(
            "expected an output for each class, because images of this project may show several; got one"
        )
    labels = [[spec.classes.index(name) for name in names] for _, names in request["images"]]
    paths = [Path(path) for path, _ in request["images"]]
    logits = _logits(model, paths, spec)
    result = _agreement(labels, logits)
    save_model(request["model_file"], model)
    answer = _told(result, spec)
    answer["rivals"] = _rivals(checkpoint, match, request, (paths, labels), logits)
    if result.near_chance:
        few = _spread_over(labels)
        some = [paths[position] for position in few], [labels[position] for position in few]
        answer["others"] = [_tried(model, *some, name, other) for name, other in _others(spec)]
    return answer


def _rivals(
    checkpoint: Checkpoint,
    match: Match,
    request: dict[str, Any],
    images: tuple[Sequence[Path], Sequence[Sequence[int]]],
    ours: Numbers,
) -> list[dict[str, Any]]:
    """Other networks that fit the same weights and compute something else, each judged by the images."""
    rivals = []
    named = says(checkpoint.hints, match.source.name)
    asked = ModelSpec.from_dict(request["spec"])
    for other in recognised(checkpoint.weights, checkpoint.hints, request["title"])[:_CANDIDATES]:
        if other.source.name == match.source.name:
            continue
        spec = replace(asked, backbone=other.source.name)
        try:
            model = own_model(checkpoint, other, spec)
            start = _logits(model, images[0][:_BATCH], spec)
        except GainError:  # it cannot be built or has no map: no rival
            continue
        if np.abs(start - ours[:_BATCH]).max() <= _SAME * np.abs(ours[:_BATCH]).max():
            continue
        usual = default_preprocessing(other.source.name, spec.classes)  # tf_ variants have their own
        usual = replace(spec, mean=usual.mean, std=usual.std, interpolation=usual.interpolation)
        tried = [(each, _logits(model, images[0], each)) for each in dict.fromkeys((spec, usual))]
        likely = [(_likelihoods(images[1], logits, each), logits, each) for each, logits in tried]
        theirs, logits, prepared = max(likely, key=lambda each: float(each[0].mean()))
        verdict = judged(_likelihoods(images[1], ours, spec), theirs)
        if not (named and verdict == "open"):
            rival = {"name": other.source.name, "spec": prepared.to_dict(), "verdict": verdict}
            rivals.append(rival | {"best_correct": _agreement(images[1], logits).best_correct})
    return rivals


def _likelihoods(labels: Sequence[Sequence[int]], logits: Numbers, spec: ModelSpec) -> NDArray[np.float64]:
    """In the order of the classes that agrees best."""
    shown = np.zeros(logits.shape, dtype=np.bool_)
    for row, positions in zip(shown, labels, strict=True):
        row[positions] = True
    order = list(_agreement(labels, logits).order)
    return log_likelihoods(logits, shown[:, order], multi_label=spec.multi_label)


def _agreement(labels: Sequence[Sequence[int]], logits: Numbers) -> Agreement:
    return agreement(labels, logits.argmax(1).tolist(), logits.shape[1])


def _tried(
    model: Classifier, paths: Sequence[Path], labels: Sequence[Sequence[int]], name: str, spec: ModelSpec
) -> dict[str, Any]:
    result = _agreement(labels, _logits(model, paths, spec))
    return {"name": name, "spec": spec.to_dict(), "best_correct": result.best_correct, "n": result.n}


def _told(result: Agreement, spec: ModelSpec) -> dict[str, Any]:
    return {
        "n": result.n,
        "correct": result.correct,
        "confusion": result.confusion.tolist(),
        "best_order": [spec.classes[position] for position in result.order],
        "best_correct": result.best_correct,
        "permuted": result.permuted,
        "near_chance": result.near_chance,
        "missing": [spec.classes[position] for position in result.missing],
    }


def _others(spec: ModelSpec) -> list[tuple[str, ModelSpec]]:
    named = [(name, replace(spec, **values)) for name, values in OTHER_PREPROCESSING.items()]
    return [(name, other) for name, other in named if other != spec]


def _logits(model: Classifier, paths: Sequence[Path], spec: ModelSpec) -> Numbers:
    """(N, C) float32."""
    looks = inference_model(model)
    parts = [np.empty((0, len(spec.classes)), dtype=np.float32)]
    for start in range(0, len(paths), _BATCH):
        images = np.stack([pixels(open_rgb(path), spec) for path in paths[start : start + _BATCH]])
        parts.append(looks.evidence_maps(images).logits)
    return np.concatenate(parts)


def _spread_over(labels: Sequence[Sequence[int]]) -> list[int]:
    """Positions of a few images, of each first class in turn."""
    turns: dict[int, int] = {}
    order = []
    for position, (label, *_) in enumerate(labels):
        turns[label] = turns.get(label, -1) + 1
        order.append((turns[label], label, position))
    return [position for _, _, position in sorted(order)[:_TRIED]]


def _match(checkpoint: Checkpoint, request: dict[str, Any]) -> Match:
    name = request["network"]
    matches = recognised(checkpoint.weights, checkpoint.hints, request["title"])
    same = [match for match in matches if match.source.name == name]
    return same[0] if same else chosen(checkpoint.weights, name)


def _named_classes(checkpoint: Checkpoint) -> list[str]:
    """The classes in the order of the outputs, where the file says them."""
    for holder in (checkpoint.hints, checkpoint.hints.get("hyper_parameters"), checkpoint.hints.get("meta")):
        if not isinstance(holder, dict):
            continue
        for key in ("classes", "class_names", "CLASSES", "labels", "idx_to_class", "class_to_idx"):
            value = holder.get(key)
            if isinstance(value, dict):
                pairs = list(value.items())
                if all(type(number) is int for _, number in pairs):
                    pairs = [(number, name) for name, number in pairs]
                if all(str(number).isdecimal() for number, _ in pairs):
                    value = [name for _, name in sorted(pairs, key=lambda pair: int(pair[0]))]
            if isinstance(value, list | tuple) and value and all(isinstance(name, str) for name in value):
                return list(value)
    return []


STEPS = {"inspect": inspected, "describe": described, "check": checked}


def main(arguments: list[str]) -> None:
    request = json.loads(Path(arguments[0]).read_text("utf-8"))
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    try:
        register_networks(request["networks"])
        answer = STEPS[request["step"]](request)
    except GainError as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"error": f"{request['title']}: expected a model that fits into memory."}
    write_atomically(Path(arguments[1]), json.dumps(answer).encode(), durable=False)


if __name__ == "__main__":
    main(sys.argv[1:])
