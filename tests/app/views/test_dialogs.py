"""Dialogs: the page may be drawn again at any time while one is open."""

from tests.app.seeded import Seeded
from tests.app.views.pages import click, open_page, said


def test_a_dialog_stays_open_until_somebody_closes_it_or_leaves_the_page(seeded: Seeded) -> None:
    app = click(open_page(), "rename_project")
    app.run()  # as when a training ends, or the browser tells its size
    assert app.text_input(key="other_name").value == "Bay"
    app.switch_page("views/models.py").run().switch_page("views/library.py").run()
    assert "other_name" not in {field.key for field in app.text_input}

    app = click(click(app, "delete_project"), "keep_project")
    assert "go to the bin" not in said(app)
