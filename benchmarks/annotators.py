"""Simulated people, who draw and answer by the objects' masks."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from PIL import Image
from scipy import ndimage

from app.drawing.polygonise import polygons_of
from app.drawing.regions import region_from_shape
from app.services import annotation, answers, explanation, library
from app.services.annotation_cost import Kind
from app.services.answers import Place
from app.workspace import Workspace
from db import annotations as stored_guidance
from db.records import ImageRecord, RegionRecord, Role, VersionRecord
from gain_core.imaging.raster import Mask, Point

Corners = tuple[int, int, int, int]  # left, top, right, bottom, pixels
# "ignore": a box over the background beside the object; "ignore_mask": one around what the mask marks. As
# hurried people draw: a "stroke" of the brush along the object, a "circle" around it, nearly closed, and
# "loose", a box half as wide and half as high again.
Supervision = Kind | Literal["ignore", "ignore_mask", "stroke", "circle", "loose"]
LOOSE = 0.5
AROUND = (0.95, 100)  # share of the way around the object, points
STROKE = (0.6, 0.05, 7)  # share of the object's pixels passed, of the picture's longer side wide, points


def takes_as_long_as(supervision: Supervision) -> Kind:
    """The kind of guidance whose seconds apply: any box counts as a box, and so does one stroke."""
    match supervision:
        case "ignore" | "ignore_mask" | "stroke" | "circle" | "loose":
            return "box"
        case _:
            return supervision


def role_of(supervision: Supervision) -> Role:
    """The role of the drawings; for answers it depends on the image."""
    return "ignore_this" if supervision in ("ignore", "ignore_mask") else "look_here"


def guide(ws: Workspace, biased: VersionRecord, images: Sequence[ImageRecord], kind: Supervision) -> None:
    """Guide these images by their masks, and no others of the project."""

    def draw(image: ImageRecord) -> None:
        mask = library.open_mask(ws, image)
        if mask is not None:
            _guide_one(ws, biased, image, mask, kind)

    guide_by(ws, biased, images, draw)


def guide_by(
    ws: Workspace,
    biased: VersionRecord,
    images: Sequence[ImageRecord],
    draw: Callable[[ImageRecord], None],
) -> None:
    """Guide these images with `draw`, and no others of the project."""
    for stored in stored_guidance.list_guidance(ws.database, biased.project_id):
        annotation.save(ws, stored.image_id, stored.class_id, [])
    for image in images:
        draw(image)
    guided = stored_guidance.count_guided_images(ws.database, biased.project_id)
    if guided != len(images):
        raise SystemExit(f"expected {len(images)} guided images, got {guided}: a mask was empty")


def _guide_one(
    ws: Workspace, biased: VersionRecord, image: ImageRecord, mask: Image.Image, kind: Supervision
) -> None:
    if kind == "mask":
        annotation.mask_guidance(ws, image.id, image.class_id, mask)
    elif kind == "answer":
        view = explanation.attention_for(ws, biased, image)
        shown = view.attention(view.predicted)
        place = judged(answers.place_shown(shown, image), np.asarray(mask) != 0)
        answers.answer(ws, image, shown, place)
    elif (around := mask.getbbox()) is None:
        return  # `guide` says so
    elif kind in ("stroke", "circle"):
        line = (along if kind == "stroke" else about)(np.asarray(mask) != 0)
        width = STROKE[1] * max(mask.size)
        region, _ = region_from_shape("brush", "look_here", line, width, mask.size)
        annotation.save(ws, image.id, image.class_id, [] if region is None else [region])
    else:
        role = role_of(kind)
        if kind == "ignore":
            around = beside(around, mask.size)
        elif kind == "loose":
            around = widened(around, mask.size)
        draw_box(ws, image, role, around)


def draw_box(ws: Workspace, image: ImageRecord, role: Role, box: Corners) -> None:
    """Save one box as the guidance of the image's class."""
    left, top, right, bottom = box
    annotation.save(ws, image.id, image.class_id, [RegionRecord("box", role, ((left, top), (right, bottom)))])


def beside(around: Corners, size: tuple[int, int]) -> Corners:
    """The largest box of a picture of `size` (width, height) beside the box `around` an object.

    It is the whole strip to its left or right, above or below; empty when the object fills the picture.
    """
    (left, top, right, bottom), (width, height) = around, size
    strips = ((0, 0, left, height), (right, 0, width, height), (0, 0, width, top), (0, bottom, width, height))
    return max(strips, key=lambda strip: (strip[2] - strip[0]) * (strip[3] - strip[1]))


def widened(around: Corners, size: tuple[int, int]) -> Corners:
    """A box 1.5 times as wide and high, with the same centre, clipped to the picture."""
    (left, top, right, bottom), (width, height) = around, size
    across, down = round(LOOSE / 2 * (right - left)), round(LOOSE / 2 * (bottom - top))
    return max(0, left - across), max(0, top - down), min(width, right + across), min(height, bottom + down)


def along(mask: Mask) -> tuple[Point, ...]:
    """A stroke (x, y) through the middle of an object (height, width) along its longest axis."""
    length, _, points = STROKE
    pixels = np.argwhere(mask)[:, ::-1] + 0.5  # (N, 2): x, y
    about = pixels - pixels.mean(0)
    place = about @ np.linalg.svd(about, full_matrices=False)[2][0]  # (N,): how far along
    first, last = np.quantile(place, [0.5 - length / 2, 0.5 + length / 2])
    nearest = np.abs(place[None] - np.linspace(first, last, points)[:, None]) <= max(
        1.0, (last - first) / (2 * points)
    )
    return tuple((float(x), float(y)) for x, y in (pixels[near].mean(0) for near in nearest if near.any()))


def about(mask: Mask) -> tuple[Point, ...]:
    """A stroke (x, y) along the edge of the largest part of an object (height, width) that ends too early."""
    share, count = AROUND
    edge = polygons_of(ndimage.binary_fill_holes(mask))[0]
    closed = np.array([*edge, edge[0]])  # (n, 2)
    passed = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])  # (n,)
    where = np.linspace(0, share * passed[-1], count)
    x, y = (np.interp(where, passed, along_edge) for along_edge in closed.T)
    return tuple(zip(x.tolist(), y.tolist(), strict=True))


def judged(region: Mask, mask: Mask) -> Place:
    """A person's answer about a region: right when at least half of it lies on the object.

    Both (height, width); an empty region is never right.
    """
    on_object = int((region & mask).sum())
    return "right" if 2 * on_object >= max(1, int(region.sum())) else "wrong"
