"""The description of a model: backbone, classes, size and normalisation of its images. Needs no torch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gain_core.errors import ConfigError, InputError

DEFAULT_BACKBONE = "tf_efficientnet_lite0"

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of most published weights

# Images per call on a CPU. The largest maps of more images do not fit its caches.
PIECE = 4

Triple = tuple[float, float, float]
Interpolation = Literal["bilinear", "bicubic"]

_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}

# Limits against absurd values in a file from elsewhere. Pixels are in [0, 1].
_LARGEST_SIDE, _LARGEST_MEAN = 8192, 1000


@dataclass(frozen=True)
class ModelSpec:
    """Everything beside the weights that is needed to build a model and preprocess its images.

    ConfigError for a value of the wrong type or out of range.
    """

    backbone: str  # a timm name; for your own network, any name
    classes: tuple[str, ...]  # by position in the logits
    image_size: int = 224  # S, pixels: the side of the square that the network sees
    output_stride: int = (
        32  # S / side of the map; 16 gives maps of twice the side where the backbone allows it
    )
    mean: Triple = (127 / 255, 127 / 255, 127 / 255)  # of RGB in [0, 1]; the default is EfficientNet-Lite0's
    std: Triple = (128 / 255, 128 / 255, 128 / 255)
    multi_label: bool = False  # False: classes exclude each other (softmax); True: independent (sigmoid)
    head: Literal["linear", "paper"] = "linear"  # GAP + linear; "paper": VGG's own two fully connected layers
    # None: images are squashed to S×S. Else the shorter side is resized to this many pixels, and the centre
    # S×S is cropped.
    shorter_side: int | None = None
    bgr: bool = False  # the network was trained on pictures whose channels are blue, green, red
    interpolation: Interpolation = "bilinear"  # of resizing; always antialiased

    def __post_init__(self) -> None:
        # A spec may come from a file by anybody.
        for field in ("backbone", "head", "interpolation"):
            if not isinstance(getattr(self, field), str):
                raise ConfigError(f"expected {field} as text, got {getattr(self, field)!r}")
        if not isinstance(self.classes, tuple) or not all(isinstance(name, str) for name in self.classes):
            raise ConfigError(f"expected a tuple of class names, got {self.classes!r}")
        if any("\ud800" <= letter <= "\udfff" for name in self.classes for letter in name):
            raise ConfigError(f"expected class names that can be written as UTF-8, got {self.classes!r}")
        if not all(type(side) is int for side in (self.image_size, self.output_stride)):
            raise ConfigError(
                f"expected whole numbers of pixels, got {self.image_size!r} and {self.output_stride!r}"
            )
        for field in ("multi_label", "bgr"):
            if not isinstance(getattr(self, field), bool):
                raise ConfigError(f"expected {field} true or false, got {getattr(self, field)!r}")
        for triple in (self.mean, self.std):
            if not isinstance(triple, tuple) or not all(
                isinstance(value, int | float) and abs(value) <= _LARGEST_MEAN for value in triple
            ):
                raise ConfigError(
                    f"expected means and stds as tuples of numbers up to {_LARGEST_MEAN}, got {self.mean}, "
                    f"{self.std}"
                )
        if len(self.classes) == 0 or len(set(self.classes)) != len(self.classes):
            raise ConfigError(f"expected at least one class and no name twice, got {self.classes!r}")
        if not 32 <= self.image_size <= _LARGEST_SIDE:
            raise ConfigError(f"expected image_size from 32 to {_LARGEST_SIDE}, got {self.image_size}")
        shorter = self.shorter_side
        if shorter is not None and not (type(shorter) is int and self.image_size <= shorter <= _LARGEST_SIDE):
            raise ConfigError(
                f"expected shorter_side from {self.image_size} to {_LARGEST_SIDE}, or None, got {shorter!r}"
            )
        if self.output_stride not in (8, 16, 32):
            raise ConfigError(f"expected output_stride 8, 16 or 32, got {self.output_stride}")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ConfigError(f"expected three means and three positive stds, got {self.mean} and {self.std}")
        if self.head not in ("linear", "paper"):
            raise ConfigError(f'expected head "linear" or "paper", got {self.head!r}')
        if self.interpolation not in _FILTERS:
            raise ConfigError(
                f"expected interpolation as one of {', '.join(_FILTERS)}, got {self.interpolation!r}"
            )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` gives the same spec back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ModelSpec":
        """Undo `to_dict`. ConfigError for an unknown or missing key, or an impossible value."""
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ConfigError(f"unknown keys in model spec: {', '.join(sorted(unknown))}")
        # JSON has lists only. Text is left as it is: tuple() would split it into letters.
        tuples = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
        try:
            return cls(**{**values, **tuples})
        except TypeError as error:
            raise ConfigError(f"model spec: {error}") from error


def pixels(image: Image.Image, spec: ModelSpec) -> NDArray[np.float32]:
    """PIL RGB -> (3, S, S) float32: `fitted` and `normalised`. InputError for another mode than RGB."""
    if image.mode != "RGB":
        raise InputError(f"expected an RGB image, got mode {image.mode!r}")
    return normalised(fitted(image, spec), spec)


def fitted(image: Image.Image, spec: ModelSpec) -> Image.Image:
    """The S×S pixels that the network sees (antialiased): the whole image squashed, or the centre
    square, with the same pixels as torchvision's Resize and CenterCrop.
    """
    side, shorter, filtered = spec.image_size, spec.shorter_side, _FILTERS[spec.interpolation]
    if shorter is None:
        return image.resize((side, side), filtered)
    width, height = image.size
    longer = int(shorter * max(width, height) / min(width, height))
    width, height = (longer, shorter) if width > height else (shorter, longer)
    left, top = round((width - side) / 2), round((height - side) / 2)
    resized = image.resize((width, height), filtered)
    return resized.crop((left, top, left + side, top + side))


def normalised(image: Image.Image, spec: ModelSpec) -> NDArray[np.float32]:
    """PIL RGB, S×S as `fitted` gives it -> (3, S, S)."""
    values = np.asarray(image)  # (S, S, 3)
    if spec.bgr:
        values = values[..., ::-1]
    result = np.empty((3, *values.shape[:2]), np.float32)
    for channel, table in enumerate(_normalised_values(spec.mean, spec.std)):
        # The index is always in range; "clip" only spares the check, which takes as long again.
        np.take(table, values[..., channel], out=result[channel], mode="clip")
    return result


@lru_cache
def _normalised_values(mean: Triple, std: Triple) -> NDArray[np.float32]:
    """(3, 256): what each of the 256 values of a channel becomes; looked up, it takes half the time."""
    means, stds = (np.array(triple, dtype=np.float32)[:, None] for triple in (mean, std))
    table: NDArray[np.float32] = (np.arange(256, dtype=np.float32) / np.float32(255) - means) / stds
    return table
