"""The cost of guidance in seconds of human work, and its benefit.

The seconds are assumed, not measured with people. Measured benefits: docs/decisions/0012.
"""

from typing import Literal

Kind = Literal["answer", "box", "mask"]

SECONDS: dict[Kind, int] = {
    "answer": 2,  # look at the map, press a key
    "box": 7,  # one drag around the object, and save
    "mask": 25,  # the outline, corner by corner
}

# Shown on the pages. The figures are from docs/bias-correction.md: change both together.
START_SMALL = "A few tight outlines per class are enough; a box includes background."
WORTH_OF_LABELS = (
    "Takes two seconds. Worst group on test images with 20 such labels, 5 seeds, and in brackets after the "
    "same training without them: boats 95 ± 3 % (67 ± 3, n = 63), pasted objects 60 ± 11 % (38 ± 4, n = 28), "
    "fruit 71 ± 4 % (67 ± 4, 3 seeds, n = 38)."
)
WORTH_OF_ANSWERS = "Fast, but weaker than an outline. Check rare groups in Compare."


def seconds_of_work(kind: Kind, images: int) -> int:
    return SECONDS[kind] * images


def images_in(kind: Kind, seconds: int) -> int:
    """How many images a person guides in this time."""
    return seconds // SECONDS[kind]
