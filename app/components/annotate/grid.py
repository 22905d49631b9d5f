"""The queue as a grid of maps: several images are selected, and answered or sorted at once.

The component selects by itself and tells what is to be done (grid_front_end); `grid_actions` does it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from app import resources, state
from app.components.annotate.answer_buttons import MEANING
from app.components.annotate.grid_actions import GRID, PER_PAGE, Grid, carry_out, map_class, seen
from app.components.annotate.label_menu import MEANING as OF_LABELS
from app.components.annotate.leaving import HOLDS_LEAVING
from app.components.annotate.move_button import TO_TRAINING
from app.components.kit.at_the_end import AT_THE_END
from app.components.kit.error_box import told
from app.components.kit.film_strip import MARKS, in_words
from app.components.kit.number_format import confidence
from app.components.kit.text import names_at
from app.drawing.regions import fit_canvas
from app.services import queue
from app.services.queue import QueueItem
from app.workspace import Workspace
from db.marks import Mark, read_marks
from db.records import ClassRecord, ImageRecord, ProjectRecord, VersionRecord

SIDE = 232  # longer side of a picture, pixels
REDRAW_SECONDS = 0.4  # while maps are being made
HINT = "Click selects, Shift+click a range, double click opens."

_FOLDER = Path(__file__).parent / "grid_front_end"
_GRID = st.components.v2.component(
    "refocus_map_grid",
    html=(_FOLDER / "grid.html").read_text("utf-8"),
    css=(_FOLDER / "grid.css").read_text("utf-8"),
    js=f"{AT_THE_END}\n{HOLDS_LEAVING}\n{(_FOLDER / 'grid.js').read_text('utf-8')}",
)


def map_grid(
    ws: Workspace,
    project: ProjectRecord,
    image: ImageRecord,
    version: VersionRecord | None,
    classes: Sequence[ClassRecord],
    ids: Sequence[int],
) -> None:
    """The page of the queue that has the image on it. ids: of the queue's images, in order."""
    grid = Grid(ws, project, version, tuple(classes), tuple(ids), image.id)
    names = [item.name for item in classes]
    items = queue.read(ws, project.current_version_id, grid.page_ids, names)
    coming = any(_picture(grid, item) is None for item in items)
    st.fragment(_draw, run_every=REDRAW_SECONDS if coming else None)(grid, names, coming)


@told("The grid cannot be shown", "Reload the page to try again.")
def _draw(grid: Grid, names: Sequence[str], coming: bool) -> None:
    if carry_out(grid, st.session_state.get(GRID)):
        st.rerun()
    ws, log = grid.ws, state.GRID_LOG.get()
    items = queue.read(ws, grid.project.current_version_id, grid.page_ids, names)
    marks = read_marks(ws.database, grid.page_ids)
    frames = [_frame(grid, item, names, marks.get(item.image.id, ())) for item in items]
    if coming and all(frame["src"] or frame["gone"] for frame in frames):
        st.rerun()  # with nothing to wait for
    _GRID(
        key=GRID,
        data={
            "frames": frames,
            "page": grid.page,
            "pages": max(1, -(-len(grid.ids) // PER_PAGE)),
            "closed": _closed(grid, items),
            "labels": _labels(grid),
            "help": _help(),
            "hint": HINT if frames else "Nothing is left in this queue.",
            "note": log.note,
            "problem": log.problem,
            "left": list(log.left),
            "undo": log.step is not None,
            "log": log.id,
            "done": log.done,
        },
        on_told_change=lambda: None,  # so that Streamlit keeps this part of the component's state
    )


def _frame(grid: Grid, item: QueueItem, names: Sequence[str], marks: Sequence[Mark]) -> dict[str, Any]:
    image, picture = item.image, _picture(grid, item)
    shown = isinstance(picture, bytes)
    labels = caption = names_at(image.positions, names)
    if item.said is not None and item.predicted is not None:
        sure = confidence(item.said.probabilities[item.predicted])
        caption = f"{'✓' if item.right else '✗'} {names[item.predicted]} {sure}"
    return {
        "id": image.id,
        "seen": seen(grid, item),
        "src": resources.address(picture, f"grid-{image.id}") if isinstance(picture, bytes) else "",
        "gone": "" if shown or picture is None else "This file cannot be shown.",
        "title": f"{image.name}, {labels}: {item.reason} {in_words(marks)}".strip(),
        "caption": caption,
        "below": labels if item.said is not None else "",
        "tone": "" if item.right is None else "right" if item.right else "wrong",
        "marks": [(mark, MARKS[mark][0]) for mark in marks],
        "skipped": image.review == "skipped",
    }


def _picture(grid: Grid, item: QueueItem) -> bytes | Exception | None:
    image = item.image
    size = fit_canvas((image.width, image.height), SIDE, SIDE)
    opacity = state.OPACITY.get() / 100
    return resources.tile(grid.ws, grid.version, image, map_class(item), opacity, size)


def _closed(grid: Grid, items: Sequence[QueueItem]) -> list[str]:
    """What cannot be done with any image of the page, and is not offered."""
    closed = []
    if grid.version is None or not any(item.image.split == "train" for item in items):
        closed += ["right", "wrong"]
    if not any(item.image.split == "validation" for item in items):
        closed.append("move")
    return closed


def _labels(grid: Grid) -> list[tuple[str, str]]:
    """Choices of the menu: what is told, and its words."""
    if not grid.project.multi_label:
        return [(f"is {item.id}", f"They are {item.name}") for item in grid.classes]
    also = [(f"also {item.id}", f"There is also {item.name}") for item in grid.classes]
    return also + [(f"not {item.id}", f"There is no {item.name}") for item in grid.classes]


def _help() -> Mapping[str, str]:
    """Tooltips."""
    return {
        "right": f"{_plain(MEANING['right'])} (E)",
        "wrong": f"{_plain(MEANING['wrong'])} (W)",
        "move": f"{TO_TRAINING} (M)",
        "skip": "Do them last: moves them to the end of the queue. (K)",
        "unskip": "Puts them back to their place in the queue.",
        "label": OF_LABELS,
    }


def _plain(text: str) -> str:
    return text.replace("*", "").replace(", then shows the next image", "")
