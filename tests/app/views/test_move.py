"""A wrong validation image becomes a training image with one key, and goes back with the same."""

import pytest

from app.services import annotation, comparison
from db import library, runs, splits
from tests.app.seeded import Seeded
from tests.app.views.pages import BOX, click, drawn, keys, open_page, own_key, said

REFITTED = "The last layer is then refitted with the moved images."


def test_a_validation_image_is_moved_to_training_and_the_next_one_comes(seeded: Seeded) -> None:
    boat, car = seeded.images("validation")
    first = seeded.publish(wrong=[boat.id])
    second = seeded.publish(seed=1)
    app = open_page("annotate", {"annotate_image": boat.id})
    button = app.button(key=own_key(app.button, "annotate_move"))
    assert (button.label, "annotate_wrong_place" in keys(app)) == ("Move to training", False)

    click(app, "annotate_move")

    assert "004.png is a training image now." in app.toast[0].value
    assert app.session_state["annotate_image"] == car.id
    assert library.get_image(seeded.ws.database, boat.id).split == "train"
    pairs = comparison.pairs(seeded.ws, first.id, second.id, "validation", None, limit=5)
    assert [pair.image.id for pair in pairs] == [car.id]
    assert "1 image moved from validation to training" in said(open_page("library"))


def test_a_moved_image_can_be_drawn_on_and_goes_back_with_the_same_button(seeded: Seeded) -> None:
    boat = seeded.images("validation")[0]
    seeded.publish(wrong=[boat.id])
    splits.move_to_training(seeded.ws.database, boat.id)
    app = open_page("annotate", {"annotate_image": boat.id})
    assert "Moved from validation." in said(app)
    assert "annotate_wrong_place" in keys(app)
    assert not app.button(key="annotate_skip").disabled
    assert app.button(key=own_key(app.button, "annotate_move")).label == "Back to validation"

    click(app, "annotate_move")

    assert library.get_image(seeded.ws.database, boat.id) == boat


def test_a_drawing_that_is_not_saved_keeps_its_image_where_it_is(seeded: Seeded) -> None:
    boat = seeded.images("validation")[0]
    seeded.publish()
    splits.move_to_training(seeded.ws.database, boat.id)
    moved = library.get_image(seeded.ws.database, boat.id)

    app = click(open_page("annotate", drawn(moved, BOX)), "annotate_move")

    assert "has an unsaved drawing" in app.toast[0].value
    assert library.get_image(seeded.ws.database, boat.id) == moved


def test_training_and_test_images_cannot_be_moved(seeded: Seeded) -> None:
    seeded.publish()
    for split in ("train", "test"):
        app = open_page("annotate", {"annotate_image": seeded.images(split)[0].id})
        assert "annotate_move" not in keys(app)


def test_a_retrain_may_learn_from_moved_images_alone(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    boat = seeded.images("validation")[0]
    seeded.publish(wrong=[boat.id])
    assert open_page().button(key="retrain").disabled
    splits.move_to_training(seeded.ws.database, boat.id)
    app = open_page()
    assert "1 moved to training" in said(app)
    assert REFITTED not in said(app)
    monkeypatch.setattr("app.services.lessons.LEAST_TO_REFIT", 1)
    app = open_page()
    assert REFITTED in said(app)

    click(app, "retrain")

    run = runs.active_run(seeded.ws.database, seeded.project_id)
    assert run is not None
    assert (run.mode, run.config["objective"]["name"]) == ("quick", "none")


def test_a_drawing_on_a_moved_image_makes_the_retrain_a_guided_one(seeded: Seeded) -> None:
    boat = seeded.images("validation")[0]
    seeded.publish(wrong=[boat.id])
    splits.move_to_training(seeded.ws.database, boat.id)
    annotation.save(seeded.ws, boat.id, boat.class_id, (BOX,))
    app = open_page()
    assert "1 image guided · 1 moved to training" in said(app)

    click(app, "retrain")

    run = runs.active_run(seeded.ws.database, seeded.project_id)
    assert run is not None
    assert run.config["objective"]["name"] == "guided"
