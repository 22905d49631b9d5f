"""Training as a generator of events. It prints nothing; the caller shows or stores what it yields."""

import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from gain_core.analysis.calibration import divide_logits, fit_temperature
from gain_core.dataset.feature_cache import FeatureStore
from gain_core.dataset.items import as_samples
from gain_core.dataset.reading import check_masks, label_rows
from gain_core.dataset.sample import Sample, guided_training
from gain_core.distributed import Ranks, current_ranks
from gain_core.errors import CheckpointError, ConfigError, GainError, InputError
from gain_core.events import Event, Step, Validation
from gain_core.guidance.guessed_outline import with_guesses
from gain_core.models.classifier import Classifier
from gain_core.training.batch import Losses
from gain_core.training.config import TrainConfig
from gain_core.training.full import FullTask
from gain_core.training.quick import prepare_quick
from gain_core.training.resume import (
    expect_writable,
    load_checkpoint,
    save_checkpoint,
    training_identity,
)
from gain_core.training.terms import label_loss, shown


class Task(Protocol):
    """What quick and full mode do differently."""

    @property
    def trained(self) -> nn.Module:
        """The layers that are trained; their state goes into the checkpoint."""

    def steps(self, first: int) -> Iterator[Losses]: ...

    def logits(self, positions: Sequence[int]) -> Tensor: ...


def train(
    model: Classifier,
    samples: Iterable[Any] | Dataset[Any],
    config: TrainConfig,
    store: FeatureStore | None = None,
    device: torch.device | str = "cpu",
    checkpoint: Path | str | None = None,
    worker_init_fn: Callable[[int], None] | None = None,
) -> Generator[Event, None, None]:
    """Train `model` in place, on the training split; afterwards it is in eval mode, on `device`.

    samples: a list, loader or data set of Sample, or of images with their labels (see `as_samples`). The call
    itself only checks its arguments; training happens while the events are iterated, so iterate all of them.

    store: cache of quick mode's features; None: no cache. checkpoint: written every `checkpoint_every` steps,
    at the end, and when the generator is closed. An existing file is continued: pass the model as it was at
    the start, and the result on a CPU is the same, bit for bit, as without the interruption. The file of a
    finished training stays; remove it before the next one.
    worker_init_fn: called in every process that loads images (full mode).

    Under torchrun (`distributed.joined`; full mode only) every process calls this with the same arguments and
    its own device. The images of a step are divided among them; losses, gradients and validation figures are
    means over all images; the first process writes the checkpoint. Batch statistics (`train_norms`) are per
    process. To stop early, stop every process at the same step.

    Raises InputError (an unreadable image or a mask of another shape, by name; no labels or guidance to learn
    from; the wrong kind of model, samples or device), ConfigError (not a TrainConfig), CheckpointError (the
    file of another training, the model unchanged; UnwritableError where it cannot be written), and GainError
    when the loss or the weights are not finite. torch's global random state stays as it is.
    """
    samples = as_samples(samples)
    _check(model, samples, config)
    # Once, for every user of positions: test images are never looked at, and positions count the others.
    seen = [sample for sample in samples if sample.split != "test"]
    place = None if checkpoint is None else Path(checkpoint)
    return _training(model, seen, config, store or FeatureStore(), _device(device), place, worker_init_fn)


def _training(
    model: Classifier,
    samples: list[Sample],
    config: TrainConfig,
    store: FeatureStore,
    device: torch.device,
    checkpoint: Path | None,
    worker_init_fn: Callable[[int], None] | None,
) -> Generator[Event, None, None]:
    if torch.is_inference_mode_enabled() or not torch.is_grad_enabled():
        raise InputError("expected to train where gradients are recorded, got a mode that records none")
    for position in guided_training(samples):
        check_masks(samples[position])
    model.to(device).eval()
    task: Task
    ranks = current_ranks()
    if config.mode == "quick" and ranks.count > 1:
        raise ConfigError(
            f"expected full mode with {ranks.count} processes: quick mode is one process's work"
        )
    if checkpoint is not None and ranks.first:
        expect_writable(checkpoint)
    if config.mode == "quick":
        if config.objective.guessed_outlines:
            samples = yield from with_guesses(samples, config.objective.guessed_outlines, config.seed)
        task = yield from prepare_quick(model, samples, config, store, device)
    else:
        task = FullTask(model, samples, config, device, worker_init_fn)
    yield from _optimise(model, task, samples, config, checkpoint, ranks)


