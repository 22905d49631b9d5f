"""The drawing canvas over a photograph."""

from typing import Any, cast

from streamlit_drawable_canvas import st_canvas

from app.services.drawing import OUTLINE_WIDTH, brush_colour, fill_colour, stroke_colour
from app.state import Tool
from db.records import Role

TOOLS: dict[Tool, str] = {
    "rect": ":material/crop_square: Box",
    "polygon": ":material/polyline: Polygon",
    "freedraw": ":material/brush: Brush",
}
HOW: dict[Tool, str] = {  # beside the tools; the brush has its slider there
    "rect": "Press, drag, let go.",
    "polygon": "End on the first corner.",
}
ROLES: dict[Role, str] = {
    "look_here": ":material/visibility: Look here",
    "ignore_this": ":material/visibility_off: Ignore this",
}


def drawing_canvas(
    background: bytes,
    size: tuple[int, int],
    *,
    key: str,
    seed: dict[str, Any],
    tool: Tool,
    role: Role,
    brush: int,
    disabled: bool = False,
) -> dict[str, Any]:
    """Draw the canvas and return its JSON; while `key` and `seed` stay the same, drawing is not disturbed."""
    result = st_canvas(
        fill_color=fill_colour(role),
        stroke_width=brush if tool == "freedraw" else OUTLINE_WIDTH,
        stroke_color=brush_colour(role) if tool == "freedraw" else stroke_colour(role),
        background_image=background,
        drawing_mode=tool,
        initial_drawing=seed,
        width=size[0],
        height=size[1],
        point_display_radius=4,
        disabled=disabled,
        key=key,
    )
    return cast(dict[str, Any], result.json_data or seed)
