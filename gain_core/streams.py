"""The one place that weighs the losses: what a step minimises, for every form and mode (eq. 6 and 8).

`ranks`: with several processes each has its own images, and a loss that counts some of them alone is this
process's part of the mean over those of all (`Ranks.part_of_mean`).
"""

import torch
from torch import Tensor

from gain_core.attention import attention_maps, attention_weights, evidence_maps
from gain_core.background_expert import Expert
from gain_core.config import TrainConfig
from gain_core.data import counted
from gain_core.l2_sp import Weights, l2_sp_loss
from gain_core.losses import (
    InsideOutside,
    classification_loss,
    external_loss,
    inside_outside_loss,
    inside_outside_regions,
    region_logits,
    signed_evidence_loss,
)
from gain_core.masking import area_average, erased_logits
from gain_core.models import Classifier
from gain_core.ranks import ALONE, Ranks

Losses = dict[str, Tensor]  # weighted terms by name, scalars


def shown(labels: Tensor, count: int) -> Tensor:
    """(B, n) long -> (B, C) bool: whether each image shows each of `count` classes."""
    return torch.zeros(len(labels), count, dtype=torch.bool, device=labels.device).scatter(1, labels, True)


def label_loss(model: Classifier, logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """L_cl: logits (B, C), labels (B, n) long; classes that exclude each other go by the first.

    weights (B,): what each image counts for.
    """
    if not model.spec.multi_label:
        return classification_loss(logits, labels[:, 0], weights=weights)
    return classification_loss(logits, shown(labels, logits.shape[1]), multi_label=True, weights=weights)


def image_stream(
    model: Classifier, features: Tensor, labels: Tensor, config: TrainConfig, expert: Expert | None = None
) -> Losses:
    """S_cl: features (B, K, h, w) and labels (B, n) of all images whose image-level label counts; expert:
    what their backgrounds say, and what each label counts for.
    """
    weight = config.unguided_weight if config.form == "guided" else 1.0
    logits = model.head(features)
    if expert is None:
        return {"image": weight * label_loss(model, logits, labels)}
    return {"image": weight * label_loss(model, logits + expert.offsets, labels, expert.weights)}


def swapped_stream(
    model: Classifier,
    features: Tensor,
    labels: Tensor,
    swapped: Tensor,
    config: TrainConfig,
    ranks: Ranks = ALONE,
) -> Losses:
    """Images whose ignored region is another image's: the whole of each must give its class.

    features (B, K, h, w), labels (B, n), swapped (B,) bool: which of them count. Exclusive classes only.
    """
    loss = classification_loss(model.head(features[swapped]), labels[swapped, 0])
    return {"swapped": config.background_weight * ranks.part_of_mean(loss, swapped.sum())}


def guided_stream(
    model: Classifier,
    features: Tensor,
    labels: Tensor,
    masks: Tensor,
    config: TrainConfig,
    ranks: Ranks = ALONE,
) -> Losses:
    """S_e: features (G, K, h, w), labels (G, n), masks (G, n, 2, H, W: look, ignore) of the guided images."""
    look, ignore = masks[:, :, 0], masks[:, :, 1]
    if config.form == "guided":
        inside, outside = inside_outside_regions(look, ignore, (features.shape[2], features.shape[3]))
        logits = region_logits(model, features, torch.cat([inside, outside], 1))  # (G, 2n, C)
        return _weighted(_inside_outside(model, logits, inside, outside, labels, ranks), config)
    if config.form == "gainext":
        weights = attention_weights(model, features, labels, create_graph=config.second_order)
        attention = attention_maps(evidence_maps(features, weights))
        loss = external_loss(
            attention,
            look,
            ignore,
            scale=config.map_scale,
            detach_scale=config.detach_scale,
            resolution=config.external_resolution,
        )
        return {"external": config.external_weight * ranks.part_of_mean(loss, _images(masks))}  # ω L_e, eq. 8
    if config.form == "signed":
        count = len(model.spec.classes)
        everything = torch.arange(count, device=labels.device).expand(len(labels), count)
        weights = attention_weights(model, features, everything, create_graph=config.second_order)
        present = shown(labels, count) if model.spec.multi_label else None
        loss = signed_evidence_loss(
            evidence_maps(features, weights),
            labels,
            look,
            ignore,
            present=present,
            detach_scale=config.detach_scale,
        )
        return {"signed": config.signed_weight * ranks.part_of_mean(loss, _images(masks))}
    return {}


def background_stream(
    model: Classifier,
    features: Tensor,
    labels: Tensor,
    regions: Tensor,
    config: TrainConfig,
    only_ignored: Tensor | None = None,
    ranks: Ranks = ALONE,
) -> Losses:
    """Inside / outside for images without guidance: what looks like background must give no class.

    features (B, K, h, w), labels (B, n), regions (B, h, w) from `background_regions`; an empty one does not
    count. only_ignored (C,) bool: classes whose guidance is *ignore this* alone, which says that everything
    else may decide; there the rest of the image must give the class.
    """
    inside, outside = _elsewhere(regions, labels, only_ignored)
    logits = region_logits(model, features, torch.cat([inside, outside], 1))
    return _of_background(_inside_outside(model, logits, inside, outside, labels, ranks), config)


def held(model: Classifier, origin: Weights, config: TrainConfig, expert: Expert | None) -> Losses:
    """The last convolution held to its pretrained weights, as far as backgrounds give the classes away: where
    they do not, nothing is to be unlearned. Without an expert, who knows of that, in full. No image is looked
    at.
    """
    weight = config.l2_sp_weight * (1.0 if expert is None else expert.given_away**2)
    if weight == 0:
        return {}
    return {"l2_sp": weight * l2_sp_loss(dict(model.neck.named_parameters()), origin)}


def masked_background_stream(
    model: Classifier,
    features: Tensor,
    labels: Tensor,
    masks: Tensor,
    config: TrainConfig,
    only_ignored: Tensor | None = None,
    ranks: Ranks = ALONE,
) -> Losses:
    """`background_stream`, the regions as *ignore this*: masks (B, n, 2, H, W), features (B, K, h, w)."""
    regions = area_average(masks[:, 0, 1], (features.shape[2], features.shape[3]))
    return background_stream(model, features, labels, regions, config, only_ignored, ranks)


def background_image_stream(
    model: Classifier,
    images: Tensor,
    labels: Tensor,
    masks: Tensor,
    config: TrainConfig,
    only_ignored: Tensor | None = None,
    ranks: Ranks = ALONE,
) -> Losses:
    """`masked_background_stream` in image space: images (B, 3, S, S), masks (B, n, 2, S, S)."""
    inside, outside = _elsewhere(masks[:, 0, 1], labels, only_ignored)
    logits = _left_in_image(model, images, inside, outside)
    return _of_background(_inside_outside(model, logits, inside, outside, labels, ranks), config)


def _elsewhere(regions: Tensor, labels: Tensor, only_ignored: Tensor | None) -> tuple[Tensor, Tensor]:
    """Background (B, H, W), labels (B, n) -> inside and outside for each class that the image shows, both
    (B, n, H, W).
    """
    outside = regions[:, None] * counted(labels)[..., None, None]
    if only_ignored is None:
        return torch.zeros_like(outside), outside
    counts = only_ignored[labels] & (outside.amax((2, 3)) > 0)  # (B, n)
    return (1 - outside) * counts[..., None, None], outside


def _of_background(losses: InsideOutside, config: TrainConfig) -> Losses:
    return {"background": config.background_weight * (losses.inside + losses.outside)}


def guided_image_stream(
    model: Classifier,
    images: Tensor,
    labels: Tensor,
    masks: Tensor,
    config: TrainConfig,
    ranks: Ranks = ALONE,
) -> Losses:
    """S_e of "guided" in image space: the human's mask in the place of T(A) in eq. 3, with a second forward.

    images (G, 3, S, S), labels (G, n), masks (G, n, 2, S, S).
    """
    look, ignore = masks[:, :, 0], masks[:, :, 1]
    inside, outside = inside_outside_regions(look, ignore, (images.shape[2], images.shape[3]))
    logits = _left_in_image(model, images, inside, outside)
    return _weighted(_inside_outside(model, logits, inside, outside, labels, ranks), config)


def _left_in_image(model: Classifier, images: Tensor, inside: Tensor, outside: Tensor) -> Tensor:
    """Logits (B, 2n, C) of images (B, 3, S, S) of which only one of the regions, each (B, n, S, S), is left;
    an empty one is not looked at.
    """
    both = torch.cat([inside, outside], 1)  # (B, 2n, S, S)
    return erased_logits(model, images.unsqueeze(1) * both.unsqueeze(2), both.sum((2, 3)) > 0)


def _images(regions: Tensor) -> Tensor:
    """How many images have a place that is not 0: (B, …) -> scalar long. Those count in the losses' means."""
    return (regions.flatten(1).amax(1) > 0).sum()


def _weighted(losses: InsideOutside, config: TrainConfig) -> Losses:
    return {
        "inside": config.inside_weight * losses.inside,
        "outside": config.outside_weight * losses.outside,
    }


def _inside_outside(
    model: Classifier, logits: Tensor, inside: Tensor, outside: Tensor, classes: Tensor, ranks: Ranks
) -> InsideOutside:
    """logits (B, 2n, C): of the inside for each of classes (B, n), then of the outside."""
    count, multi_label = classes.shape[1], model.spec.multi_label
    present = shown(classes, logits.shape[2]) if multi_label else None
    losses = inside_outside_loss(
        logits[:, :count],
        logits[:, count:],
        inside,
        outside,
        classes,
        present=present,
        multi_label=multi_label,
    )
    return InsideOutside(
        ranks.part_of_mean(losses.inside, _images(inside)),
        ranks.part_of_mean(losses.outside, _images(outside)),
    )
