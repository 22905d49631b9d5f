"""Images are chosen in the library and moved to another split."""

from app.services import moving
from db import library
from tests.app.seeded import Seeded
from tests.app.views.pages import click, keys, open_page, said


def test_chosen_images_move_to_another_split_with_those_that_belong_to_them(seeded: Seeded) -> None:
    first = seeded.images("train")[0]
    app = open_page()
    assert "confirm_move" not in keys(app)
    app.toggle(key="library_choosing").set_value(True).run()
    app.session_state["library_chosen"] = (seeded.project_id, frozenset({first.id}))
    app.run()
    assert "1 image chosen" in said(app)
    assert "look better than they are" in said(app)
    assert app.button(key="confirm_move").disabled
    app.button_group(key="move_to").set_value("test").run()
    app.selectbox(key="move_along").select("place").run()
    assert app.button(key="confirm_move").label == "Move 4 images"
    click(app, "confirm_move")
    assert "no training image of boat would be left" in app.error[0].value
    app.selectbox(key="move_along").select("").run()
    click(app, "confirm_move")
    assert library.get_image(seeded.ws.database, first.id).split == "test"
    assert "1 image moved to test." in app.toast[0].value
    assert "0 images chosen" in said(app)
    seeded.publish()
    seeded.publish()
    assert "1 image of this split came from training by hand" in said(
        open_page("compare", {"compare_split": "test"})
    )


def test_a_column_takes_its_images_along(seeded: Seeded) -> None:
    first = seeded.images("train")[0]
    boats = [image.id for image in seeded.images() if image.groups["place"] == "water"]
    assert moving.with_their_like(seeded.ws, seeded.project_id, [first.id], "place") == boats
    assert moving.with_their_like(seeded.ws, seeded.project_id, [first.id], "") == [first.id]
