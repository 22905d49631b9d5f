"""Labelled images instead of drawings: validation images of the groups that training lacks, without masks."""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import zip_longest

from app.workspace import Workspace
from benchmarks.copies import copied, version_in
from benchmarks.rounds import merged, retrained
from db import library
from db.records import ImageRecord, RunMode, VersionRecord

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


def retrained_with(
    ws: Workspace, biased: VersionRecord, added: Sequence[ImageRecord], mode: RunMode, seed: int
) -> tuple[VersionRecord, float]:
    """A retrain of the biased model by labels alone, with these images added to training; and its seconds.

    It is a version of a copy of the project, in which the images are training images.
    """
    project_id = copied(
        ws,
        biased.project_id,
        "with counter-examples",
        to_training={image.sha256 for image in added},
    )
    return retrained(ws, version_in(ws, biased, project_id), mode, "labels", seed)
