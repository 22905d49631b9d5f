"""The place in the queue is never lost: not by a save, a reload, a retrain, a filter or a look elsewhere."""

import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.services import annotation
from db import drafts, library
from db.queue_filters import QueueFilter
from db.records import DraftRecord
from tests.app.seeded import Seeded, open_home, seed
from tests.app.views.pages import BOX, MAIN, click, drawn, keys, open_page, own_key, said

WRONG = QueueFilter(right=False)


@pytest.fixture
def seeded(home: Any) -> Seeded:
    return seed(open_home(home), per_split=(8, 4, 2))


def place(app: AppTest) -> tuple[str, int, list[int]]:
    """What the heading says, the image on screen, and the images in their order."""
    title = next(part for part in said(app).splitlines() if part.startswith("#### "))
    return title, app.session_state["annotate_image"], list(app.session_state["annotate_queue"].image_ids)


def opened(**address: str) -> AppTest:
    """The page in a browser that opens this address: a reload, a bookmark, a colleague's link."""
    app = AppTest.from_file(str(MAIN), default_timeout=30).run()
    for name, value in address.items():
        app.query_params[name] = value
    app.switch_page("views/annotate.py").run()
    assert not app.exception
    return app


def address(app: AppTest) -> dict[str, str]:
    given = {name: value for name, value in app.query_params.items() if name != "project"}
    return {name: value[0] if isinstance(value, list) else value for name, value in given.items()}


def reloaded(app: AppTest) -> AppTest:
    return opened(**address(app))


def label(app: AppTest, key: str) -> str:
    """Of a button, without the marks that keep names from being Markdown."""
    return re.sub(r"\\(\W)", r"\1", app.button(key=key).label)


def ids(seeded: Seeded, *numbers: int) -> list[int]:
    """Of training images, by their place in the import."""
    train = seeded.images("train")
    return [train[number].id for number in numbers]


def test_the_place_in_the_queue_stays_after_save_and_after_a_reload(seeded: Seeded) -> None:
    seeded.publish(wrong=ids(seeded, 2, 5))
    app = open_page("annotate")
    order = place(app)[2]
    app = click(
        open_page("annotate", drawn(library.get_image(seeded.ws.database, order[0]), BOX)), "annotate_save"
    )
    assert place(reloaded(app)) == ("#### Image 1 of 8", order[0], order)

    app = click(app, "annotate_next")
    assert place(app) == place(reloaded(app)) == ("#### Image 2 of 8", order[1], order)
    app = click(click(app, "annotate_wrong_place"), "annotate_next")  # an answer is saved, too
    assert place(app) == place(reloaded(app)) == ("#### Image 4 of 8", order[3], order)


def test_what_a_version_has_learned_from_stands_at_the_end_of_its_queue_and_stays_there(
    seeded: Seeded,
) -> None:
    first, *_ = seeded.images("train")
    annotation.save(seeded.ws, first.id, first.class_id, (BOX,))
    seeded.publish(wrong=[first.id])
    app = open_page("annotate", {"annotate_image": first.id})
    assert place(app)[0] == "#### Image 8 of 8"

    annotation.save(seeded.ws, first.id, first.class_id, (BOX, BOX))  # edited since
    assert place(reloaded(app))[0] == "#### Image 8 of 8"


def test_the_page_begins_with_the_first_image_that_nobody_has_handled(seeded: Seeded) -> None:
    seeded.publish()
    order = place(open_page("annotate"))[2]
    for image_id in order[:3]:
        image = library.get_image(seeded.ws.database, image_id)
        annotation.save(seeded.ws, image.id, image.class_id, (BOX,))
    assert place(open_page("annotate")) == ("#### Image 4 of 8", order[3], order)


def test_an_image_that_is_put_off_moves_to_the_end_at_once_and_back_to_its_place(seeded: Seeded) -> None:
    seeded.publish()
    app = open_page("annotate")
    first, second, *rest = place(app)[2]
    assert app.button(key="annotate_skip").label == "Move to end"

    click(app, "annotate_skip")
    assert place(app) == place(reloaded(app)) == ("#### Image 1 of 8", second, [second, *rest, first])
    assert app.toast[0].value.endswith("moved to the end.")

    app = opened(image=str(first))
    assert app.button(key="annotate_skip").label == "Put back"
    click(app, "annotate_skip")
    assert place(app) == ("#### Image 1 of 8", first, [first, second, *rest])


