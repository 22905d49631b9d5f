"""What a loader or a list yields, as training samples: pictures in memory, arrays, tensors, batches."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from gain_core.dataset.sample import Sample
from gain_core.errors import InputError


def as_samples(items: Iterable[Any] | Dataset[Any]) -> list[Sample]:
    """Samples of a list, loader or data set stay; everything else becomes a training sample without a key.

    An item is (picture, label) or (picture, label, look). A picture: a file's path, a PIL image, a function
    without arguments that returns one, an array (H, W, 3) uint8, or a tensor (3, H, W), uint8 or in [0, 1]
    and not normalised. A label: a whole number. look: a mask (H, W) as an array, tensor, PIL image or PNG,
    not zero where to look; None or all zero: nobody drew. A batch, as a DataLoader yields them, is a tensor
    (B, 3, H, W) with B labels, and perhaps B masks (B, H, W) or (B, 1, H, W). All of them stay in memory.
    InputError for anything else.
    """
    if not isinstance(items, Iterable):
        if not isinstance(items, Dataset):
            raise InputError(f"expected a list of Sample, got {_kind(items)}")
        dataset: Any = items
        items = (dataset[position] for position in range(len(dataset)))
    samples: list[Sample] = []
    for item in items:
        if isinstance(item, Sample):
            samples.append(item)
            continue
        for picture, label, look in _each(item):
            name = f"item {len(samples)}"
            try:
                samples.append(Sample.of(_picture(picture), int(label), look=_mask_png(look), name=name))
            except (TypeError, ValueError) as error:
                raise InputError(f"{name}: expected a picture and a label, got {error}") from error
    return samples


def _each(item: Any) -> Iterator[tuple[Any, Any, Any]]:
    if not isinstance(item, tuple | list) or len(item) not in (2, 3):
        held = f"{_kind(item)}, neither a Sample nor (picture, label)"
        raise InputError(f"expected a list of Sample, got one that holds {held}")
    picture, label, *look = item
    if isinstance(picture, Tensor) and picture.ndim == 4:
        yield from zip(picture, label, look[0] if look else [None] * len(picture), strict=True)
    else:
        yield picture, label, look[0] if look else None


def _picture(picture: Any) -> Any:
    """What `Sample.of` takes."""
    if isinstance(picture, Tensor):
        if picture.ndim != 3 or len(picture) != 3:
            raise ValueError(f"a tensor {tuple(picture.shape)} for (3, H, W)")
        if picture.is_floating_point():
            if not 0 <= float(picture.min()) <= float(picture.max()) <= 1:
                raise ValueError("a tensor beyond [0, 1]; training itself normalises")
            picture = (picture * 255).round().to(torch.uint8)
        picture = picture.permute(1, 2, 0).cpu().numpy()
    if isinstance(picture, np.ndarray):
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            raise ValueError(f"an array {picture.shape} of {picture.dtype} for (H, W, 3) of uint8")
        return Image.fromarray(picture)
    if not isinstance(picture, str | Path | Image.Image) and not callable(picture):
        raise TypeError(_kind(picture))
    return picture


def _mask_png(look: Any) -> bytes | None:
    if look is None or isinstance(look, bytes):
        return look
    if isinstance(look, Tensor):
        look = look.detach().cpu().numpy()
    values = np.asarray(look)
    marked = values.reshape(values.shape[-2:]) != 0
    if not marked.any():
        return None
    buffer = BytesIO()
    Image.fromarray(marked).save(buffer, "PNG")
    return buffer.getvalue()


def _kind(item: Any) -> str:
    return type(item).__name__
