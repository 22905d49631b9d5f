"""Quick mode: the trunk stands still and its output is kept; the last convolution and the head learn."""

from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gain_core.background import background_of_guided, guided_for, only_ignored
from gain_core.background_expert import Expert, background_expert, levelled
from gain_core.config import TrainConfig
from gain_core.data import guidance_by_class, label_rows
from gain_core.events import Phase
from gain_core.features import FeatureStore
from gain_core.l2_sp import Weights, pretrained_neck
from gain_core.models import Classifier
from gain_core.sample import Sample, guided_training
from gain_core.schedule import draw_schedule, seeded
from gain_core.streams import Losses, background_stream, guided_stream, held, image_stream, shown

_EVALUATION_BATCH = 64  # images per pass of the neck without gradients; more gain nothing on a CPU


class MapsOfSome(NamedTuple):
    """Maps of some of N samples."""

    positions: Tensor  # (M,) long, ascending
    maps: Tensor  # (M, …)

    def of(self, positions: Tensor) -> Tensor:
        """Those of positions that all are among them: (P,) long -> (P, …)."""
        return self.maps[torch.searchsorted(self.positions, positions)]


class Elsewhere(NamedTuple):
    """What the guidance says of images that nobody drew on."""

    backgrounds: MapsOfSome | None  # each (h, w)
    only_ignored: Tensor | None  # (C,) bool: classes guided by *ignore this* alone
    expert: Expert | None  # what goes with the labels, of all samples


