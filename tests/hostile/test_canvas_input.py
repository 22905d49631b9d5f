"""What no canvas of ours would tell: nothing of it stops the page, and what is read can be stored."""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.drawing.canvas_log import CanvasLog, shape_from
from app.drawing.eraser import erased
from app.drawing.fabric import LOOK_COLOUR, CanvasDrawing
from app.drawing.regions import MAX_REGIONS, Regions, look_share, rasterise
from db.engine import to_json
from db.records import RegionRecord, Shape

SIZE = (90, 60)
BOX = RegionRecord("box", "look_here", ((10.0, 10.0), (60.0, 50.0)))
HOSTILE = settings(max_examples=150, deadline=None, derandomize=True, database=None)

NUMBER = st.one_of(
    st.integers(),
    st.floats(),
    st.floats(-200, 200),
    st.sampled_from([0, -1, 2**31, 2**63, 10**400, -(10**400), 1e300, float("inf"), float("nan")]),
)
NONSENSE = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBER, st.text(max_size=8), st.just("x"), st.just("\x00\ud800")),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=6), parts, max_size=4),
    max_leaves=8,
)
POINTS = st.lists(st.lists(NUMBER, min_size=2, max_size=2), max_size=6)


def mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Nine times what a canvas tells, else anything."""
    return st.integers(0, 9).flatmap(lambda chance: NONSENSE if chance == 0 else usual)


def told(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A record whose fields are mostly as they should be."""
    return mostly(st.fixed_dictionaries({name: mostly(usual) for name, usual in fields.items()}))


SHAPE = told(
    name=st.sampled_from(["a", "b", "c"]),
    shape=st.sampled_from(["box", "polygon", "brush", "circle"]),
    role=st.sampled_from(["look_here", "ignore_this", "maybe"]),
    points=POINTS,
    width=NUMBER,
)
ACTION = told(
    number=st.integers(1, 9),
    image=st.just(1),
    label=st.just(2),
    do=st.sampled_from(["change", "erase", "undo", "save", "go"]),
    remove=st.lists(mostly(st.sampled_from(["a", "b"])), max_size=2),
    put=st.lists(mostly(st.tuples(st.sampled_from(["a", "b"]), SHAPE)), max_size=2),
    add=st.lists(SHAPE, max_size=3),
    points=POINTS,
    width=NUMBER,
)
LOG = told(log=st.sampled_from(["1", "2"]), done=st.integers(0, 9), actions=st.lists(ACTION, max_size=3))
COLOUR = st.sampled_from([LOOK_COLOUR, f"{LOOK_COLOUR}99", "#f0308c", "#123456", "red"])
COMMAND = mostly(st.tuples(st.sampled_from(["M", "L", "Q", "Z", "C"]), NUMBER, NUMBER, NUMBER, NUMBER))
OBJECT = told(
    type=st.sampled_from(["Rect", "Polygon", "Path", "Circle"]),
    stroke=COLOUR,
    strokeWidth=NUMBER,
    left=NUMBER,
    top=NUMBER,
    width=NUMBER,
    height=NUMBER,
    scaleX=NUMBER,
    scaleY=NUMBER,
    angle=NUMBER,
    skewX=NUMBER,
    originX=st.sampled_from(["left", "center", "middle"]),
    points=st.lists(told(x=NUMBER, y=NUMBER), max_size=5),
    path=st.lists(COMMAND, max_size=6),
    fill=COLOUR,
)
DRAWING = mostly(st.fixed_dictionaries({"objects": mostly(st.lists(OBJECT, max_size=4))}))


@HOSTILE
@given(st.lists(LOG, min_size=1, max_size=3))
def test_whatever_our_canvas_tells_the_drawing_stays_one(all_told: list[Any]) -> None:
    log = CanvasLog()
    regions: Regions = (BOX,)
    for each in all_told:
        for action in log.news(each):
            log.done = action.number
            regions = log.changed(regions, action, SIZE)
            _is_a_drawing(regions)
            strictly = json.dumps(log.told_back(regions), allow_nan=False)
            assert len(json.loads(strictly)) == len(regions)


@HOSTILE
@given(mostly(POINTS), mostly(NUMBER), st.sampled_from(["box", "polygon", "brush"]))
def test_whatever_is_erased_the_rest_is_a_drawing(points: Any, width: Any, kind: Shape) -> None:
    corners = ((5.0, 5.0), (70.0, 40.0), (9.0, 50.0))
    region = RegionRecord(
        kind, "look_here", corners[: 2 if kind == "box" else 3], 9.0 if kind == "brush" else None
    )
    stroke = shape_from({"points": points, "width": width, "shape": "brush", "role": "look_here"})
    if stroke is not None:
        _is_a_drawing(erased((region,), stroke.points, stroke.width or 1.0, SIZE))


@HOSTILE
@given(st.lists(DRAWING, min_size=1, max_size=3), st.sampled_from([(600, 400), (1, 1), (0, 0), (0, 400)]))
def test_whatever_the_fallback_canvas_tells_the_drawing_stays_one(
    all_told: list[Any], canvas: tuple[int, int]
) -> None:
    drawing = CanvasDrawing((BOX,), SIZE, canvas)
    for each in all_told:
        regions = drawing.read(each)
        _is_a_drawing(regions)
        assert drawing.read(each) == regions
        assert CanvasDrawing(regions, SIZE, canvas).regions == regions  # it comes back


def _is_a_drawing(regions: Regions | Sequence[RegionRecord]) -> None:
    """It can be stored, measured and drawn."""
    assert len(regions) <= MAX_REGIONS
    to_json([region.points for region in regions])
    share = look_share(regions, SIZE)
    assert share is None or 0 <= share <= 1
    for mask in rasterise(regions, SIZE):
        assert mask is None or mask.size == SIZE
