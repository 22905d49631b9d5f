"""Quick mode: trains the last convolution and the head on cached features of the frozen trunk."""

from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gain_core.dataset.feature_cache import FeatureStore
from gain_core.dataset.reading import guidance_by_class, label_rows
from gain_core.dataset.sample import Sample, guided_training
from gain_core.events import Phase
from gain_core.guidance.composites import make_composites, targets_of
from gain_core.losses.l2_sp import Weights, pretrained_neck
from gain_core.models.classifier import Classifier
from gain_core.models.folding import folded_neck
from gain_core.training.batch import Batch, Division, Losses
from gain_core.training.config import TrainConfig
from gain_core.training.last_layer import fitted_to, halfway, last_layer
from gain_core.training.sampling import draw_composites, draw_schedule, seeded
from gain_core.training.terms import l2_sp

_EVALUATION_BATCH = 64  # images per pass of the neck without gradients; more gain nothing on a CPU


class MapsOfSome(NamedTuple):
    """Maps of M of the samples."""

    positions: Tensor  # (M,) long, ascending: their positions in the list of samples
    maps: Tensor  # (M, …)

    def of(self, positions: Tensor) -> Tensor:
        """The maps of these samples: (P,) long -> (P, …). Each must be among `self.positions`."""
        return self.maps[torch.searchsorted(self.positions, positions)]


class Composites(NamedTuple):
    """The features of M counter-examples and the class that each must give."""

    features: Tensor  # (M, K0, h, w) float16
    labels: Tensor  # (M,) long, −1: no class


class QuickTask:
    """The losses and logits of quick mode; `train` updates the weights."""

    def __init__(
        self,
        model: Classifier,
        samples: Sequence[Sample],
        features: Tensor,
        config: TrainConfig,
        device: torch.device,
        origin: Weights | None = None,
        composites: Composites | None = None,
    ) -> None:
        """features (N, K0, h, w) float16: the cached output of the trunk for each sample. origin: the weights
        that L2-SP measures the distance from; None: no L2-SP term. composites: None for none.
        """
        self._model = model
        self._config = config
        self._device = device
        self._features = features
        self._labels = label_rows(samples)  # (N, n) long
        self._fitted_to = fitted_to(samples) if config.refit_last_layer else []
        size, most = (features.shape[2], features.shape[3]), self._labels.shape[1]
        maps = {p: guidance_by_class(samples[p], size, most, model.spec) for p in guided_training(samples)}
        drawn = {position: mask for position, mask in sorted(maps.items()) if mask is not None}
        masks = torch.stack(list(drawn.values())) if drawn else torch.empty(0, most, 2, *size)
        self._guided = MapsOfSome(torch.tensor(list(drawn), dtype=torch.long), masks)  # each (n, 2, h, w)
        self.schedule = draw_schedule(samples, list(drawn), config)
        self._composites = composites
        made = config.objective.counter_examples
        self._composite_draws = torch.empty(config.steps, 0, dtype=torch.long)
        if composites is not None and made is not None:
            self._composite_draws = draw_composites(composites.labels, made.batch_size, config)
        self._origin = origin and {name: value.to(device) for name, value in origin.items()}
        # Over a 1×1 convolution and its pooling the plain layout is a third faster; `train` turns it back.
        model.neck.to(memory_format=torch.contiguous_format)
        self.trained = nn.ModuleDict({"neck": model.neck, "head": model.head})
        self._neck = model.neck if config.train_norms else folded_neck(model, features[:1].float())

    def steps(self, first: int) -> Iterator[Losses]:
        """The losses of each step from `first` on, counted from 0. The caller updates the weights in between.

        After the last step it refits the last layer where the config asks for it.
        """
        for step in range(first, self._config.steps):
            with seeded((self._config.seed, step), self._device):
                self.trained.train(self._config.train_norms)
                losses = self.losses(step)
                self.trained.eval()
            yield losses
        if self._fitted_to:
            self._refit()

    def losses(self, step: int) -> Losses:
        """The weighted terms of one step by name, scalars; `step` counts from 0."""
        model, config = self._model, self._config
        plain, guided = self.schedule.images[step], self.schedule.guided[step]
        made = self._composite_draws[step]
        drawn = torch.cat([plain, guided])
        read, labels = [self._features[drawn]], [self._labels[drawn]]
        if self._composites is not None:
            read.append(self._composites.features[made])
            labels.append(self._composites.labels[made, None].expand(-1, self._labels.shape[1]))
        features = self._neck(torch.cat(read).to(self._device, torch.float32))  # (B + G + M, K, h, w)
        division = Division(len(plain), len(guided), len(made))
        masks = self._guided.of(guided).to(self._device)
        losses = config.objective.losses(
            Batch(model, features, torch.cat(labels).to(self._device), division, masks)
        )
        if self._origin is not None:
            losses |= l2_sp(model, self._origin, config.l2_sp_weight)
        return losses

    def _refit(self) -> None:
        """Replace the linear layer that gives the logits by the mean of itself and a refitted one.

        Not for `multi_label`.
        """
        last = self._model.last_linear
        if last is None or last.bias is None or self._model.spec.multi_label:
            return
        features = self._inputs_of(last)  # (P, K)
        with torch.no_grad():
            now = last.weight.cpu(), last.bias.cpu()
            single = len(now[1]) == 1  # one logit z, which counts as −z/2 and z/2
            if single:
                now = torch.cat([-now[0], now[0]]) / 2, torch.cat([-now[1], now[1]]) / 2
            refitted = last_layer(features, self._labels[self._fitted_to, 0], len(now[1]))
            weight, bias = halfway(now, refitted, features)
            last.weight.copy_(weight[1:] - weight[:1] if single else weight)
            last.bias.copy_(bias[1:] - bias[:1] if single else bias)

    def _inputs_of(self, last: nn.Linear) -> Tensor:
        """What the layer is given for the images that it is fitted to: (P, K) on the CPU."""
        given: list[Tensor] = []
        handle = last.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].cpu()))
        try:
            self.logits(self._fitted_to)
        finally:
            handle.remove()
        return torch.cat(given)

    def logits(self, positions: Sequence[int]) -> Tensor:
        """(len(positions), C) float32, on the CPU, without gradients."""
        with torch.inference_mode():
            chunks = self._features[list(positions)].split(_EVALUATION_BATCH)
            parts = [self._model.head(self._neck(c.to(self._device, torch.float32))).cpu() for c in chunks]
        return torch.cat(parts)


def prepare_quick(
    model: Classifier,
    samples: Sequence[Sample],
    config: TrainConfig,
    store: FeatureStore,
    device: torch.device,
) -> Generator[Phase, None, QuickTask]:
    """Collect the features of samples and counter-examples: cached ones are read, the others computed.

    Yields a Phase for the progress. Raises InputError, naming an image that cannot be read.
    """
    origin = pretrained_neck(model) if config.l2_sp_weight > 0 else None
    features = yield from store.computing(model, samples)
    composites = None
    if (settings := config.objective.counter_examples) is not None:
        yield Phase("Making counter-examples", 0, 1)
        made = make_composites(samples, model.spec, settings.per_region, config.seed)
        if made:
            pictures = [composite.as_sample() for composite in made]
            maps = yield from store.computing_composites(model, pictures)
            composites = Composites(maps, targets_of(made))
    return QuickTask(model, samples, features, config, device, origin, composites)