class QuickTask:
    """What a step of quick mode computes; `train` does the rest."""

    def __init__(
        self,
        model: Classifier,
        samples: Sequence[Sample],
        features: Tensor,
        config: TrainConfig,
        device: torch.device,
        origin: Weights | None = None,
    ) -> None:
        """features (N, K0, h, w) float16: the kept output of the trunk for each sample. origin: what
        `l2_sp_weight` holds the neck to; None: nothing does.
        """
        self._model = model
        self._config = config
        self._device = device
        self._features = features
        self._labels = label_rows(samples)  # (N, n) long
        size, most = (features.shape[2], features.shape[3]), self._labels.shape[1]
        maps = {p: guidance_by_class(samples[p], size, most) for p in guided_training(samples)}
        drawn = {position: mask for position, mask in sorted(maps.items()) if mask is not None}
        masks = torch.stack(list(drawn.values())) if drawn else torch.empty(0, most, 2, *size)
        self._guided = MapsOfSome(torch.tensor(list(drawn), dtype=torch.long), masks)  # each (n, 2, h, w)
        self._schedule = draw_schedule(samples, list(drawn), config)
        self._elsewhere = self._look_elsewhere()
        self._origin = origin and {name: value.to(device) for name, value in origin.items()}
        # Over a 1×1 convolution and its pooling the plain layout is a third faster; `train` turns it back.
        model.neck.to(memory_format=torch.contiguous_format)
        self.trained = nn.ModuleDict({"neck": model.neck, "head": model.head})

    def steps(self, first: int) -> Iterator[Losses]:
        """The losses of each step from `first`, counted from 0; the caller updates the weights in between."""
        for step in range(first, self._config.steps):
            with seeded((self._config.seed, step), self._device):
                self.trained.train(self._config.train_norms)
                losses = self._losses(
                    self._schedule.images[step],
                    self._schedule.guided[step],
                    self._schedule.background[step],
                )
                self.trained.eval()
            yield losses

    def _look_elsewhere(self) -> Elsewhere:
        (guided, masks), schedule, config = self._guided, self._schedule, self._config
        beyond = config.form == "guided" and config.image_classes == "beyond_background"
        drawn = schedule.background.unique()
        if beyond:
            drawn = torch.cat([drawn, schedule.images.flatten(), guided]).unique()
        if len(drawn) == 0:
            return Elsewhere(None, None, None)
        features = self._features[drawn].float()
        regions = background_of_guided(
            features, self._features[guided].float(), masks, config.background_share
        )
        ignored = only_ignored(self._labels[guided], masks, len(self._model.spec.classes))
        return Elsewhere(
            backgrounds=MapsOfSome(drawn, regions),
            only_ignored=ignored.to(self._device),
            expert=self._expert_of(drawn, features, regions, masks, ignored) if beyond else None,
        )

    def _expert_of(
        self, drawn: Tensor, features: Tensor, regions: Tensor, masks: Tensor, ignored: Tensor
    ) -> Expert:
        """Of all samples; zero for those that are not among the positions `drawn`."""
        count = len(self._model.spec.classes)
        showing = shown(self._labels[drawn], count)
        guided = guided_for(self._labels[self._guided.positions], masks, count)
        found = background_expert(
            features,
            regions,
            showing,
            guided,
            self._config.seed,
            everywhere=self._schedule.everywhere,
            multi_label=self._model.spec.multi_label,
        )
        weights = levelled(found.weights, showing, ignored, self._level(int(guided.sum())))
        offsets, weights = (_spread(part, drawn, len(self._labels)) for part in (found.offsets, weights))
        # What is ignored gives its own class away because it lies there, whatever else the backgrounds say.
        return Expert(offsets, weights, 0.0 if ignored.any() else found.given_away)

    def _level(self, guided: int) -> float:
        """How much more a class learns from *ignore this* alone than another from its labels, with `guided`
        classes that have guidance. All streams take classes in turn: what counts is how many share each.
        """
        config = self._config
        labelled, backed = (
            len(self._labels[drawn].unique()) for drawn in (self._schedule.images, self._schedule.background)
        )
        by_label = config.unguided_weight / labelled
        by_guidance = config.inside_weight / guided + config.background_weight / max(1, backed)
        return by_guidance / by_label if by_label else 1.0

    def _losses(self, plain: Tensor, guided: Tensor, background: Tensor) -> Losses:
        """plain (B,), guided (G,) and background (U,): positions of the samples of the streams."""
        model, config = self._model, self._config
        drawn = torch.cat([plain, guided, background])
        features = model.neck(self._features[drawn].to(self._device, torch.float32))  # (B + G + U, K, h, w)
        labels = self._labels[drawn].to(self._device)
        after = len(plain) + len(guided)
        count = len(plain) if config.form == "guided" else after
        losses: Losses = {}
        if count:
            expert = self._elsewhere.expert
            if expert is not None:
                expert = expert._replace(
                    offsets=expert.offsets[plain].to(self._device),
                    weights=expert.weights[plain].to(self._device),
                )
            losses |= image_stream(model, features[:count], labels[:count], config, expert)
        if len(guided) > 0:
            masks = self._guided.of(guided).to(self._device)
            own = slice(len(plain), after)
            losses |= guided_stream(model, features[own], labels[own], masks, config)
        backgrounds = self._elsewhere.backgrounds
        if backgrounds is not None and len(background) > 0:
            regions = backgrounds.of(background).to(self._device)
            losses |= background_stream(
                model, features[after:], labels[after:], regions, config, self._elsewhere.only_ignored
            )
        if self._origin is not None:
            losses |= held(model, self._origin, config, self._elsewhere.expert)
        return losses

    def logits(self, positions: Sequence[int]) -> Tensor:
        """(len(positions), C), on the CPU, without gradients."""
        with torch.inference_mode():
            chunks = self._features[list(positions)].split(_EVALUATION_BATCH)
            parts = [
                self._model.head(self._model.neck(c.to(self._device, torch.float32))).cpu() for c in chunks
            ]
        return torch.cat(parts)


def _spread(rows: Tensor, positions: Tensor, count: int) -> Tensor:
    """(len(positions), …) -> (count, …), zero elsewhere."""
    spread = rows.new_zeros(count, *rows.shape[1:])
    spread[positions] = rows
    return spread


def prepare_quick(
    model: Classifier,
    samples: Sequence[Sample],
    config: TrainConfig,
    store: FeatureStore,
    device: torch.device,
) -> Generator[Phase, None, QuickTask]:
    """Gather the features of the samples: kept ones are read, the others computed."""
    origin = pretrained_neck(model) if config.l2_sp_weight > 0 else None
    features = yield from store.computing(model, samples)
    return QuickTask(model, samples, features, config, device, origin)