def _optimise(
    model: Classifier,
    task: Task,
    samples: list[Sample],
    config: TrainConfig,
    checkpoint: Path | None,
    ranks: Ranks,
) -> Generator[Event, None, None]:
    if not any(parameter.requires_grad for parameter in task.trained.parameters()):
        raise InputError("expected a model with layers that may learn, got one of frozen parameters")
    optimizer = _optimizer(task.trained, config)
    done = 0
    identity = ""
    if checkpoint is not None:
        identity = training_identity(model, samples, config)
        if checkpoint.exists():
            done = load_checkpoint(checkpoint, identity, task.trained, optimizer)
        begun = ranks.gather([done])
        if len(set(begun)) > 1:
            raise CheckpointError(
                f"{checkpoint}: expected a place that all processes see, got {begun} steps done"
            )
    validation = [position for position, sample in enumerate(samples) if sample.split == "validation"]
    labels = label_rows([samples[position] for position in validation])
    logits: Tensor | None = None  # of the validation images, as of `done`
    started = time.monotonic()
    try:
        if validation and done % config.validate_every == 0:
            logits = task.logits(validation)
            yield _validation(model, logits, labels, done)
        for losses in task.steps(done):
            for group in optimizer.param_groups:
                group["lr"] = _learning_rate(config, done)
            values = _update(losses, optimizer, done, ranks)
            done += 1
            if done % config.checkpoint_every == 0 or done == config.steps:
                if not _finite(task.trained):
                    raise GainError(
                        f"step {done}: expected finite weights, got others; a lower learning rate may help"
                    )
                if checkpoint is not None and ranks.first:
                    save_checkpoint(checkpoint, identity, done, task.trained, optimizer)
            yield Step(done, config.steps, values, time.monotonic() - started)
            if validation and (done % config.validate_every == 0 or done == config.steps):
                logits = task.logits(validation)
                yield _validation(model, logits, labels, done)
        if validation and config.calibrate and model.last_linear is not None:
            logits = task.logits(validation) if logits is None else logits
            divide_logits(model, _temperature(model, logits, labels))
    except GeneratorExit:
        if checkpoint is not None and ranks.first and _finite(task.trained):
            save_checkpoint(checkpoint, identity, done, task.trained, optimizer)
        raise
    finally:
        optimizer.zero_grad()
        model.eval().to(memory_format=torch.channels_last)


def _learning_rate(config: TrainConfig, done: int) -> float:
    if config.learning_rate_decay == "none":
        return config.learning_rate
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * done / config.steps))


def _optimizer(trained: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimizer == "sgd":
        return torch.optim.SGD(trained.parameters(), rate, config.momentum, weight_decay=decay)
    return torch.optim.AdamW(trained.parameters(), rate, weight_decay=decay)


def _update(losses: Losses, optimizer: torch.optim.Optimizer, done: int, ranks: Ranks) -> dict[str, float]:
    """One step down the sum of the losses; their values by name."""
    parts = torch.stack(list(losses.values()))
    total = parts.sum()
    told = torch.cat(
        [parts, total[None]]
    ).tolist()  # all at once: each wait for a GPU costs a part of the step
    values = dict(zip([*losses, "total"], told, strict=True))
    values = ranks.mean(values, total.device)
    if not math.isfinite(values["total"]):
        raise GainError(
            f"step {done + 1}: expected a finite loss, got {values}; a lower learning rate may help"
        )
    optimizer.zero_grad()
    with ranks.together():
        total.backward()
    optimizer.step()
    return values


def _finite(trained: nn.Module) -> bool:
    """Whether all weights and statistics are finite. The loss of a step is computed before these change."""
    return bool(torch.stack([value.isfinite().all() for value in trained.state_dict().values()]).all())


def _validation(model: Classifier, logits: Tensor, labels: Tensor, done: int) -> Validation:
    with torch.inference_mode():
        loss = float(label_loss(model, logits, labels))
    hits = (logits.argmax(1, keepdim=True) == labels).any(1)  # with one class per image: plain accuracy
    return Validation(done, float(hits.double().mean()), loss, len(labels))


def _temperature(model: Classifier, logits: Tensor, labels: Tensor) -> float:
    targets = shown(labels, logits.shape[1]) if model.spec.multi_label else labels[:, 0]
    return fit_temperature(logits, targets)


def _device(wanted: torch.device | str) -> torch.device:
    try:
        return torch.device(wanted)
    except (RuntimeError, TypeError) as error:  # torch's own sentence lists twenty kinds
        raise InputError(f"expected a device such as 'cpu', 'cuda' or 'cuda:1', got {wanted!r}") from error


def _check(model: Classifier, samples: Sequence[Sample], config: TrainConfig) -> None:
    if not isinstance(config, TrainConfig):
        raise ConfigError(f"expected a TrainConfig, got {type(config).__name__}")
    model.expect_own_layers()
    kinds = {parameter.dtype for parameter in model.parameters()}
    if kinds != {torch.float32}:
        raise InputError(f"expected a model in torch.float32, got {', '.join(map(str, kinds))}")
    count = len(model.spec.classes)
    for sample in samples:
        for label in sample.labels:
            whole = isinstance(label, Integral) and not isinstance(label, bool)
            if not (whole and 0 <= label < count):
                raise InputError(f"{sample.title}: expected a label from 0 to {count - 1}, got {label!r}")
        if len(set(sample.labels)) < len(sample.labels):
            raise InputError(f"{sample.title}: expected no class twice, got labels {sample.labels}")
        if sample.also and not model.spec.multi_label:
            raise InputError(
                f"{sample.title}: expected one label, got {sample.labels}; several need independent classes "
                "(multi_label)"
            )
