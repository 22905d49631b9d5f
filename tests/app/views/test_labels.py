from streamlit.testing.v1 import AppTest

from app.services import annotation
from db import library
from db.records import ImageRecord
from tests.app.seeded import Seeded
from tests.app.views.pages import BOX, RECT, drawn, open_page, said, table


def say_it_is(app: AppTest, name: str) -> AppTest:
    menu = app.menu_button(key="annotate_label")
    menu.click_index([option.startswith(f"It is {name}") for option in menu.options].index(True)).run()
    assert not app.exception
    return app


def class_of(seeded: Seeded, image: ImageRecord) -> int:
    return library.get_image(seeded.ws.database, image.id).class_position


def test_an_image_gets_the_right_label_stays_on_screen_and_can_get_the_old_one_back(seeded: Seeded) -> None:
    seeded.publish()
    boat = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": boat.id})
    assert "and so it is" in said(app)

    say_it_is(app, "car")

    assert class_of(seeded, boat) == 1
    assert app.session_state["annotate_image"] == boat.id
    assert "but it is **car**" in said(app)
    assert "Imported as boat." in said(app)
    assert "is labelled car now" in app.toast[0].value
    assert app.menu_button(key="annotate_label").options == ["It is boat (as imported)"]
    say_it_is(app, "boat")
    assert class_of(seeded, boat) == 0
    assert "Imported as" not in said(app)


def test_before_the_first_model_too(seeded: Seeded) -> None:
    boat = seeded.images("train")[0]
    say_it_is(open_page("annotate", {"annotate_image": boat.id}), "car")
    assert class_of(seeded, boat) == 1


def test_what_was_drawn_is_still_there(seeded: Seeded) -> None:
    seeded.publish()
    boat = seeded.images("train")[0]
    annotation.save(seeded.ws, boat.id, boat.class_id, [BOX])

    app = say_it_is(open_page("annotate", {"annotate_image": boat.id}), "car")

    assert "1 region saved" in said(app)
    assert "1 guided" in said(app)


def test_an_image_with_a_drawing_that_is_not_saved_keeps_its_label(seeded: Seeded) -> None:
    seeded.publish()
    boat = seeded.images("train")[0]

    app = say_it_is(open_page("annotate", drawn(boat, RECT)), "car")

    assert class_of(seeded, boat) == 0
    assert "has a drawing that is not saved" in said(app)
    assert "1 region, not saved yet" in said(app)


def test_the_library_lists_changed_labels_only_when_there_are_any(seeded: Seeded) -> None:
    assert "label changed here" not in said(open_page())
    boat = seeded.images("train")[0]
    say_it_is(open_page("annotate", {"annotate_image": boat.id}), "car")

    app = open_page()

    assert "1 label changed here" in said(app)
    changes = next(item.value for item in app.dataframe if "Imported as" in item.value.columns)
    assert changes.to_dict("list") == {
        "File": ["000.png"],
        "Split": ["train"],
        "Imported as": ["boat"],
        "Now": ["car"],
    }
    assert table(app, "Class").to_dict("list")["Train"] == [1, 3]
