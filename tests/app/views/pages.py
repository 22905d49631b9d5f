"""Opens pages through the real entry point, and reads them."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from streamlit.testing.v1 import AppTest

from app.drawing.draft import Draft
from db.records import ImageRecord, RegionRecord

MAIN = Path(__file__).resolve().parents[3] / "app" / "router.py"
BOX = RegionRecord("box", "look_here", ((8.0, 8.0), (40.0, 40.0)))
OTHER_BOX = RegionRecord("box", "look_here", ((30.0, 8.0), (50.0, 24.0)))


def open_page(name: str = "library", state: dict[str, Any] | None = None) -> AppTest:
    app = AppTest.from_file(str(MAIN), default_timeout=30)
    for key, value in (state or {}).items():
        app.session_state[key] = value
    app.run()
    assert not app.exception
    if name != "library":
        app.switch_page(f"views/{name}.py").run()
        assert not app.exception
    return app


def own_key(elements: Iterable[Any], key: str) -> str:
    """`key`, or it with the number of the image on screen behind it."""
    known = [str(one.key) for one in elements]
    return next(name for name in known if name == key or re.fullmatch(rf"{key}_\d+", name))


def click(app: AppTest, key: str) -> AppTest:
    app.button(key=own_key(app.button, key)).click().run()
    assert not app.exception
    return app


def tell(app: AppTest, *actions: dict[str, Any]) -> AppTest:
    """The canvas in the browser tells these actions about the image on screen."""
    _, image_id, class_id = app.session_state["annotate_shown"]
    log = app.session_state["annotate_canvas_log"]
    numbered = [
        {"number": log.done + place, "image": image_id, "label": class_id, **action}
        for place, action in enumerate(actions, start=1)
    ]
    told = {"log": log.id or "test", "done": log.done, "actions": numbered}
    app.session_state["annotate_canvas"] = {"told": told}
    app.run()
    assert not app.exception
    return app


def on_canvas(app: AppTest) -> dict[str, Any]:
    """What the canvas was given."""
    return _given(app, "annotate_canvas")


def thumbnails(app: AppTest, key: str) -> dict[int, dict[str, Any]]:
    """What a film strip was given for each image, by id and in its order."""
    return {frame["id"]: frame for frame in _given(app, key)["frames"]}


def _given(app: AppTest, key: str) -> dict[str, Any]:
    protos = [element.proto for element in app.get("bidi_component")]
    given = next(proto for proto in protos if proto.id.endswith(f"-{key}"))
    data: dict[str, Any] = json.loads(given.json or given.mixed.json)
    return data


def said(app: AppTest) -> str:
    """All running text of the page, without the marks that keep names from being Markdown."""
    parts = [*app.markdown, *app.caption, *app.error, *app.info, *app.success, *app.warning, *app.header]
    return re.sub(r"\\([^a-zA-Z0-9\s])", r"\1", "\n".join(str(part.value) for part in parts))


def keys(app: AppTest) -> set[str]:
    """Of the buttons, each also without the number of the image on screen behind it."""
    known = {button.key for button in app.button if button.key}
    return known | {re.sub(r"_\d+$", "", key) for key in known}


def table(app: AppTest, column: str) -> pd.DataFrame:
    """The table that begins with this column."""
    return next(item.value for item in app.dataframe if item.value.columns[0] == column)


def drawn(image: ImageRecord, *regions: RegionRecord) -> dict[str, Any]:
    """Session state with an unsaved drawing of `image`."""
    draft = Draft(stored=(), regions=regions, revision=0)
    return {"annotate_image": image.id, "annotate_drafts": {(image.id, image.class_id): draft}}
