"""Labelled images instead of drawings: validation images of the groups that training lacks, without masks."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest

from app.workspace import Workspace
from benchmarks.rounds import merged
from db import library, splits
from db.records import ImageRecord

Group = tuple[int, tuple[tuple[str, str], ...]]  # class position, group values by name


def counterexamples(
    ws: Workspace, project_id: int, count: int, merge: Sequence[str], seed: int
) -> list[ImageRecord]:
    """Up to `count` validation images of the groups that training lacks, evenly over the groups.

    Empty when training lacks no group. At most half of a group's validation images are taken, so that the
    group can still be evaluated.
    """
    training, validation = (
        merged(library.list_images(ws.database, project_id, split), merge)
        for split in ("train", "validation")
    )
    missing = missing_groups(training, validation)
    return drawn([image for image in validation if group_of(image) in missing], count, seed)


def group_of(image: ImageRecord) -> Group:
    return image.class_position, tuple(sorted(image.groups.items()))


def missing_groups(training: Sequence[ImageRecord], validation: Sequence[ImageRecord]) -> set[Group]:
    """For each class, the groups with the fewest training images, if another group of it has more."""
    counts: dict[int, Counter[Group]] = defaultdict(Counter)
    for image in training:
        counts[image.class_position][group_of(image)] += 1
    for image in validation:
        counts[image.class_position][group_of(image)] += 0
    return {
        group
        for of_class in counts.values()
        for group, count in of_class.items()
        if count == min(of_class.values()) < max(of_class.values())
    }


def drawn(images: Sequence[ImageRecord], count: int, seed: int) -> list[ImageRecord]:
    """At most `count` of the images: groups take turns and give at most half of their images."""
    pools: dict[Group, list[ImageRecord]] = defaultdict(list)
    for image in images:
        pools[group_of(image)].append(image)
    chance = random.Random(seed)
    halves = [chance.sample(pools[group], len(pools[group]) // 2) for group in sorted(pools)]
    return [image for turn in zip_longest(*halves) for image in turn if image is not None][:count]


@contextmanager
def in_training(ws: Workspace, added: Sequence[ImageRecord]) -> Iterator[None]:
    """Validation images moved to training, as people move them in Annotate, and back afterwards."""
    for image in added:
        splits.move_to_training(ws.database, image.id)
    try:
        yield
    finally:
        for image in added:
            splits.move_back(ws.database, image.id)
