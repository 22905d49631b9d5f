"""The weighted terms that objectives add up. Without images or settings a term is empty."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gain_core.dataset.reading import counted
from gain_core.explain.gradcam import attention_maps, attention_weights, evidence_maps
from gain_core.explain.masking import MaskingConfig, erase, erased_logits
from gain_core.losses.guidance import (
    InsideOutside,
    attention_mining_loss,
    classification_loss,
    external_loss,
    inside_outside_loss,
    inside_outside_regions,
    region_logits,
    signed_evidence_loss,
)
from gain_core.losses.l2_sp import Weights, l2_sp_loss
from gain_core.models.classifier import Classifier
from gain_core.training.batch import Images, Losses
from gain_core.training.objectives.term_settings import CounterExamples, External, Maps, Mining

if TYPE_CHECKING:
    from gain_core.training.objectives.guided import Guided
    from gain_core.training.objectives.signed import Signed


def shown(labels: Tensor, count: int) -> Tensor:
    """(B, n) long -> (B, C) bool: whether each image shows each of `count` classes."""
    return torch.zeros(len(labels), count, dtype=torch.bool, device=labels.device).scatter(1, labels, True)


def label_loss(model: Classifier, logits: Tensor, labels: Tensor) -> Tensor:
    """L_cl, scalar: logits (B, C), labels (B, n) long. Without `multi_label` only the first label counts."""
    if not model.spec.multi_label:
        return classification_loss(logits, labels[:, 0])
    return classification_loss(logits, shown(labels, logits.shape[1]), multi_label=True)


def classification(images: Images | None, weight: float = 1.0) -> Losses:
    """L_cl of eq. 6, on the labels of these images."""
    if images is None:
        return {}
    return {"image": weight * label_loss(images.model, images.model.head(images.features), images.labels)}


def mining(images: Images | None, settings: Mining | None, share: float = 1.0) -> Losses:
    """α L_am of eq. 3–5, times `share`: an image without its attended places must not give its class."""
    if images is None or images.pixels is None or settings is None:
        return {}
    model, labels = images.model, images.labels
    masking = MaskingConfig(
        sigma=settings.sigma,
        omega=settings.omega,
        scale=settings.maps.scale,
        detach_scale=settings.maps.detach_scale,
        place=settings.place,
    )
    valid = None if labels.shape[1] == 1 else counted(labels)  # images that show fewer classes repeat one
    erased = erase(images.pixels, _attention(images, settings.maps), masking)
    logits = erased_logits(model, erased, valid)  # (B, n, C)
    multi_label = model.spec.multi_label
    loss = attention_mining_loss(logits, labels, multi_label=multi_label, valid=valid, score=settings.score)
    return {"mining": settings.weight * share * loss}


def external(images: Images | None, settings: External) -> Losses:
    """ω L_e of eq. 7 and 8, on guided images."""
    if images is None or images.masks is None:
        return {}
    look, ignore = images.masks[:, :, 0], images.masks[:, :, 1]
    loss = external_loss(
        _attention(images, settings.maps),
        look,
        ignore,
        scale=settings.maps.scale,
        detach_scale=settings.maps.detach_scale,
        resolution=settings.resolution,
    )
    return {"external": settings.weight * images.ranks.part_of_mean(loss, _counting(images.masks))}


def signed_evidence(images: Images | None, settings: "Signed") -> Losses:
    """Eq. 7 on the evidence of all classes before the ReLU of eq. 2, on guided images."""
    if images is None or images.masks is None:
        return {}
    model, labels, count = images.model, images.labels, len(images.model.spec.classes)
    everything = torch.arange(count, device=labels.device).expand(len(labels), count)
    weights = attention_weights(model, images.features, everything, create_graph=settings.second_order)
    loss = signed_evidence_loss(
        evidence_maps(images.features, weights),
        labels,
        images.masks[:, :, 0],
        images.masks[:, :, 1],
        present=shown(labels, count) if model.spec.multi_label else None,
        detach_scale=settings.detach_scale,
    )
    return {"signed": settings.weight * images.ranks.part_of_mean(loss, _counting(images.masks))}


def inside_outside(images: Images | None, settings: "Guided") -> Losses:
    """Guided images: features inside the mask H must give the class, features outside no class."""
    if images is None or images.masks is None:
        return {}
    size = (images.features.shape[2], images.features.shape[3])
    inside, outside = inside_outside_regions(images.masks[:, :, 0], images.masks[:, :, 1], size)
    logits = region_logits(images.model, images.features, torch.cat([inside, outside], 1))  # (G, 2n, C)
    losses = _inside_outside(images, logits, inside, outside, images.labels)
    weighed = {
        "inside": (settings.inside_weight, losses.inside),
        "outside": (settings.outside_weight, losses.outside),
    }
    return {name: weight * loss for name, (weight, loss) in weighed.items() if weight > 0}


def counter_examples(images: Images | None, settings: CounterExamples | None) -> Losses:
    """Counter-examples must give their class; painted-over backgrounds, which show none, must give none."""
    if images is None or settings is None:
        return {}
    labels = images.labels[:, 0]
    shows = (labels >= 0)[:, None, None, None].to(images.features)  # (B, 1, 1, 1)
    logits = images.model.head(images.features)[:, None]  # (B, 1, C)
    both, classes = torch.cat([logits, logits], 1), labels.clamp_min(0)[:, None]
    losses = _inside_outside(images, both, shows, 1 - shows, classes)
    return {
        "composite": settings.weight * losses.inside,
        "background": settings.background_weight * losses.outside,
    }


def l2_sp(model: Classifier, origin: Weights, weight: float) -> Losses:
    """λ L2-SP: the squared distance of the last convolution from its pretrained weights."""
    return {"l2_sp": weight * l2_sp_loss(dict(model.neck.named_parameters()), origin)}


def _attention(images: Images, maps: Maps) -> Tensor:
    """Eq. 1 and 2 for each of the images' classes: (B, n, h, w)."""
    weights = attention_weights(images.model, images.features, images.labels, create_graph=maps.second_order)
    return attention_maps(evidence_maps(images.features, weights))


def _counting(regions: Tensor) -> Tensor:
    """Number of images with a place above 0: (B, …) -> scalar long. The losses average over these."""
    return (regions.flatten(1).amax(1) > 0).sum()


def _inside_outside(
    images: Images, logits: Tensor, inside: Tensor, outside: Tensor, classes: Tensor
) -> InsideOutside:
    """logits (B, 2n, C): of the inside for each of classes (B, n), then of the outside."""
    count, multi_label = classes.shape[1], images.model.spec.multi_label
    losses = inside_outside_loss(
        logits[:, :count],
        logits[:, count:],
        inside,
        outside,
        classes,
        present=shown(classes, logits.shape[2]) if multi_label else None,
        multi_label=multi_label,
    )
    part = images.ranks.part_of_mean
    return InsideOutside(part(losses.inside, _counting(inside)), part(losses.outside, _counting(outside)))
