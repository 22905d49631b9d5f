"""Controls: the same retrain with blind regions, and with labels instead of regions.

- free_guess: a box in the middle of each image, which needs no human work
- placebo_random: the object's bounding box at a random place
- placebo_other: the outline of an object of another class
- counterexamples: as many labelled images of the groups that training lacks moved there, and no drawing
- both: these and the drawings
- last_layer: the linear head alone, refitted on these (deep feature reweighting)
"""

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from PIL import Image

from app.drawing.regions import regions_from_mask
from app.services import annotation, library
from app.workspace import Workspace
from benchmarks.annotators import Corners, draw_box, guide, guide_by, role_of
from benchmarks.counterexamples import in_training
from benchmarks.last_layer import refitted
from benchmarks.report import say
from benchmarks.rounds import Result, judged, measured, retrained
from db import library as projects
from db.records import ImageRecord, Role, VersionRecord
from gain_core.training.config import DEFAULT_OBJECTIVE

Draw = Callable[[ImageRecord], None]


def controls(
    ws: Workspace,
    biased: VersionRecord,
    images: Sequence[ImageRecord],
    added: Sequence[ImageRecord],
    seed: int,
    options: argparse.Namespace,
) -> Iterator[tuple[str, Result]]:
    """Each control's name and result, with the mode's default form.

    images: those that people draw on. added: the counter-examples; without any there is no row of them.
    """
    left_out = {image.sha256 for image in added}
    for name, draw in placebos(ws, biased.project_id, seed, role_of(options.supervision)).items():
        if not wanted(name, options):
            continue
        guide_by(ws, biased, images, draw)
        trained = retrained(ws, biased, options.mode, DEFAULT_OBJECTIVE[options.mode], seed)
        yield name, measured(ws, trained, options, left_out)
    if not added:
        return
    guide(ws, biased, images, options.supervision)
    with in_training(ws, added):
        for name, form in (("counterexamples", "labels"), ("both", DEFAULT_OBJECTIVE[options.mode])):
            if not wanted(name, options):
                continue
            trained = retrained(ws, biased, options.mode, form, seed)
            yield name, measured(ws, trained, options, left_out)
    if wanted("last_layer", options):
        predictions, seconds = refitted(ws, biased, added, seed)
        yield "last_layer", judged(ws, biased, predictions, seconds, options, left_out)


def wanted(row: str, options: argparse.Namespace) -> bool:
    """Whether this row is measured: all are where nobody named any."""
    return options.rows is None or row in options.rows


def placebos(ws: Workspace, project_id: int, seed: int, role: Role) -> dict[str, Draw]:
    """The blind regions. role: that of the true regions; the free guess is always *look here*."""
    masked = [
        image
        for image in projects.list_images(ws.database, project_id, "train")
        if image.mask_sha256 is not None
    ]
    places, objects = random.Random(seed), random.Random(seed)

    def in_the_middle(image: ImageRecord) -> None:
        draw_box(ws, image, "look_here", middle((image.width, image.height)))

    def anywhere(image: ImageRecord) -> None:
        mask = library.open_mask(ws, image)
        around = mask.getbbox() if mask else None
        if around is not None:
            draw_box(ws, image, role, moved(around, (image.width, image.height), places))

    def of_another(image: ImageRecord) -> None:
        mask = mask_of_another(ws, image, masked, objects)
        regions = [replace(region, role=role) for region in regions_from_mask(mask)]
        annotation.save(ws, image.id, image.class_id, regions)

    draws: dict[str, Draw] = {"free_guess": in_the_middle, "placebo_random": anywhere}
    if len({image.class_position for image in masked}) > 1:
        draws["placebo_other"] = of_another
    else:
        say("no placebo_other: the training images of one class alone have masks")
    return draws


def middle(size: tuple[int, int]) -> Corners:
    """The box half as wide and half as high as a picture of `size` (width, height), in its middle."""
    width, height = size
    return round(width / 4), round(height / 4), round(3 * width / 4), round(3 * height / 4)


def moved(around: Corners, size: tuple[int, int], chance: random.Random) -> Corners:
    """A box of the same size at a uniformly random place of a picture of `size` (width, height)."""
    left, top, right, bottom = around
    width, height = right - left, bottom - top
    x, y = chance.randint(0, size[0] - width), chance.randint(0, size[1] - height)
    return x, y, x + width, y + height


def mask_of_another(
    ws: Workspace, image: ImageRecord, masked: Sequence[ImageRecord], chance: random.Random
) -> Image.Image:
    """The mask of a random image of another class, resized to the size of `image`.

    Masks without a pixel after resizing are skipped.
    """
    others = [other for other in masked if other.class_position != image.class_position]
    for other in chance.sample(others, len(others)):
        mask = library.open_mask(ws, other)
        if mask is not None:
            mask = mask.resize((image.width, image.height), Image.Resampling.NEAREST)
            if mask.getbbox() is not None:
                return mask
    raise SystemExit(f"expected a training image of another class than that of {image.name} with a mask")
