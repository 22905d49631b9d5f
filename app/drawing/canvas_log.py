"""What the canvas in the browser tells: actions, in order, each carried out once however often it is told.

A browser sends the newest state of a component and may leave out those between. So the canvas repeats all
actions that it does not know to be done. A change names regions: by what they were called when they were new,
or by a name made of their content, which also a server that has just started finds in its database.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeGuard, get_args

from app.drawing.regions import MAX_REGIONS, Regions, region_from_shape
from db.records import RegionRecord, Role
from gain_core.imaging.raster import Point

Edit = Literal["change", "undo", "redo", "clear", "erase", "outline", "propose", "answer"]  # of one drawing
Do = Literal[Edit, "copy", "save", "go", "judge", "take_back", "move"]
JSON = dict[str, Any]

MOST_POINTS = 100_000  # of one shape that is told; a hand that draws for ten minutes needs half of them
_FARTHEST = 1e7  # image pixels
_REMEMBERED = 1_000  # regions by the names they had when they were new
TOO_MANY = f"A drawing has at most {MAX_REGIONS} regions."
UNREADABLE = "A shape on the canvas cannot be read and is left out."


@dataclass(frozen=True, slots=True)
class Action:
    number: int  # of its canvas, from 1
    image_id: int  # on the canvas at that time
    class_id: int
    do: Do
    values: Mapping[str, Any]  # as told


@dataclass(frozen=True, slots=True)
class Guess:
    """Regions that wait for an answer: do they outline the object?"""

    image_id: int
    class_id: int
    role: Role
    regions: Regions  # none: nothing stands out
    question: str  # for people; without regions what to do instead


class CanvasLog:
    """Of the canvas in one browser window: which actions are done, and its names of regions."""

    def __init__(self) -> None:
        self.id = ""  # of the canvas; another one after a reload
        self.done = 0  # number of the last action carried out
        self.problem = ""  # a sentence about the last actions, where one was not done or not as a whole
        self.guess: Guess | None = None
        self._named: dict[str, RegionRecord | None] = {}
        self._names: dict[RegionRecord, str] = {}
        self._circles: dict[RegionRecord, None] = {}  # strokes around something; a set in order

    def news(self, told: object) -> list[Action]:
        """The actions in what the canvas has told that are not done yet. Never raises."""
        if not isinstance(told, Mapping) or not isinstance(told.get("log"), str):
            return []
        if told["log"] != self.id:  # another canvas, or this server does not remember this one
            done = told.get("done")
            self.id, self.done = told["log"], done if _is_whole(done) else 0
        actions = [_action(item) for item in _listed(told.get("actions"))]
        return [action for action in actions if action is not None and action.number > self.done]

    def changed(self, regions: Regions, action: Action, size: tuple[int, int]) -> Regions:
        """The regions after a change to the drawing of an image of this size (width, height)."""
        changed = list(regions)
        for name in _listed(action.values.get("remove")):
            place = self._place(changed, name)
            if place is not None:
                del changed[place]
        for item in _listed(action.values.get("put")):
            name, told = item if isinstance(item, Sequence) and len(item) == 2 else (None, None)
            place, region = self._place(changed, name), self._read(told, size)
            if place is None:
                place = len(changed)  # it was taken back meanwhile: what a hand has drawn is not lost
            changed[place : place + 1] = [] if region is None else [region]
        for told in _listed(action.values.get("add")):
            region = self._read(told, size)
            changed += [] if region is None else [region]
        if len(changed) > MAX_REGIONS:
            self.problem = f"{TOO_MANY} The last one is left out."
        return tuple(changed[:MAX_REGIONS])

    def told_back(self, regions: Regions) -> list[JSON]:
        """The regions as the canvas takes them."""
        return [_shape_of(region, self._names.get(region)) for region in regions]

    def circled(self, regions: Regions) -> set[Role]:
        """Roles of those regions that were strokes around something when they were drawn here."""
        return {region.role for region in regions if region in self._circles}

    def _place(self, regions: Sequence[RegionRecord], name: object) -> int | None:
        if not isinstance(name, str):
            return None
        region = self._named.get(name)
        if region is not None:
            return regions.index(region) if region in regions else None
        return next((place for place, region in enumerate(regions) if name_of(region) == name), None)

    def _read(self, told: object, size: tuple[int, int]) -> RegionRecord | None:
        """A new region, known by its name from now on; None for what covers no pixel."""
        shape = shape_from(told)
        if shape is None or not isinstance(told, Mapping):
            self.problem = UNREADABLE
            return None
        region, goes_around = region_from_shape(shape.shape, shape.role, shape.points, shape.width, size)
        name = told.get("name")
        if isinstance(name, str):
            self._named[name] = region
            if region is not None:
                self._names[region] = name
        if region is not None and goes_around:
            self._circles[region] = None
        for remembered in (self._named, self._names, self._circles):
            if len(remembered) > _REMEMBERED:
                del remembered[next(iter(remembered))]  # type: ignore[arg-type]
        return region


@lru_cache(maxsize=_REMEMBERED)
def name_of(region: RegionRecord) -> str:
    return hashlib.blake2s(repr(region).encode(), digest_size=8).hexdigest()


def shape_from(told: object) -> RegionRecord | None:
    """A shape as the canvas tells it, in image pixels and as large as it likes; None for anything else."""
    if not isinstance(told, Mapping):
        return None
    shape, role, width = told.get("shape"), told.get("role"), told.get("width")
    points = points_from(told.get("points"))
    enough = {"box": len(points) == 2, "polygon": len(points) > 2, "brush": len(points) > 0}
    if not isinstance(shape, str) or not enough.get(shape) or role not in get_args(Role):
        return None
    if shape != "brush":
        width = None
    elif not _is_number(width) or not width > 0:
        return None
    return RegionRecord(shape, role, points, width)  # type: ignore[arg-type]


def points_from(told: object) -> tuple[Point, ...]:
    """Points as the canvas tells them; none where anything in it is no point."""
    items = _listed(told)
    if len(items) > MOST_POINTS:
        return ()
    if not all(isinstance(item, list | tuple) and len(item) == 2 for item in items):
        return ()
    if not all(_is_number(x) and _is_number(y) for x, y in items):
        return ()
    return tuple((float(x), float(y)) for x, y in items)


def _is_number(value: object) -> TypeGuard[float]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= _FARTHEST  # nor is it anything else than a number; an integer may have any length


def _is_whole(value: object) -> TypeGuard[int]:
    """Whether it is a whole number that a database can look for."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _listed(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _action(told: object) -> Action | None:
    if not isinstance(told, Mapping) or told.get("do") not in get_args(Do):
        return None
    numbers = [told.get(name) for name in ("number", "image", "label")]
    if not all(_is_whole(number) for number in numbers):
        return None
    number, image_id, class_id = numbers
    return Action(number, image_id, class_id, told["do"], told)  # type: ignore[arg-type]


def _shape_of(region: RegionRecord, alias: str | None) -> JSON:
    return {
        "name": name_of(region),
        "alias": alias,
        "shape": region.shape,
        "role": region.role,
        "points": region.points,
        "width": region.width,
    }
