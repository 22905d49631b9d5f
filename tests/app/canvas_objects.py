"""Objects that the real canvas sent in a browser: a canvas of 600 × 400 over an image of 300 × 200, so that
one image pixel is two canvas pixels.
"""

from typing import Any

from app.drawing.fabric import CanvasDrawing
from app.drawing.regions import Regions

IMAGE, CANVAS = (300, 200), (600, 400)
STYLE = {"fill": "#00b86b40", "stroke": "#00b86b", "strokeWidth": 2}
# Dragged from (100, 60) to (220, 160); the browser's canvas began half a pixel further down.
RECT = {
    **STYLE,
    "type": "Rect",
    "originX": "left",
    "originY": "top",
    "left": 100,
    "top": 59.5,
    "width": 120,
    "height": 100,
    "strokeUniform": True,
    "scaleX": 1,
    "scaleY": 1,
    "angle": 0,
}
# The same after dragging it by (30, 20) and turning it by its handle. On the screenshot its corners were at
# (183, 54), (270, 137), (200, 210) and (112, 125).
TURNED = {**RECT, "left": 182.7984, "top": 51.4131, "angle": 44.1815}
POLYGON = {
    **STYLE,
    "type": "Polygon",
    "originX": "center",
    "originY": "center",
    "left": 150,
    "top": 299.5,
    "width": 100,
    "height": 100,
    "points": [{"x": 100, "y": 249.5}, {"x": 200, "y": 259.5}, {"x": 180, "y": 349.5}],
}
# Drawn freehand through (300, 100), (340, 150), (400, 120) and (420, 180); here in the other role's colour.
STROKE = {
    "type": "Path",
    "originX": "center",
    "originY": "center",
    "left": 360,
    "top": 139.5,
    "width": 120.04,
    "height": 80.04,
    "fill": None,
    "stroke": "#f0308c99",
    "strokeWidth": 20,
    "strokeUniform": False,
    "path": [
        ["M", 299.98, 99.48],
        ["Q", 300, 99.5, 304, 104.5],
        ["Q", 308, 109.5, 312, 114.5],
        ["Q", 316, 119.5, 320, 124.5],
        ["Q", 324, 129.5, 328, 134.5],
        ["Q", 332, 139.5, 336, 144.5],
        ["Q", 340, 149.5, 346, 146.5],
        ["Q", 352, 143.5, 358, 140.5],
        ["Q", 364, 137.5, 370, 134.5],
        ["Q", 376, 131.5, 382, 128.5],
        ["Q", 388, 125.5, 394, 122.5],
        ["Q", 400, 119.5, 402, 125.5],
        ["Q", 404, 131.5, 406, 137.5],
        ["Q", 408, 143.5, 410, 149.5],
        ["Q", 412, 155.5, 416, 167.5],
        ["L", 420.02, 179.52],
    ],
}


def drawn(*objects: dict[str, Any]) -> Regions:
    return CanvasDrawing((), IMAGE, CANVAS).read({"version": "7.4.0", "objects": list(objects)})
