"""Scaling, thresholding and erasing: from an attention map to the image without it (eq. 3 and 4)."""

import math
from dataclasses import dataclass
from numbers import Real

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gain_core.checks import expect, expect_attention
from gain_core.choices import MASKING_PLACES, SCALES, MaskingPlace, Scale
from gain_core.errors import ConfigError, InputError


@dataclass(frozen=True)
class MaskingConfig:
    """What eq. 3–4 leave open. ConfigError for a value out of range."""

    # The paper gives no values; public code uses 0.25–0.6 and 8–100 on a map scaled to [0, 1]. Half of the
    # maximum with slope 10 erases what is clearly attended (T(1) = 0.993) and keeps what is not (T(0) =
    # 0.007), and is still soft enough for a gradient to reach every place.
    sigma: float = 0.5
    omega: float = 10.0
    # Without scaling, σ would mean another thing for every model: raw maps are as large as the logits over
    # h·w.
    scale: Scale = "max"
    # The scale is a constant for the gradient: else the easiest way to shrink one place is to let the maximum
    # grow.
    detach_scale: bool = True
    # Where the threshold acts. "image": on the map enlarged to the image, so that the edge is as sharp as ω
    # says; "map": on the map itself, and what it gives is enlarged, with edges as wide as the map's places.
    place: MaskingPlace = "image"

    def __post_init__(self) -> None:
        for name, value in (("sigma", self.sigma), ("omega", self.omega)):
            if not (isinstance(value, Real) and math.isfinite(value)):
                raise ConfigError(f"expected {name} as a finite number, got {value!r}")
        if self.omega <= 0:
            raise ConfigError(f"expected omega above 0, got {self.omega}")
        if self.scale not in SCALES:
            raise ConfigError(f"expected a scale of {SCALES}, got {self.scale!r}")
        if self.place not in MASKING_PLACES:
            raise ConfigError(f"expected a place of {MASKING_PLACES}, got {self.place!r}")


def scale_attention(attention: Tensor, scale: Scale = "max", detach_scale: bool = True) -> Tensor:
    """Attention maps (…, h, w) >= 0 -> (…, h, w), each map divided by its own maximum ("max": range [0, 1]).

    "min_max" first subtracts the map's minimum, as public code does; "none" gives the map back. A map that is
    zero everywhere stays zero. detach_scale: minimum and maximum are constants for the gradient.
    """
    if scale not in SCALES:
        raise InputError(f"expected a scale of {SCALES}, got {scale!r}")
    if scale == "none":
        return attention
    high = attention.amax((-2, -1), keepdim=True)  # (…, 1, 1)
    low = attention.amin((-2, -1), keepdim=True) if scale == "min_max" else torch.zeros_like(high)
    if detach_scale:
        high, low = high.detach(), low.detach()
    extent = high - low
    flat = extent <= 0
    return torch.where(flat, 0.0, attention - low) / torch.where(flat, 1.0, extent)


def soft_threshold(attention: Tensor, sigma: float, omega: float) -> Tensor:
    """T(A) = sigmoid(ω (A − σ)), eq. 4: any shape -> the same shape, in [0, 1] (ends by rounding)."""
    return torch.sigmoid(omega * (attention - sigma))


def erase(images: Tensor, attention: Tensor, config: MaskingConfig | None = None) -> Tensor:
    """I*^c = I − T(A^c) ⊙ I, eq. 3: images (B, 3, S, S), attention (B, n, h, w) -> (B, n, 3, S, S). (Other
    numbers of channels than 3 stay as they are.)

    The map is scaled, enlarged bilinearly to the image's size and thresholded, in the order that
    `config.place` says. Images are normalised pixels: what is erased becomes 0, the mean colour of the data
    that the backbone was trained on. Differentiable in both. Raises InputError.
    """
    expect("images", images, ("B", "channels", "S", "S"))
    expect("attention", attention, (len(images), "n", "h", "w"))
    expect_attention(attention)
    if attention.shape[1] == 0:  # torch enlarges no empty maps
        return images.unsqueeze(1)[:, :0]
    config = MaskingConfig() if config is None else config
    scaled = scale_attention(attention, config.scale, config.detach_scale)
    on_map = config.place == "map"
    enlarged = F.interpolate(
        soft_threshold(scaled, config.sigma, config.omega) if on_map else scaled,
        size=images.shape[2:],
        mode="bilinear",
        align_corners=False,
    )  # (B, n, S, S)
    erased = enlarged if on_map else soft_threshold(enlarged, config.sigma, config.omega)
    return images.unsqueeze(1) * (1 - erased).unsqueeze(2)


def erased_logits(model: nn.Module, erased: Tensor, valid: Tensor | None = None) -> Tensor:
    """Logits of erased images, all classes in one forward: (B, n, 3, S, S) -> (B, n, C).

    valid (B, n) bool: the model sees those alone, and the logits of all others are 0. (A GPU is waited for,
    to know how many there are.)

    Norm layers in training mode use this batch's statistics but do not remember them: erased images must not
    reach the running averages that ordinary images are judged by. (The buffers are swapped for copies
    meanwhile: not for a model that several threads train.) Raises InputError.
    """
    expect("erased", erased, ("B", "n", "channels", "S", "S"))
    if valid is None:
        return _remembering_nothing(model, erased.flatten(0, 1)).unflatten(0, erased.shape[:2])
    expect("valid", valid, erased.shape[:2], "bool")
    where = valid.nonzero(as_tuple=True)
    if len(where[0]) == 0:  # there are networks that take no empty batch
        return 0 * erased_logits(model, erased[:1, :1]).expand(*valid.shape, -1)
    asked = _remembering_nothing(model, erased[where])  # (their number, C)
    return asked.new_zeros(*valid.shape, asked.shape[1]).index_put(where, asked)


def _remembering_nothing(model: nn.Module, images: Tensor) -> Tensor:
    if any(layer.training for layer in model.modules()):
        copies = {name: buffer.clone() for name, buffer in model.named_buffers()}
        logits: Tensor = torch.func.functional_call(model, copies, (images,))
    else:
        logits = model(images)
    return logits
