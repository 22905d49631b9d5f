"""What the grid of maps in the browser tells: actions, in order, each carried out once however often it is
told, as `app.drawing.canvas_log` does for the canvas.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.services.bulk import Step

MOST = 100  # images of one action: a page has fewer


@dataclass(frozen=True, slots=True)
class GridAction:
    number: int  # from 1, of its grid
    do: str
    images: Mapping[int, str]  # ids, and what the person saw of each
    values: Mapping[str, Any]  # as told


@dataclass(slots=True)
class GridLog:
    """Of the grid in one browser window."""

    id: str = ""  # of the grid; another one after a reload
    done: int = 0  # number of the last action carried out
    step: Step | None = None  # the last one, which can be undone
    note: str = ""  # what became of it, a sentence
    problem: bool = False  # it did not work
    left: tuple[int, ...] = field(default=())  # ids of the images that it left out: they stay selected

    def news(self, told: object) -> list[GridAction]:
        """The actions in what the grid has told that are not done yet. Never raises."""
        if not isinstance(told, Mapping) or not isinstance(told.get("log"), str):
            return []
        if told["log"] != self.id:  # another grid, or this server does not remember this one
            done = told.get("done")
            self.id, self.done = told["log"], done if isinstance(done, int) else 0
        listed = told.get("actions")
        actions = [_action(item) for item in listed] if isinstance(listed, list) else []
        return [action for action in actions if action is not None and action.number > self.done]

    def end(self, number: int, note: str, step: Step | None, *, problem: bool = False) -> None:
        """The action with this number is done."""
        self.done, self.note, self.step, self.problem = number, note, step, problem
        self.left = () if step is None else tuple(step.left)


def _action(told: object) -> GridAction | None:
    if not isinstance(told, Mapping) or not isinstance(told.get("number"), int):
        return None
    images = told.get("images")
    pairs = [tuple(pair) for pair in images[:MOST]] if isinstance(images, list) else []
    named = {pair[0]: str(pair[1]) for pair in pairs if len(pair) == 2 and isinstance(pair[0], int)}
    return GridAction(told["number"], str(told.get("do")), named, told)
