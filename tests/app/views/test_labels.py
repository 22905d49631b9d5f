from typing import Any

from streamlit.testing.v1 import AppTest

from app.services import annotation, labels
from app.state import PickedGroup
from db import library, runs
from db.records import ImageRecord
from tests.app.seeded import Seeded, seed
from tests.app.views.pages import BOX, click, drawn, keys, open_page, own_key, said, table


def label_menu(app: AppTest) -> Any:
    return app.menu_button(key=own_key(app.menu_button, "annotate_label"))


def say_it_is(app: AppTest, name: str) -> AppTest:
    menu = label_menu(app)
    menu.click_index([option.startswith(f"It is {name}") for option in menu.options].index(True)).run()
    assert not app.exception
    return app


def class_of(seeded: Seeded, image: ImageRecord) -> int:
    return library.get_image(seeded.ws.database, image.id).class_position


def test_an_image_gets_the_right_label_stays_on_screen_and_can_get_the_old_one_back(seeded: Seeded) -> None:
    seeded.publish()
    boat = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": boat.id})
    assert "correct]" in said(app)

    say_it_is(app, "car")

    assert class_of(seeded, boat) == 1
    assert app.session_state["annotate_image"] == boat.id
    assert "but it is **car**" in said(app)
    assert "Imported as boat." in said(app)
    assert "is labelled car now" in app.toast[0].value
    assert label_menu(app).options == ["It is boat (as imported)"]
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
    assert "1 image guided" in said(app)


def test_an_image_with_a_drawing_that_is_not_saved_keeps_its_label(seeded: Seeded) -> None:
    seeded.publish()
    boat = seeded.images("train")[0]

    app = say_it_is(open_page("annotate", drawn(boat, BOX)), "car")

    assert class_of(seeded, boat) == 0
    assert "has an unsaved drawing" in app.toast[0].value
    assert "1 region, not saved yet" in said(app)


def test_the_library_lists_changed_labels_only_when_there_are_any(seeded: Seeded) -> None:
    assert "label changed here" not in said(open_page())
    boat = seeded.images("train")[0]
    say_it_is(open_page("annotate", {"annotate_image": boat.id}), "car")

    app = open_page()

    assert "1 label changed" in said(app)
    changes = next(item.value for item in app.dataframe if "Imported as" in item.value.columns)
    assert changes.to_dict("list") == {
        "File": ["000.png"],
        "Split": ["train"],
        "Imported as": ["boat"],
        "Now": ["car"],
    }
    assert table(app, "Class").to_dict("list")["Train"] == [1, 3]


def test_doubtful_labels_are_gone_through_one_by_one_until_none_is_left(seeded: Seeded) -> None:
    first, second, third, _ = seeded.images("train")
    seeded.publish(doubtful=[first.id, second.id, third.id])
    app = open_page("annotate")
    assert app.button(key="annotate_doubtful").label == "3 doubtful labels"

    click(app, "annotate_doubtful")
    assert "Image 1 of 3" in said(app)
    assert "Most similar images have another label" in said(app)
    order = app.session_state["annotate_queue"].image_ids

    say_it_is(app, "boat" if order[0] == second.id else "car")
    assert "Image 1 of 2" in said(app)
    assert app.session_state["annotate_image"] == order[1]

    click(app, "annotate_skip")  # its label is right
    assert "Image 1 of 1" in said(app)
    say_it_is(app, "boat" if order[2] == second.id else "car")
    assert "of 4" in said(app)
    assert "annotate_doubtful" not in keys(app)
    assert len(labels.changed_labels(seeded.ws, seeded.project_id)) == 2


def test_all_images_come_back_on_request_and_another_one_is_looked_at_beside_the_queue(
    seeded: Seeded,
) -> None:
    first, second = seeded.images("train")[:2]
    seeded.publish(doubtful=[first.id])
    app = click(open_page("annotate"), "annotate_doubtful")
    assert "Image 1 of 1" in said(app)

    click(app, "annotate_without_doubtful")
    assert "of 4" in said(app)

    click(app, "annotate_doubtful")
    app.session_state["annotate_image"] = second.id
    app.run()
    assert "Not in this queue" in said(app)
    assert app.session_state["annotate_image"] == second.id


def test_without_doubtful_labels_nothing_is_said_of_them(seeded: Seeded) -> None:
    seeded.publish()
    assert "annotate_doubtful" not in keys(open_page("annotate"))


def test_doubtful_labels_of_one_project_narrow_no_other_one(seeded: Seeded) -> None:
    first = seeded.images("train")[0]
    seeded.publish(doubtful=[first.id])
    other = seed(seeded.ws, "Another bay")
    other.publish(doubtful=[other.images("train")[0].id])
    app = click(open_page("annotate", {"project": seeded.project_id}), "annotate_doubtful")
    assert "Image 1 of 1" in said(app)

    app.selectbox(key="project").set_value(other.project_id).run()

    assert not app.exception
    assert "Image 1 of 4" in said(app)


def test_all_images_means_all_also_from_within_a_group(seeded: Seeded) -> None:
    images = seeded.images("train")
    groups = {image.id: number % 2 for number, image in enumerate(images)}
    seeded.publish(doubtful=[images[0].id], groups=groups)
    group = PickedGroup(seeded.project.current_version_id or 0, images[0].class_position, 0)
    app = open_page("annotate", {"annotate_group": group})
    assert "of 4" not in said(app)

    click(click(app, "annotate_doubtful"), "annotate_without_doubtful")

    assert "of 4" in said(app)


def test_without_a_drawing_changed_labels_lead_to_a_new_first_model(seeded: Seeded) -> None:
    seeded.publish()
    say_it_is(open_page("annotate", {"annotate_image": seeded.images("train")[0].id}), "car")
    app = open_page()
    assert app.button(key="retrain").disabled
    assert app.button(key="labels_first_model").label == "Retrain first model"

    click(app, "labels_first_model")

    run = runs.active_run(seeded.ws.database, seeded.project_id)
    assert run is not None
    assert run.base_version_id is None
