"""The work of the training process, given its specification; needs no database."""

import copy
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from app.jobs.control import has_control, training_control
from app.jobs.watchdog import follow_parent
from app.services.run_spec import RunSpec
from gain_core.analysis.predict import predicting
from gain_core.atomic import write_atomically
from gain_core.dataset.feature_cache import FeatureStore
from gain_core.distributed import current_ranks, joined, under_torchrun
from gain_core.errors import CheckpointError, InputError, UnwritableError
from gain_core.events import Event
from gain_core.explain.inference import keep_session
from gain_core.models.classifier import Classifier, build_classifier, default_spec
from gain_core.models.files import composites_folder, file_sha256, session_file
from gain_core.models.inference import InferenceModel
from gain_core.models.model_file import load_model, save_model
from gain_core.models.networks import register_networks
from gain_core.models.onnx_session import read_session
from gain_core.training.config import TrainConfig
from gain_core.training.full import most_processes
from gain_core.training.trainer import train

_READERS = 8  # processes, at most, that read and change the images of a full training
_PER_READER = 128 * 2**20  # bytes of shared memory
_READER_DIED = "DataLoader worker"  # torch says so in every error of a process that reads images


class StoppedError(Exception):
    """The training was asked to stop, and its checkpoint is written."""


def execute(
    spec: RunSpec, on_event: Callable[[Event], None], stopping: Callable[[], bool] = lambda: False
) -> None:
    """Train as told; leave model.safetensors, predictions.json and, last, result.json in `out_folder`.

    `stopping` is asked after every event: a step, or some tens of images read. An unfinished training leaves
    checkpoint.pt there. Raises StoppedError, and GainError with a sentence for people.

    Under torchrun every process calls this. All train, and stop at the same step when one is to stop; the
    first one alone tells the events and leaves the files.
    """
    try:
        _follow(_working(spec), on_event, stopping)
        return
    except RuntimeError as error:  # shared memory ran out after all, or the system took it for its memory
        if _READER_DIED not in str(error) or under_torchrun():  # the other processes cannot begin again
            raise
        print(f"From here on the training process reads the images itself: {error}", file=sys.stderr)
    _follow(_working(spec, readers=0), on_event, stopping)  # not above: the error holds the other readers


def count_processes(spec: RunSpec) -> int:
    """How many processes torchrun is to start for this training; 1: this one trains."""
    if spec.config.mode != "full" or under_torchrun():
        return 1
    return most_processes(spec.config, max(1, spec.processes or torch.cuda.device_count()))


def _follow(
    work: Generator[Event, None, None], on_event: Callable[[Event], None], stopping: Callable[[], bool]
) -> None:
    for event in work:
        ranks = current_ranks()  # after the training the first process goes on alone
        if ranks.first:
            on_event(event)
        if any(ranks.gather([stopping()])):
            work.close()
            raise StoppedError


def _working(spec: RunSpec, readers: int | None = None) -> Generator[Event, None, None]:
    """readers: processes that read images in a full training; None: as the run or the machine has it."""
    started = time.monotonic()
    if spec.config.threads:
        torch.set_num_threads(spec.config.threads)
    config = spec.config
    model = _base_model(spec)
    base = copy.deepcopy(model) if has_control(config) and not spec.as_given else None
    checkpoint = spec.out_folder / "checkpoint.pt"
    if spec.resume_from is not None and spec.resume_from.exists() and not checkpoint.exists():
        write_atomically(checkpoint, spec.resume_from.read_bytes())  # by each process: the same bytes
    with joined() as (ranks, device):
        if readers is None and device.type == "cuda" and not config.loader_workers:  # a CPU is busy training
            readers = loading_processes(ranks.count)
        if readers is not None:
            config = replace(config, loader_workers=readers)
        store = FeatureStore(spec.features_folder, _session_of_base(spec, device), _composites_folder(spec))
        if not spec.as_given:
            yield from _training(model, spec, config, store, device, checkpoint)
    if not ranks.first:
        return
    control: Sequence[list[float] | None] = [None] * len(spec.samples)
    if base is not None:
        control = yield from training_control(base, spec.samples, config, store, device)
    predictions = yield from predicting(model, spec.samples, store, device)
    sha256 = _save(spec.out_folder / "model.safetensors", model, spec)
    keep_session(spec.out_folder / "model.safetensors", sha256, model)
    stored = [
        asdict(prediction) | {"control": probabilities}
        for prediction, probabilities in zip(predictions, control, strict=True)
    ]
    _write_json(spec.out_folder / "predictions.json", stored)
    seconds = time.monotonic() - started
    result = {"run_id": spec.run_id, "attempt": spec.attempt, "sha256": sha256, "seconds": seconds}
    _write_json(spec.out_folder / "result.json", result)
    checkpoint.unlink(missing_ok=True)


