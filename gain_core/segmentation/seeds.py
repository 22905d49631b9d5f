"""Seeds of SEC from attention maps: pixels of a class, pixels of the background, and none in between."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gain_core.checks import expect, expect_classes
from gain_core.explain.localisation import VOID, CueConfig, cue_labels
from gain_core.imaging.resize import area_average
from gain_core.models.classifier import Classifier

BACKGROUND_SHARE = 0.1  # of all pixels: the least salient ones, as in the paper


def seed_labels(
    attention: Tensor,
    classes: Sequence[int],
    size: tuple[int, int],
    background: Tensor | None = None,
    config: CueConfig | None = None,
) -> np.ndarray:
    """Seeds of an image: attention (n, h, w) >= 0 of the n classes that it shows -> (H, W) uint8.

    A place above the threshold of a class is its seed, the smaller class on top (`cue_labels`). Of the other
    places, background (H, W) bool are seeds of the background (SEC); without it, those at or below
    `config.background` of every map's maximum. All others are 255: no seed. InputError.
    """
    labels = cue_labels(attention, classes, size, config)
    if background is not None:
        expect("background", background, size, "bool")
        objects = (labels != 0) & (labels != VOID)
        labels = np.where(objects, labels, np.where(background.cpu().numpy(), 0, VOID)).astype(np.uint8)
    return labels


def mask_seeds(mask: np.ndarray, size: tuple[int, int], labels: int) -> np.ndarray:
    """A complete mask (H, W) uint8 of `labels` labels (255: void) as seeds (h, w): the most frequent label
    of each cell, void where most of it is.
    """
    planes = np.stack([mask == label for label in (*range(labels), VOID)])
    shares = area_average(torch.from_numpy(planes), size)  # (labels + 1, h, w)
    winners = shares.argmax(0).numpy()
    return np.where(winners == labels, VOID, winners).astype(np.uint8)


def saliency(model: Classifier, images: Tensor, classes: Tensor) -> Tensor:
    """How much each pixel matters: images (B, 3, S, S), classes (B, n) long -> (B, S, S) >= 0.

    The gradient of each class's logit with respect to the image, its largest absolute value over channels and
    classes (Simonyan et al. 2014), as SEC takes it for its background. InputError.
    """
    expect("images", images, ("B", 3, "S", "S"))
    expect("classes", classes, (len(images), "n"), "long")
    expect_classes("classes", classes, len(model.spec.classes))
    with torch.inference_mode(False), torch.enable_grad():
        given = images.detach().clone().requires_grad_()
        logits = model(given)
        largest = torch.zeros_like(given[:, 0])
        for column in range(classes.shape[1]):
            own = logits.gather(1, classes[:, column : column + 1]).sum()
            more = column + 1 < classes.shape[1]
            (slope,) = torch.autograd.grad(own, given, retain_graph=more)
            largest = torch.maximum(largest, slope.abs().amax(1))
    return largest


def least_salient(salience: Tensor, size: tuple[int, int], share: float = BACKGROUND_SHARE) -> Tensor:
    """The background of SEC: salience (B, S, S) -> (B, h, w) bool, the `share` of places that matter least
    after a median over 3×3. InputError.

    SEC filters and ranks pixels, then makes its map smaller. A place of a coarse map would then have to hold
    such pixels alone; so salience is averaged over places first, and those are filtered and ranked.
    """
    expect("salience", salience, ("B", "S", "S"))
    cells = area_average(salience, size)  # (B, h, w)
    padded = F.pad(cells[:, None], (1, 1, 1, 1), mode="replicate")
    windows = F.unfold(padded, 3).unflatten(2, size)  # (B, 9, h, w)
    smooth = windows.median(1).values
    limit = smooth.flatten(1).quantile(share, dim=1)[:, None, None]
    return smooth <= limit
