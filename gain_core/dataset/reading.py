"""How the pixels and the masks of samples are read."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from gain_core.dataset.sample import Sample, Split
from gain_core.errors import InputError
from gain_core.imaging.pictures import UNREADABLE, as_rgb, marked, open_rgb, upright_size
from gain_core.losses.guidance import inside_outside_regions
from gain_core.models.classifier import ModelSpec, preprocess, preprocess_mask
from gain_core.models.frame import seen_part

__all__ = ["Sample", "Split", "guidance_by_class", "guidance_maps", "guidance_pictures", "inside_map"]
__all__ += ["check_masks", "counted", "drawn_upon", "label_rows", "picture_of", "pixels_of"]


def pixels_of(samples: list[Sample], spec: ModelSpec) -> Tensor:
    """What the model sees: (B, 3, S, S) float32, normalised. Raises InputError naming the image."""
    return torch.stack([preprocess(picture_of(sample), spec) for sample in samples])


def picture_of(sample: Sample) -> Image.Image:
    """The image, RGB, as people see it. Raises InputError naming it."""
    if sample.picture is None:
        return open_rgb(sample.path, sample.title)
    picture = sample.picture() if callable(sample.picture) else sample.picture
    if not isinstance(picture, Image.Image):
        raise InputError(f"{sample.title}: expected a PIL image, got {type(picture).__name__}")
    return as_rgb(picture)


def label_rows(samples: Sequence[Sample]) -> Tensor:
    """Which classes each image shows: (N, n) long, n the most that any of them shows.

    An image that shows fewer repeats its first class; a repeat does not count (`counted`).
    """
    most = max((len(sample.labels) for sample in samples), default=1)
    rows = [s.labels + s.labels[:1] * (most - len(s.labels)) for s in samples]
    return torch.tensor(rows, dtype=torch.long).view(len(samples), most)


def counted(labels: Tensor) -> Tensor:
    """Rows of `label_rows`, (B, n) long -> (B, n) bool: False where a row repeats its first class."""
    repeats = labels == labels[:, :1]
    return torch.cat([torch.ones_like(repeats[:, :1]), ~repeats[:, 1:]], 1)


def guidance_pictures(sample: Sample) -> tuple[Image.Image | None, Image.Image | None]:
    """The *look here* and the *ignore this* mask, mode "L", 0 or 255; None for a role that was not drawn.

    A mask without a single pixel counts as not drawn. Raises InputError naming the image.
    """
    look, ignore = (
        None if png is None else _read_mask(BytesIO(png), f"{sample.title}, {role}")
        for png, role in ((sample.look, "look here"), (sample.ignore, "ignore this"))
    )
    return _drawn(look), _drawn(ignore)


def guidance_maps(sample: Sample, size: tuple[int, int], spec: ModelSpec | None = None) -> Tensor | None:
    """Look and ignore averaged down to a map: (2, h, w) float32 in [0, 1]; None when nothing was drawn.

    A role that was not drawn is zero everywhere, which is how the losses want it. spec: of the model whose
    map it is; one that crops images sees the middle of a mask. None: the whole mask. Raises InputError.
    """
    roles = tuple(None if role is None else _seen(role, spec) for role in guidance_pictures(sample))
    if roles == (None, None):
        return None
    return torch.stack([torch.zeros(size) if role is None else preprocess_mask(role, size) for role in roles])


def guidance_by_class(
    sample: Sample, size: tuple[int, int], count: int, spec: ModelSpec | None = None
) -> Tensor | None:
    """`guidance_maps` for each class that the image shows: (count, 2, h, w), in the order of `label_rows`.

    Zero for a class without guidance and from the last one to `count`; None when no class has any.
    """
    maps = [guidance_maps(class_maps, size, spec) for class_maps in sample.each_class]
    if all(class_maps is None for class_maps in maps):
        return None
    rows = torch.zeros(count, 2, *size)
    for row, class_maps in zip(rows, maps, strict=False):
        if class_maps is not None:
            row.copy_(class_maps)
    return rows


def drawn_upon(sample: Sample) -> bool:
    """Whether any class's guidance marks a pixel. Raises InputError naming the image."""
    return any(guidance_pictures(labelled) != (None, None) for labelled in sample.each_class)


def check_masks(sample: Sample) -> None:
    """InputError, naming the image, where guidance has not its image's shape; the size may be another."""
    pictures = [
        mask for labelled in sample.each_class for mask in guidance_pictures(labelled) if mask is not None
    ]
    if sample.picture is None and not sample.path.exists():  # kept features may outlive the file
        return
    if not pictures:
        return
    size = upright_size(sample.path, sample.title) if sample.picture is None else picture_of(sample).size
    width, height = size
    for mask in pictures:
        # Another size of the same shape is off by half a pixel at most, on either side.
        if abs(mask.width * height - mask.height * width) > (width + height) / 2:
            raise InputError(
                f"{sample.title}: expected a mask of the image's size, {width}×{height}, got "
                f"{mask.width}×{mask.height}"
            )


def inside_map(sample: Sample, size: tuple[int, int], spec: ModelSpec | None = None) -> Tensor | None:
    """Where attention to the true class should lie: (h, w) float32 in [0, 1], or None when nobody said.

    The object mask when there is one (evaluation), else the *look here* regions without the *ignore this*
    ones, else all that is not to be ignored. spec: as `guidance_maps`. Raises InputError naming the image.
    """
    if sample.object_mask is not None:
        mask = _read_mask(sample.object_mask, f"{sample.title}, object mask")
        return preprocess_mask(_seen(mask, spec), size)
    maps = guidance_maps(sample, size, spec)
    if maps is None:
        return None
    look, ignore = maps[:, None, None]  # each (1, 1, h, w)
    return inside_outside_regions(look, ignore, size)[0][0, 0]


def _read_mask(source: BytesIO | Path, title: str) -> Image.Image:
    try:
        with Image.open(source) as image:
            return Image.fromarray(marked(image)).convert("L")
    except UNREADABLE as error:
        raise InputError(f"{title}: expected a readable mask, got {error}") from error


def _seen(mask: Image.Image, spec: ModelSpec | None) -> Image.Image:
    return mask if spec is None else seen_part(mask, spec)


def _drawn(mask: Image.Image | None) -> Image.Image | None:
    return None if mask is None or mask.getbbox() is None else mask
