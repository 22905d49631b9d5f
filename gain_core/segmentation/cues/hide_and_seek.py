"""Hide-and-Seek (Singh and Lee, ICCV 2017): a classifier sees training images with random cells hidden.

Each time that an image is read, a grid is drawn: cells of 16, 32, 44 or 56 of 224 pixels, or none; each
cell is hidden with probability 0.5, in the mean colour. Maps are of whole images. All as in that paper's
best variant ("mixed").
"""

from collections.abc import Sequence

import numpy as np

from gain_core.dataset.sample import Sample
from gain_core.segmentation.cues.classifier import CueTraining, Maps, maps_of
from gain_core.segmentation.cues.hidden_pixels import painted_over

CELLS = (0.0, 16 / 224, 32 / 224, 44 / 224, 56 / 224)  # of a side; 0: nothing is hidden
PROBABILITY = 0.5


def maps(samples: Sequence[Sample], training: CueTraining) -> Maps:
    chance = np.random.default_rng(training.config.seed)

    def hidden(height: int, width: int) -> np.ndarray:
        return random_cells(height, width, chance)

    model = training.trained([painted_over(sample, hidden, training.spec) for sample in samples])
    return maps_of(model, samples)


def random_cells(height: int, width: int, chance: np.random.Generator) -> np.ndarray:
    """(height, width) bool: True in the cells that are hidden this time."""
    share = CELLS[chance.integers(len(CELLS))]
    if share == 0:
        return np.zeros((height, width), dtype=np.bool_)
    count = int(np.ceil(1 / share))
    cells = chance.random((count, count)) < PROBABILITY
    rows, columns = ((np.arange(side) / (share * side)).astype(int) for side in (height, width))
    hidden: np.ndarray = cells[rows][:, columns]
    return hidden
