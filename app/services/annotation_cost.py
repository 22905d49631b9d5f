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
    "Takes two seconds. In our tests (5 seeds) 20 such labels raised the worst group from 67 to 95 % on "
    "photographs of boats (n = 63; 20 outlines: 83 %), and from 38 to 60 % on pasted objects (n = 28; 78 %)."
)
WORTH_OF_ANSWERS = "Fast, but weaker than an outline. Check rare groups in Compare."


def seconds_of_work(kind: Kind, images: int) -> int:
    return SECONDS[kind] * images


def images_in(kind: Kind, seconds: int) -> int:
    """How many images a person guides in this time."""
    return seconds // SECONDS[kind]
