"""The photograph of the next image is known to the browser before *Next* asks for it."""

import hashlib
import threading

import pytest

from app import resources
from tests.app.seeded import Seeded
from tests.app.views.pages import click, on_canvas, open_page


def test_the_browser_is_told_the_next_photograph_once_it_is_made(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    seeded.publish()
    monkeypatch.setattr(resources, "address", lambda jpeg, _place: hashlib.sha256(jpeg).hexdigest())
    may_begin = threading.Event()
    request.addfinalizer(may_begin.set)  # also where the test fails
    resources.prefetching()[0].submit(may_begin.wait)
    app = open_page("annotate")
    assert on_canvas(app)["next"] is None  # nothing waits for it
    may_begin.set()
    prefetched()

    click(app, "annotate_next")
    coming = on_canvas(app)["next"]
    assert coming is not None
    prefetched()
    click(app, "annotate_next")

    assert on_canvas(app)["picture"] == coming
    app.session_state["annotate_blend"] = True  # then another picture lies under the drawing
    app.run()
    assert on_canvas(app)["next"] is None


def prefetched() -> None:
    resources.prefetching()[0].submit(lambda: None).result()
