"""Full mode: where people only said what to ignore, the ignored region becomes another image's.

It then says nothing of the class, while everything else of the image still does. On decoys that beat asking
the rest for the class and the region for none (docs/decisions/0014).
"""

import torch
from torch import Tensor

_MEANT = 0.5  # least share of a mark that a found region covers for the mark to be what was found


def swap_regions(images: Tensor, regions: Tensor) -> Tensor:
    """images (B, 3, S, S), each with its region (B, S, S), in {0, 1}, from another one of them: (B, 3, S, S).

    From the one whose own region overlaps most, among as good ones by chance (torch's global generator):
    there, too, people see nothing that may decide. Where none overlaps any other will do, since what comes
    by chance says nothing of the class either. An image without a region, or alone, stays as it is.
    """
    if len(images) < 2:
        return images
    overlaps = regions.flatten(1) @ regions.flatten(1).T  # (B, B), pixels
    chance = torch.rand(overlaps.shape, device=overlaps.device)  # less than a pixel
    donors = (overlaps + chance).fill_diagonal_(-1).argmax(1)
    return torch.where(regions[:, None] > 0, images[donors], images)


def nearest_marks(regions: Tensor, marks: Tensor) -> Tensor:
    """Which mark was probably found: regions (U, h, w) in {0, 1}, marks (M, h, w) in [0, 1] -> (U,) long.

    A place of the map is coarse, and what is marked has an edge. Of the marks of which a region covers at
    least half, the one that it covers most of; −1 where there is none.
    """
    covered = regions.flatten(1) @ marks.flatten(1).T  # (U, M)
    meant = torch.where(covered >= _MEANT * marks.sum((1, 2)), covered, 0.0)
    most, which = meant.max(1)
    return torch.where(most > 0, which, -1)
