"""A small network that outlines the objects of a project, learned from the outlines that people have drawn.

The packaged backbone looks at the image, with its ImageNet weights as they are: what the project's own model
has learned wrongly plays no part. Only a head learns, which asks of each cell of 8 × 8 pixels whether it lies
on an object. It sees three depths of the backbone, the cell's colour and its place.
docs/decisions/0051 says how good it is.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from gain_core.dataset.reading import guidance_pictures, picture_of
from gain_core.dataset.sample import Sample
from gain_core.errors import InputError
from gain_core.guidance.proposed_outline import CELL, OUTPUT, SIDE, network_pixels
from gain_core.models.backbones import cut_backbone
from gain_core.models.onnx_export import onnx_bytes
from gain_core.models.spec import DEFAULT_BACKBONE

Progress = Callable[[int, int], None]

GRID = SIDE // CELL  # cells a side
_DEPTHS = (2, 4, 6)  # blocks of the backbone: strides 8, 16 and 16
_HIDDEN = 64
_STEPS, _CELLS = 150, 2048  # of AdamW, and how many cells each takes
_RATE, _DECAY = 3e-3, 0.1


class OutlineNetwork(nn.Module):
    """images (B, 3, SIDE, SIDE) in [-1, 1] -> (B, GRID, GRID) in [0, 1]: how likely each cell is an object's.

    In eval mode, on the CPU.
    """

    def __init__(self) -> None:
        super().__init__()
        parts = cut_backbone(DEFAULT_BACKBONE, 16, pretrained=True, keep_tail=False)
        self.stem, blocks = parts.trunk[:-1], parts.trunk[-1]
        self.blocks = nn.ModuleList(blocks.children())
        across = torch.linspace(-0.5, 0.5, GRID).expand(GRID, GRID)
        down = across.T
        place = torch.stack([across, down, across**2, down**2, (across**2 + down**2).sqrt()])
        self.register_buffer("place", place[None])
        self.register_buffer("mean", torch.zeros(1))  # of each feature, over the cells learned from
        self.register_buffer("scale", torch.ones(1))
        self.head = nn.Sequential()  # until `learn`
        self.requires_grad_(False).eval()

    def features(self, images: Tensor) -> Tensor:
        """(B, K, GRID, GRID)."""
        depths, value = [], self.stem(images)
        for number, block in enumerate(self.blocks):
            value = block(value)
            if number in _DEPTHS:
                depths.append(F.interpolate(value, (GRID, GRID), mode="bilinear"))
        place = self.get_buffer("place").expand(len(images), -1, -1, -1)
        return torch.cat([*depths, F.avg_pool2d(images, CELL), place], 1)

    def forward(self, images: Tensor) -> Tensor:
        cells = (self.features(images).movedim(1, -1) - self.get_buffer("mean")) / self.get_buffer("scale")
        probabilities: Tensor = self.head(cells)[..., 0].sigmoid()
        return probabilities

    def learn(self, cells: Tensor, inside: Tensor, seed: int) -> None:
        """Fit the head. cells (N, K) float32; inside (N,) in [0, 1]: the share of each that is object."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.head = nn.Sequential(
                nn.Dropout(0.2),
                nn.Linear(cells.shape[1], _HIDDEN),
                nn.ReLU(),
                nn.Dropout(0.3),
                nn.Linear(_HIDDEN, 1),
            )
            self.mean, self.scale = cells.mean(0), cells.std(0) + 1e-3
            cells = (cells - self.mean) / self.scale
            optimizer = torch.optim.AdamW(self.head.parameters(), _RATE, weight_decay=_DECAY)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
            for _ in range(_STEPS):
                chosen = torch.randint(len(cells), (_CELLS,))
                logits = self.head(cells[chosen])[:, 0]
                optimizer.zero_grad()
                F.binary_cross_entropy_with_logits(logits, inside[chosen]).backward()
                optimizer.step()
                schedule.step()
        self.head.requires_grad_(False).eval()


def train_outlines(
    samples: Sequence[Sample], seed: int = 0, on_progress: Progress = lambda done, total: None
) -> OutlineNetwork:
    """A network that has learned from those samples that have a *look here* mask of any class.

    The same samples and seed give the same network. on_progress: images that were looked at, and all; it may
    raise to stop. Raises InputError where no sample has a mask, or naming an image that cannot be read.
    """
    with torch.inference_mode(False), torch.no_grad():
        network = OutlineNetwork()
        cells, inside = [], []
        outlined = [(sample, mask) for sample in samples if (mask := _drawn(sample)) is not None]
        if not outlined:
            raise InputError("expected an image with an outline to learn from, got none")
        for done, (sample, mask) in enumerate(outlined):
            on_progress(done, len(outlined))
            images = torch.from_numpy(network_pixels(picture_of(sample)))
            cells.append(network.features(images)[0].flatten(1).T)
            inside.append(torch.from_numpy(mask).flatten())
        with torch.enable_grad():
            network.learn(torch.cat(cells), torch.cat(inside), seed)
    return network


def _drawn(sample: Sample) -> np.ndarray | None:
    """(GRID, GRID) float32: the share of each cell that people marked for any class."""
    masks = [mask for each in sample.each_class if (mask := guidance_pictures(each)[0]) is not None]
    shares = [
        np.asarray(mask.resize((GRID, GRID), Image.Resampling.BOX), dtype=np.float32) / 255 for mask in masks
    ]
    return np.maximum.reduce(shares) if shares else None


def outlines_onnx(network: OutlineNetwork) -> bytes:
    """The network as a file for `proposed_outline.Proposer`."""
    with torch.inference_mode(False), torch.no_grad():
        return onnx_bytes(network, torch.zeros(1, 3, SIDE, SIDE), (OUTPUT,), any_batch=False)