def _training(
    model: Classifier,
    spec: RunSpec,
    config: TrainConfig,
    store: FeatureStore,
    device: torch.device,
    checkpoint: Path,
) -> Generator[Event, None, None]:
    try:
        yield from train(model, spec.samples, config, store, device, checkpoint, _init_loader)
    except UnwritableError:  # steps may be done already; starting over would continue from them
        raise
    except CheckpointError as error:  # damaged, or guidance was drawn since: the run itself can still be done
        print(f"Training starts from its first step: {error}", file=sys.stderr)
        current_ranks().gather([0])  # every process has read the file and starts over
        checkpoint.unlink(missing_ok=True)
        yield from train(model, spec.samples, config, store, device, checkpoint, _init_loader)


def loading_processes(training: int = 1) -> int:
    """Number of processes that read images for a GPU, which trains faster than one process reads.

    training: processes that share the machine, each with its own GPU.

    They hand over what they read in shared memory: two steps each, 24 MB by default. A container may have as
    little as 64 MB of it; then the training process itself reads.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    shared = Path("/dev/shm")  # noqa: S108 – asked for its size
    room = shutil.disk_usage(shared).free // _PER_READER if shared.is_dir() else _READERS * training
    return max(0, min(_READERS, cores // training - 1, room // training))


def _base_model(spec: RunSpec) -> Classifier:
    """The model that training starts from. Raises InputError when it was made for other classes."""
    if spec.base_weights is None:
        arguments = {**spec.model, "classes": tuple(spec.model["classes"])}
        return build_classifier(default_spec(**arguments), spec.weights, seed=spec.config.seed)
    register_networks(spec.networks)
    model = load_model(spec.base_weights)
    if model.spec.classes != tuple(spec.model["classes"]):
        raise InputError(f"expected a model of {spec.model['classes']}, got one of {model.spec.classes}")
    return model


def _composites_folder(spec: RunSpec) -> Path | None:
    """Beside the base, with which it is removed; the next retrain starts there too and has most of them."""
    return None if spec.base_weights is None else composites_folder(spec.base_weights)


def _session_of_base(spec: RunSpec, device: torch.device) -> InferenceModel | None:
    """The session kept beside the base, whose trunk a quick training leaves as it is; None: there is none."""
    if spec.base_weights is None or spec.config.mode != "quick" or device.type != "cpu":
        return None
    try:
        sha256 = file_sha256(spec.base_weights)
        return read_session(session_file(spec.base_weights), sha256, torch.get_num_threads())
    except CheckpointError:
        return None


def _save(path: Path, model: Classifier, spec: RunSpec) -> str:
    save_model(path, model, {"run_id": str(spec.run_id), "config": json.dumps(spec.config.to_dict())})
    return file_sha256(path)


def _write_json(path: Path, content: object) -> None:
    write_atomically(path, json.dumps(content).encode())


def _init_loader(_: int) -> None:
    """In a process that loads images: it ends with the training process."""
    follow_parent()