def test_after_a_retrain_the_page_stays_and_offers_the_first_image_of_the_new_queue(seeded: Seeded) -> None:
    seeded.publish()
    app = click(open_page("annotate"), "annotate_next")
    assert "annotate_first_of_new_queue" not in keys(app)
    here = place(app)[1]
    first = next(image.id for image in seeded.images("train")[::-1] if image.id != here)

    seeded.publish(wrong=[first])
    app.run()
    assert place(app)[1] == here
    assert "Version 2 changed the order of the images." in said(app)

    click(click(app, "annotate_next"), "annotate_first_of_new_queue")
    assert place(app)[:2] == ("#### Image 1 of 8", first)
    assert "annotate_first_of_new_queue" not in keys(click(app, "annotate_next"))


def test_unsaved_drawings_beside_retrain_open_as_a_queue(seeded: Seeded) -> None:
    seeded.publish()
    waiting = [seeded.images("train")[number] for number in (6, 3)]
    for image in waiting:
        drafts.keep_draft(seeded.ws.database, DraftRecord(image.id, image.class_id, 0, (BOX,)))
    app = open_page("models")
    assert app.button(key="show_unsaved").label == ":orange[2 drawings not saved yet]"

    click(app, "show_unsaved")
    app.switch_page("views/annotate.py").run()  # where the browser is by now
    title, here, queue = place(app)
    assert (title, set(queue)) == ("#### Image 1 of 2", {image.id for image in waiting})
    assert here == queue[0]
    assert address(app)["unsaved"] == "yes"

    click(app, "annotate_save_next")  # the queue is held until it is opened anew
    assert place(app) == ("#### Image 2 of 2", queue[1], queue)
    assert place(reloaded(app)) == ("#### Image 1 of 1", queue[1], [queue[1]])


def test_filters_are_in_the_address_and_open_the_same_queue_at_the_same_image(seeded: Seeded) -> None:
    seeded.publish(wrong=ids(seeded, 0, 2, 3))
    app = opened(**{"class": "boat", "prediction": "wrong"})
    title, first, queue = place(app)
    assert (title, set(queue)) == ("#### Image 1 of 2", set(ids(seeded, 0, 2)))

    click(app, "annotate_next")
    assert address(app) == {"class": "boat", "prediction": "wrong", "image": str(queue[1])}
    assert place(app) == place(reloaded(app)) == ("#### Image 2 of 2", queue[1], queue)

    app.switch_page("views/train.py").run()
    app.query_params.clear()  # as the browser does
    app.switch_page("views/annotate.py").run()
    assert place(app) == ("#### Image 2 of 2", queue[1], queue)
    assert first == queue[0]


def test_a_chip_takes_its_filter_away_and_the_image_stays_on_screen(seeded: Seeded) -> None:
    seeded.publish(wrong=ids(seeded, 0, 2, 3))
    app = click(opened(**{"class": "boat", "prediction": "wrong"}), "annotate_next")
    here = place(app)[1]
    assert label(app, "annotate_without_label") == "Class: boat"

    click(app, "annotate_without_label")
    title, image_id, queue = place(app)
    assert (image_id, set(queue)) == (here, set(ids(seeded, 0, 2, 3)))
    assert title == f"#### Image {queue.index(here) + 1} of 3"
    assert "class" not in address(app)

    click(app, "annotate_without_right")
    assert place(app)[1] == here
    assert len(place(app)[2]) == 8
    assert address(app) == {"image": str(here)}


def test_the_menu_narrows_the_queue(seeded: Seeded) -> None:
    wrong = ids(seeded, 0, 2, 3)
    seeded.publish(wrong=wrong)
    app = open_page("annotate", {"annotate_filters_open": True})
    app.selectbox(key="annotate_filter_right").set_value(False).run()
    assert set(place(app)[2]) == set(wrong)
    app.selectbox(key="annotate_filter_group").set_value(("place", "grass")).run()
    assert place(app)[2] == ids(seeded, 3)
    app.slider(key="annotate_filter_confidence").set_value((0, 50)).run()
    assert not app.exception
    assert "No image matches" in said(app)
    assert address(app)["confidence"] == "0-50"


