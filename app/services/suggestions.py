"""Suggestions: properties of images that give a class away, and groups of a class that the model gets wrong,
found before anybody draws.

They are found in the background for the published version, and read from a file.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from random import Random
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.errors import MissingFileError
from app.services import explanation
from app.services.queue import LOOKED_AT
from app.workspace import Workspace
from db import library as rows
from db import versions
from db.image_facts import read_facts
from db.records import ImageRecord, Split, VersionRecord
from gain_core.analysis.image_properties import Properties, properties_of
from gain_core.analysis.rim import Answers, answers, preprocessed, rim_features
from gain_core.analysis.shortcuts import OF_FILES, Shortcut, find_shortcuts
from gain_core.analysis.weak_groups import of_attributes, weak_groups, without_shortcut
from gain_core.atomic import write_atomically
from gain_core.errors import InputError
from gain_core.imaging.pictures import open_rgb

FILE = "suggestions.json"
SHOWN = 5
SHOWN_GROUPS = 3
LEAST_VALIDATION = 50  # images with a prediction, for groups to be counted on them
IMAGES = 600  # looked at, in equal parts of each class, in the background
_AT_ONCE = 16
_SEPARATORS = re.compile(r"[_\s-]")

Progress = Callable[[int, int, str], None]  # done, total, what is being done


Kind = Literal["property", "group"]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A property that goes with a class, or a group of a class that the model gets wrong more often."""

    number: int  # from 0
    sentence: str  # for people
    evidence: str  # for people: the test, and what the model says of the rim alone and without it
    # Of a property: training images that have it, those of the class first. Of a group: its images, those
    # predicted wrong first.
    image_ids: tuple[int, ...]
    kind: Kind = "property"
    validation: int = 0  # of these images

    @property
    def key(self) -> tuple[None, int]:
        """As of an evidence group, which has a class position in the first place."""
        return None, self.number

    @property
    def images(self) -> int:
        return len(self.image_ids)

    @property
    def training(self) -> int:
        return self.images - self.validation


def find(ws: Workspace, version_id: int, folder: Path, on_progress: Progress) -> None:
    """Write `suggestions.json`: first groups whose accuracy falls, then shortcuts, the strongest first.

    A shortcut is learned from training images; others may have been chosen so that it fails in them.

    A project whose images show several classes gets none. Raises MissingFileError,
    db.errors.NotFoundError, gain_core.errors.CheckpointError.
    """
    version = versions.get_version(ws.database, version_id)
    names = [item.name for item in rows.list_classes(ws.database, version.project_id)]
    model = explanation.SHELF.get(ws, version)
    images = rows.list_images(ws.database, version.project_id, "train")
    chosen = [] if model.spec.multi_label else _chosen(images)
    properties: list[Properties] = []
    parts: list[tuple[Answers, NDArray[np.float32]]] = []
    for start in range(0, len(chosen), _AT_ONCE):
        on_progress(start, len(chosen), "Looking for shortcuts")
        chunk = chosen[start : start + _AT_ONCE]
        looked_at = [_looked_at(ws, image, names, model.spec.image_size) for image in chunk]
        properties += [found for found, _ in looked_at]
        pictures = preprocessed(model, [picture for _, picture in looked_at])
        parts.append((answers(model, pictures), rim_features(model, pictures)))
    found: list[Suggestion] = []
    if chosen:
        labels = [image.class_position for image in chosen]
        features = np.concatenate([of_rim for _, of_rim in parts])
        said = Answers(*(np.concatenate(kind) for kind in zip(*(part for part, _ in parts), strict=True)))
        shortcuts = find_shortcuts(properties, labels, features)[:SHOWN]
        found = [
            *_failing(ws, version, names, chosen, shortcuts),
            *(_of_property(shortcut, chosen, said, names) for shortcut in shortcuts),
        ]
    numbered = [asdict(replace(item, number=number)) for number, item in enumerate(found)]
    write_atomically(folder / FILE, json.dumps(numbered).encode(), durable=False)


def _of_property(
    shortcut: Shortcut, chosen: Sequence[ImageRecord], said: Answers, names: Sequence[str]
) -> Suggestion:
    having = [image for image, has in zip(chosen, shortcut.having, strict=True) if has]
    name, labels = names[shortcut.label], np.array([image.class_position for image in chosen])
    own_first = sorted(having, key=lambda image: image.class_position != shortcut.label)
    return Suggestion(
        0,
        shortcut.sentence(name),
        _evidence(shortcut, labels, said, name),
        tuple(image.id for image in own_first),
    )


