"""Full mode: trains every layer on augmented images, in up to three streams that share weights (eq. 8)."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from gain_core.dataset.reading import drawn_upon, pixels_of
from gain_core.dataset.sample import Sample, guided_training
from gain_core.distributed import ALONE, Ranks, current_ranks, synchronised
from gain_core.errors import InputError
from gain_core.guidance.composites import Composite, make_composites, targets_of
from gain_core.models.classifier import Classifier
from gain_core.models.folding import folded
from gain_core.training.augment import AugmentedSamples, together
from gain_core.training.batch import Batch, Division, Losses
from gain_core.training.config import TrainConfig
from gain_core.training.sampling import draw_composites, draw_schedule, seeded

_EVALUATION_BATCH = 32


def step_losses(
    model: Classifier,
    images: Tensor,
    masks: Tensor,
    labels: Tensor,
    config: TrainConfig,
    division: Division,
    ranks: Ranks = ALONE,
) -> Losses:
    """The weighted terms of one step by name, scalars.

    images (N, 3, S, S) float32, normalised; masks (N, n, 2, S, S) float32 in {0, 1}; labels (N, n) long; N is
    the sum of `division`. Of a composite only the first label counts; −1: it shows no class.
    """
    images = images.contiguous(memory_format=torch.channels_last)
    features = model.features(images)  # all streams but S_am share one forward
    all_carry_masks = config.sampling == "epochs"  # images without a mask do not count
    guided = slice(0 if all_carry_masks else division.plain, division.plain + division.guided)
    batch = Batch(model, features, labels, division, masks[guided], images, all_carry_masks, ranks)
    return config.objective.losses(batch)


def trained_through(model: Classifier, config: TrainConfig) -> Classifier:
    """The network that a step runs, on the same weights: on a CPU, norm layers in eval mode are folded.

    On a GPU a norm layer is one kernel and folding it takes ten, which small batches cannot hide.
    """
    on_gpu = next(model.parameters()).device.type == "cuda"
    return model if config.train_norms or on_gpu else folded(model)


class FullTask:
    """The losses and logits of full mode; `train` updates the weights."""

    def __init__(
        self,
        model: Classifier,
        samples: Sequence[Sample],
        config: TrainConfig,
        device: torch.device,
        worker_init_fn: Callable[[int], None] | None = None,
    ) -> None:
        self._model = model
        self._samples = samples
        self._config = config
        self._device = device
        self._worker_init_fn = worker_init_fn
        guided = [p for p in guided_training(samples) if drawn_upon(samples[p])]
        schedule = draw_schedule(samples, guided, config)
        self.network = trained_through(model, config)
        self._ranks = current_ranks()
        composites: list[Composite] = []
        if (made := config.objective.counter_examples) is not None:
            composites = make_composites(samples, model.spec, made.per_region, config.seed)
        self._drawable = AugmentedSamples(samples, model.spec, config, composites)
        streams = {"batch_size": schedule.images, "guided_batch_size": schedule.guided}
        if made is not None and composites:
            draws = draw_composites(targets_of(composites), made.batch_size, config)
            streams["counter_examples.batch_size"] = draws + len(samples)
        self.draws = torch.cat(list(streams.values()), 1)  # (steps, N): of samples, then of composites
        self._slots, self.division = _own_columns(streams, self._ranks)
        self._step = synchronised(model, self.losses, self._ranks)
        self.trained = model

    def steps(self, first: int) -> Iterator[Losses]:
        """The losses of each step from `first` on, counted from 0. The caller updates the weights in between.

        Raises InputError, naming an image that cannot be read.
        """
        config = self._config
        draws = [
            [(step, slot, drawn[slot]) for slot in self._slots]
            for step, drawn in enumerate(self.draws[first:].tolist(), first)
        ]
        own_chance = () if self._ranks.first else (self._ranks.rank,)
        loader = DataLoader(
            self._drawable,
            batch_sampler=draws,
            collate_fn=together,
            num_workers=config.loader_workers,
            worker_init_fn=self._worker_init_fn,
            pin_memory=self._device.type == "cuda",
            generator=torch.Generator(),  # else the loader draws a number from the caller's generator
        )
        for step, loaded in enumerate(loader, first):
            if isinstance(loaded, InputError):
                raise loaded
            with (
                self._ranks.together(),
                seeded((config.seed, step, *own_chance), self._device),
                torch.autocast("cuda", torch.bfloat16, enabled=self._autocast),
            ):
                self._model.train(config.train_norms)
                losses = self._step(*(part.to(self._device, non_blocking=True) for part in loaded))
                self._model.eval()
            yield losses

    def losses(self, images: Tensor, masks: Tensor, labels: Tensor) -> Losses:
        """`step_losses` of this process's images of one step."""
        return step_losses(
            self.network,
            images,
            masks,
            labels,
            self._config,
            self.division,
            self._ranks,
        )

    @property
    def _autocast(self) -> bool:
        return self._config.autocast_bf16 and self._device.type == "cuda"

    def logits(self, positions: Sequence[int]) -> Tensor:
        """(len(positions), C) float32, on the CPU: of the images without augmentation, without gradients.

        With several processes each computes a share of them.
        """
        mine, rows = self._ranks.share(positions), []
        with torch.inference_mode():
            for start in range(0, len(mine), _EVALUATION_BATCH):
                chunk = [self._samples[p] for p in mine[start : start + _EVALUATION_BATCH]]
                images = pixels_of(chunk, self._model.spec)
                logits = self._model(images.to(self._device, memory_format=torch.channels_last))
                rows += list(logits.cpu())
        return torch.stack(self._ranks.gather(rows))


def most_processes(config: TrainConfig, available: int) -> int:
    """The largest number of processes, at most `available`, that can share each step's images evenly."""
    sizes = [config.batch_size, config.guided_batch_size]
    if (made := config.objective.counter_examples) is not None:
        sizes += [made.batch_size, max(1, made.batch_size // 2)]  # those that show a class, and backgrounds
    shared = math.gcd(*sizes)
    return max(count for count in range(1, available + 1) if shared % count == 0)


def _own_columns(streams: Mapping[str, Tensor], ranks: Ranks) -> tuple[list[int], Division]:
    """This process's columns of the streams side by side, each (steps, n), and how many of each stream."""
    columns: list[int] = []
    counts, before = [], 0
    for name, drawn in streams.items():
        part = ranks.part(drawn.shape[1], name)
        columns += [before + slot for slot in part]
        counts.append(len(part))
        before += drawn.shape[1]
    return columns, Division(*counts)