def test_where_nothing_matches_the_page_says_which_filter_to_take_away(seeded: Seeded) -> None:
    seeded.publish(wrong=ids(seeded, 0, 2))
    app = opened(**{"class": "car", "prediction": "wrong"})
    assert "#### No image matches" in said(app)
    ways = [label(app, f"annotate_take_away_{number}") for number in range(2)]
    assert ways == ["Class: car :gray[→ 2 images]", "Wrong :gray[→ 6 images]"]

    click(app, "annotate_take_away_0")
    assert set(place(app)[2]) == set(ids(seeded, 0, 2))

    app = click(opened(**{"class": "car", "prediction": "wrong"}), "annotate_everything")
    assert len(place(app)[2]) == 8


def test_an_image_from_elsewhere_is_shown_and_next_leads_back_into_the_queue(seeded: Seeded) -> None:
    seeded.publish(wrong=ids(seeded, 0, 2, 3))
    app = click(opened(prediction="wrong"), "annotate_next")
    queue = place(app)[2]
    app.session_state["annotate_image"] = seeded.images("test")[0].id  # as the library does
    app.run()
    assert place(app)[0] == "#### A test image"
    assert app.button(key=own_key(app.button, "annotate_without_right")).label == "Wrong"

    click(app, "annotate_next")
    assert place(app) == ("#### Image 3 of 3", queue[2], queue)


def test_an_image_that_has_left_its_queue_keeps_its_place_after_a_reload(seeded: Seeded) -> None:
    seeded.publish()
    app = click(opened(guided="no"), "annotate_next")
    order = place(app)[2]
    image = library.get_image(seeded.ws.database, order[1])
    annotation.save(seeded.ws, image.id, image.class_id, (BOX,))
    app = reloaded(app)
    assert place(app) == ("#### Not in this queue", order[1], [order[0], *order[2:]])

    assert place(click(app, "annotate_next"))[1] == order[2]
    assert place(click(app, "annotate_previous"))[1] == order[0]


def test_a_key_pressed_before_the_browser_knew_of_a_filter_does_not_bring_it_back(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.page_address.ON_ITS_WAY", 600.0)
    seeded.publish(wrong=ids(seeded, 0, 2, 3))
    app = click(opened(prediction="wrong"), "annotate_without_right")
    app.query_params["prediction"] = "wrong"
    app.run()
    assert len(place(app)[2]) == 8


def find(app: AppTest, text: str) -> AppTest:
    field = next(item for item in app.text_input if str(item.key).startswith("annotate_sought_"))
    field.set_value(text)
    return click(app, own_key(app.button, "annotate_go"))


def test_a_number_and_a_name_lead_to_their_image_in_whatever_split(seeded: Seeded) -> None:
    seeded.publish()
    app = open_page("annotate")
    order = place(app)[2]
    assert place(find(app, "7"))[:2] != ("#### Image 7 of 8", order[6])  # 007.png is named so, too
    listed = [button.label for button in app.button if "go_to_image" in str(button.key)]
    assert listed == [
        f"Image 7: {library.get_image(seeded.ws.database, order[6]).name}",
        "007.png :gray[train]",
    ]
    assert place(find(app, "7"))[:2] == ("#### Image 7 of 8", order[6])  # Enter again: the first

    test_image = seeded.images("test")[1]
    assert place(find(app, test_image.name.upper()))[:2] == ("#### A test image", test_image.id)
    assert place(click(app, "annotate_next"))[1] == order[7]


def test_what_nothing_is_named_like_changes_nothing(seeded: Seeded) -> None:
    seeded.publish()
    app = open_page("annotate")
    before = place(app)
    find(app, "%")
    assert place(app) == before
    assert "No file name in this project contains “%”" in said(app)
    find(app, "9" * 30)
    assert place(app) == before