def _failing(
    ws: Workspace,
    version: VersionRecord,
    names: Sequence[str],
    chosen: Sequence[ImageRecord],
    shortcuts: Sequence[Shortcut],
) -> list[Suggestion]:
    """Groups whose accuracy falls. Counted on validation images where there are enough: a model can be right
    about all images that it has learned. chosen: training images, of which the shortcuts were found.
    """
    facts = read_facts(ws.database, version.project_id, version.id)
    right = {fact.image_id: fact.right for fact in facts if fact.right is not None}
    images = {
        split: [item for item in rows.list_images(ws.database, version.project_id, split) if item.id in right]
        for split in LOOKED_AT
    }
    split: Split = "validation" if len(images["validation"]) >= LEAST_VALIDATION else "train"
    tested = of_attributes(*_results(images[split], right), [image.groups for image in images[split]])
    has_result = np.array([image.id in right for image in chosen])
    learned = [image for image in chosen if image.id in right]
    known = [replace(shortcut, having=shortcut.having[has_result]) for shortcut in shortcuts]
    tested += without_shortcut(*_results(learned, right), known)
    suggestions = []
    for group in weak_groups(tested)[:SHOWN_GROUPS]:
        if group.attribute is None:
            members = [image for image, is_in in zip(learned, group.members, strict=True) if is_in]
        else:
            name, value = group.attribute
            members = [
                image
                for of_split in images.values()
                for image in of_split
                if image.class_position == group.label and image.groups.get(name) == value
            ]
        members.sort(key=lambda image: right[image.id])  # wrong ones first
        what = "training images" if group.attribute is None or split == "train" else "validation images"
        suggestions.append(
            Suggestion(
                0,
                group.sentence(names[group.label], what),
                f"Unlikely by chance: p < 0.001, corrected for {group.tests} tests.",
                tuple(image.id for image in members),
                "group",
                sum(image.split == "validation" for image in members),
            )
        )
    return suggestions


def _results(images: Sequence[ImageRecord], right: Mapping[int, bool]) -> tuple[list[int], list[bool]]:
    """Class positions, and whether they are predicted right."""
    return [image.class_position for image in images], [right[image.id] for image in images]


def read(folder: Path) -> tuple[Suggestion, ...]:
    """What `find` wrote."""
    values: list[dict[str, Any]] = json.loads((folder / FILE).read_bytes())
    return tuple(Suggestion(**{**item, "image_ids": tuple(item["image_ids"])}) for item in values)


def _chosen(images: Sequence[ImageRecord]) -> list[ImageRecord]:
    """As many of each class while there are some; always the same ones."""
    of_class: dict[int, list[ImageRecord]] = defaultdict(list)
    for image in images:
        of_class[image.class_position].append(image)
    each = IMAGES // max(1, len(of_class))
    return [
        image
        for position in sorted(of_class)
        for image in Random(position).sample(of_class[position], min(each, len(of_class[position])))  # noqa: S311
    ]


def _looked_at(
    ws: Workspace, image: ImageRecord, names: Collection[str], side: int
) -> tuple[Properties, Image.Image]:
    """Properties, and the picture with at least `side` pixels where it has so many."""
    path = ws.files.image(image.sha256, image.suffix)
    try:
        return properties_of(path, without_classes(image.name, names)), open_rgb(path, at_least=side)
    except InputError as error:
        raise MissingFileError(
            f"The file of {image.name} is missing from the data folder or damaged."
        ) from error


def without_classes(name: str, names: Collection[str]) -> str:
    """A file's name without folders that are named like a class or a split, and without a class's name in
    front: that is how people file images, and no property of them.
    """
    told = {item.casefold() for item in (*names, "train", "training", "validation", "val", "valid", "test")}
    path = PurePosixPath(name)
    folders = [part for part in path.parts[:-1] if part.casefold() not in told]
    plain = _SEPARATORS.sub(" ", path.name.casefold())
    fronts = [len(item) for item in names if _begins_with(plain, _SEPARATORS.sub(" ", item.casefold()))]
    return "/".join((*folders, path.name[max(fronts, default=0) :] or path.name))


def _begins_with(text: str, word: str) -> bool:
    """Whether no letter follows the word in front: “cart” does not begin with “car”."""
    return text.startswith(word) and not text[len(word) : len(word) + 1].isalpha()


def _evidence(shortcut: Shortcut, labels: NDArray[np.int_], said: Answers, name: str) -> str:
    """In how many of the others it is, the test, and what the model says of the class's images with it."""
    test = (
        f"{shortcut.others_shown} of {shortcut.others} other images do too. Unlikely by chance: p < 0.001, "
        f"corrected for {shortcut.tests} tests."
    )
    if shortcut.kind in OF_FILES:
        return f"{test} The model sees pixels alone: look whether these images look alike."
    asked = shortcut.having & (labels == shortcut.label)
    alone, without = (int((logits[asked].argmax(1) == shortcut.label).sum()) for logits in said)
    count = int(asked.sum())
    return (
        f"{test} The model answers “{name}” on {alone} of these {count} when only the outer rim is left, and "
        f"on {without} of {count} without it."
    )
