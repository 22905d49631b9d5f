"""What guidance costs in human work: the seconds that one image takes, by how it is given.

Assumed, not measured with people: seconds are what the kinds are compared by in docs/decisions/0012.
"""

from typing import Literal

Kind = Literal["answer", "box", "mask"]

SECONDS: dict[Kind, int] = {
    "answer": 2,  # look at the map, press a key
    "box": 7,  # one drag around the object, and save
    "mask": 25,  # the outline, corner by corner
}


def seconds_of_work(kind: Kind, images: int) -> int:
    return SECONDS[kind] * images


def images_in(kind: Kind, seconds: int) -> int:
    """How many images a person guides in this time."""
    return seconds // SECONDS[kind]
