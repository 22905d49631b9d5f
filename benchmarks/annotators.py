"""Simulated people: which images they take, and what they draw or answer, going by the objects' masks."""

import random
from collections import defaultdict
from collections.abc import Sequence
from itertools import zip_longest
from typing import Literal

import numpy as np
from PIL import Image

from app.services import annotation, answers, explanation, library
from app.services.answers import Place
from app.services.effort import Kind
from app.services.workspace import Workspace
from db import annotations as stored_guidance
from db import library as projects
from db.records import ImageRecord, RegionRecord, VersionRecord
from gain_core.raster import Mask

Order = Literal["balanced", "random", "app"]


def in_order(ws: Workspace, biased: VersionRecord, order: Order, seed: int) -> list[ImageRecord]:
    """Training images with a mask, in the order in which they get guidance (see `--order`)."""
    if order == "app":
        images = [item.image for item in annotation.queue(ws, biased.project_id, biased.id)]
    else:
        images = projects.list_images(ws.database, biased.project_id, split="train")
        generator = random.Random(seed)
        if order == "random":
            generator.shuffle(images)
        else:
            images = _balanced(images, generator)
    return [image for image in images if image.mask_sha256 is not None]


def _balanced(images: Sequence[ImageRecord], generator: random.Random) -> list[ImageRecord]:
    """The classes take turns; at random within a class."""
    pools: dict[int, list[ImageRecord]] = defaultdict(list)
    for image in images:
        pools[image.class_position].append(image)
    for position in sorted(pools):
        generator.shuffle(pools[position])
    turns = zip_longest(*(pools[position] for position in sorted(pools)))
    return [image for turn in turns for image in turn if image is not None]


def guide(ws: Workspace, biased: VersionRecord, images: Sequence[ImageRecord], kind: Kind) -> None:
    """Guidance for these images and no others of the project."""
    for stored in stored_guidance.list_guidance(ws.database, biased.project_id):
        annotation.save(ws, stored.image_id, stored.class_id, [])
    for image in images:
        mask = library.open_mask(ws, image)
        if mask is not None:
            _guide_one(ws, biased, image, mask, kind)
    guided = stored_guidance.count_guided_images(ws.database, biased.project_id)
    if guided != len(images):
        raise SystemExit(f"expected {len(images)} guided images, got {guided}: a mask was empty")


def _guide_one(
    ws: Workspace, biased: VersionRecord, image: ImageRecord, mask: Image.Image, kind: Kind
) -> None:
    if kind == "mask":
        annotation.mask_guidance(ws, image.id, image.class_id, mask)
    elif kind == "answer":
        view = explanation.attention_for(ws, biased, image)
        place = judged(answers.place_shown(view, image, view.predicted), np.asarray(mask) != 0)
        answers.answer(ws, image, view, view.predicted, place)
    elif (corners := mask.getbbox()) is not None:
        left, top, right, bottom = corners
        box = RegionRecord("box", "look_here", ((left, top), (right, bottom)))
        annotation.save(ws, image.id, image.class_id, [box])


def judged(region: Mask, mask: Mask) -> Place:
    """What a person says of a place: right when at least half of it lies on the object.

    Both (height, width); an empty region is never right.
    """
    on_object = int((region & mask).sum())
    return "right" if 2 * on_object >= max(1, int(region.sum())) else "wrong"
