"""The one place that weighs the losses: what a step minimises, for every form and mode (eq. 6 and 8).

`ranks`: with several processes each has its own images, and a loss that counts some of them alone is this
process's part of the mean over those of all (`Ranks.part_of_mean`).
"""

import torch
from torch import Tensor

from gain_core.distributed import ALONE, Ranks
from gain_core.explain.gradcam import attention_maps, attention_weights, evidence_maps
from gain_core.losses.guidance import (
    InsideOutside,
    classification_loss,
    external_loss,
    inside_outside_loss,
    inside_outside_regions,
    region_logits,
    signed_evidence_loss,
)
from gain_core.losses.l2_sp import Weights, l2_sp_loss
from gain_core.models.classifier import Classifier
from gain_core.training.config import TrainConfig

Losses = dict[str, Tensor]  # weighted terms by name, scalars


def shown(labels: Tensor, count: int) -> Tensor:
    """(B, n) long -> (B, C) bool: whether each image shows each of `count` classes."""
    return torch.zeros(len(labels), count, dtype=torch.bool, device=labels.device).scatter(1, labels, True)


def label_loss(model: Classifier, logits: Tensor, labels: Tensor) -> Tensor:
    """L_cl: logits (B, C), labels (B, n) long; classes that exclude each other go by the first."""
    if not model.spec.multi_label:
        return classification_loss(logits, labels[:, 0])
    return classification_loss(logits, shown(labels, logits.shape[1]), multi_label=True)


def image_stream(model: Classifier, features: Tensor, labels: Tensor, config: TrainConfig) -> Losses:
    """S_cl: features (B, K, h, w) and labels (B, n) of all images whose image-level label counts."""
    weight = config.label_weight if config.form == "guided" else 1.0
    return {"image": weight * label_loss(model, model.head(features), labels)}


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
        losses = _inside_outside(model, logits, inside, outside, labels, ranks)
        weighed = {
            "inside": (config.inside_weight, losses.inside),
            "outside": (config.outside_weight, losses.outside),
        }
        return {name: weight * loss for name, (weight, loss) in weighed.items() if weight > 0}
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


def composite_stream(
    model: Classifier, features: Tensor, labels: Tensor, config: TrainConfig, ranks: Ranks = ALONE
) -> Losses:
    """Composites as a whole: features (B, K, h, w), labels (B,) long: the class that each must give, or −1
    for a background, which must give none.
    """
    shows = (labels >= 0)[:, None, None, None].to(features)  # (B, 1, 1, 1)
    logits = model.head(features)[:, None]  # (B, 1, C)
    losses = _inside_outside(
        model, torch.cat([logits, logits], 1), shows, 1 - shows, labels.clamp_min(0)[:, None], ranks
    )
    return {
        "composite": config.composite_weight * losses.inside,
        "background": config.background_weight * losses.outside,
    }


def held(model: Classifier, origin: Weights, config: TrainConfig) -> Losses:
    """L2-SP: the last convolution is held to its pretrained weights."""
    return {"l2_sp": config.l2_sp_weight * l2_sp_loss(dict(model.neck.named_parameters()), origin)}


def _images(regions: Tensor) -> Tensor:
    """How many images have a place that is not 0: (B, …) -> scalar long. Those count in the losses' means."""
    return (regions.flatten(1).amax(1) > 0).sum()


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
