"""Training images of full mode: random crops, flips and colours; masks are cropped and flipped alike."""

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, default_collate
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from gain_core.dataset.reading import counted, guidance_pictures, label_rows, picture_of
from gain_core.dataset.sample import Sample
from gain_core.errors import InputError
from gain_core.guidance.composites import Composite
from gain_core.models.spec import ModelSpec, normalised
from gain_core.training.config import TrainConfig
from gain_core.training.sampling import seeded

Draw = tuple[int, int, int]  # step, place in the batch, position in the list of samples
Loaded = tuple[Tensor, Tensor, Tensor]  # image, masks, labels


class AugmentedSamples(Dataset[Loaded]):
    """A data set indexed by draw. What is random follows from the seed and the draw alone, not from the
    process that loads the image.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        spec: ModelSpec,
        config: TrainConfig,
        composites: Sequence[Composite] = (),
    ) -> None:
        """A draw's position counts the samples, then the composites. config: seed and augmentation."""
        self._samples = samples
        self._composites = composites
        self._labels = label_rows(samples)  # (N, n) long
        self._spec = spec
        self._seed = config.seed
        size = [spec.image_size, spec.image_size]
        filtered = v2.InterpolationMode(spec.interpolation)
        self._squash = v2.Resize(size, filtered, antialias=True)
        self._whole = self._squash  # as in prediction
        if spec.shorter_side is not None:
            shorter = v2.Resize(spec.shorter_side, filtered, antialias=True)
            self._whole = v2.Compose([shorter, v2.CenterCrop(size)])
        # A crop has a side of at most 4 to 3: of a longer image it would never be the whole.
        crops = config.smallest_crop < 1
        scale = (config.smallest_crop, 1.0)
        crop = v2.RandomResizedCrop(size, scale=scale, interpolation=filtered, antialias=True)
        self._crop = crop if crops else None
        self._flip = v2.RandomHorizontalFlip(0.5 if config.horizontal_flip else 0.0)
        jitter = config.colour_jitter
        self._colour = v2.ColorJitter(brightness=jitter, contrast=jitter, saturation=jitter)

    def __getitem__(self, draw: Draw) -> Loaded:
        """Image (3, S, S) float32, normalised; look and ignore of each class (n, 2, S, S) float32 in {0, 1};
        the classes (n,) long, as `label_rows` has them.

        Raises InputError naming an image that cannot be read.
        """
        step, slot, position = draw
        image, masks, labels = self._read(position)
        with seeded((self._seed, step, slot), torch.device("cpu")):
            image, masks = self.move(image, masks, position >= len(self._samples))
            image = self._colour(image)
        drawn = masks.as_subclass(Tensor).float().unflatten(0, (len(labels), 2))
        return torch.from_numpy(normalised(image, self._spec)), drawn, labels

    def _read(self, position: int) -> tuple[Image.Image, tv_tensors.Mask, Tensor]:
        if position < len(self._samples):
            sample, labels = self._samples[position], self._labels[position]
            image = picture_of(sample)
            return image, _masks(sample, image.size, len(labels)), labels
        composite = self._composites[position - len(self._samples)]
        image = Image.fromarray(composite.pixels)
        labels = torch.full_like(self._labels[0], -1 if composite.label is None else composite.label)
        return image, tv_tensors.Mask(torch.zeros(2 * len(labels), *image.size, dtype=torch.uint8)), labels

    def __getitems__(self, draws: Sequence[Draw]) -> list[Loaded] | InputError:
        """As `__getitem__` for each draw. InputError is returned instead of raised: raised in a process that
        loads images, it would reach the trainer as the text of a traceback.
        """
        try:
            return [self[draw] for draw in draws]
        except InputError as error:
            return error

    def move(
        self, image: Image.Image, masks: tv_tensors.Mask, composite: bool = False
    ) -> tuple[Image.Image, tv_tensors.Mask]:
        """Crop, resize to S×S and flip both alike, as the config says: masks (2n, H, W) -> (2n, S, S) uint8.

        Where a crop would lose the whole mask of a role, the image is taken as in prediction. A composite
        already has that frame and is only resized.
        """
        whole = self._squash if composite else self._whole
        cropped = (self._crop or whole)(image, masks)
        drawn = masks.flatten(1).any(1)
        kept = cropped[1].flatten(1).any(1)
        moved: tuple[Image.Image, tv_tensors.Mask] = self._flip(
            cropped if bool((kept == drawn).all()) else whole(image, masks)
        )
        return moved


def together(loaded: list[Loaded] | InputError) -> Any:
    """Stack one batch: images (B, 3, S, S), masks (B, n, 2, S, S), labels (B, n), where n is the most classes
    that one of these images shows. An InputError is passed on.
    """
    if isinstance(loaded, InputError):
        return loaded
    shown = max(int(counted(labels[None]).sum()) for _, _, labels in loaded)
    return default_collate([(image, masks[:shown], labels[:shown]) for image, masks, labels in loaded])


def _masks(sample: Sample, size: tuple[int, int], count: int) -> tv_tensors.Mask:
    """Look and ignore of each of `count` classes, of a picture of `size` (width, height).

    (2 · count, H, W) uint8 in {0, 1}; 0: not drawn. The classes are those of `label_rows`; repeats have none.
    """
    roles = torch.zeros(2 * count, size[1], size[0], dtype=torch.uint8)
    pictures = [mask for one in sample.each_class for mask in guidance_pictures(one)]
    for role, mask in zip(roles, pictures, strict=False):
        if mask is not None:
            resized = mask.resize(size, Image.Resampling.NEAREST)
            role.copy_(functional.pil_to_tensor(resized)[0] > 0)
    return tv_tensors.Mask(roles)
