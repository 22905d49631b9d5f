"""Drawings that are not saved yet: they survive, and no window overwrites another's."""

from app.services import annotation, labels
from db import drafts, library
from db.records import DraftRecord
from tests.app.seeded import Seeded
from tests.app.views.pages import BOX, OTHER_BOX, click, drawn, open_page, said, tell


def test_an_unsaved_drawing_survives_a_visit_to_another_page(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX))
    assert "1 region, not saved yet" in said(app)

    app.switch_page("views/train.py").run()
    app.switch_page("views/annotate.py").run()

    assert not app.exception
    assert "1 region, not saved yet" in said(app)


def test_an_unsaved_drawing_waits_while_another_image_is_looked_at(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX))

    click(click(app, "annotate_next"), "annotate_previous")

    assert app.session_state["annotate_image"] == image.id
    assert "1 region, not saved yet" in said(app)


def test_an_unsaved_drawing_survives_a_reload_and_a_restart(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    open_page("annotate", drawn(image, BOX, OTHER_BOX))

    app = open_page("annotate", {"annotate_image": image.id})  # another session

    assert "2 regions, not saved yet" in said(app)
    assert "1 drawing not saved yet" in app.button(key="show_unsaved").label
    click(app, "annotate_save")
    stored = annotation.load(seeded.ws, image.id, image.class_id)
    assert stored is not None
    assert len(stored.regions) == 2
    assert drafts.drafted_images(seeded.ws.database, seeded.project_id) == set()


def test_what_was_saved_can_be_shown_instead_and_the_drawing_does_not_come_back(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX))
    annotation.save(seeded.ws, image.id, image.class_id, (BOX, BOX))
    click(click(app, "annotate_save"), "annotate_reload")
    assert "2 regions saved" in said(app)

    app = open_page("annotate", {"annotate_image": image.id})

    assert "2 regions saved" in said(app)


def test_a_drawing_that_another_window_cleared_is_kept_by_the_window_that_has_it(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX))
    tell(open_page("annotate", {"annotate_image": image.id}), {"do": "clear"})
    assert drafts.get_draft(seeded.ws.database, image.id, image.class_id) is None

    click(app, "annotate_wrong_place")
    assert annotation.load(seeded.ws, image.id, image.class_id) is None  # not over the drawing
    assert "has an unsaved drawing" in app.toast[0].value
    click(click(app, "annotate_next"), "annotate_previous")

    assert "1 region, not saved yet" in said(app)
    assert drafts.get_draft(seeded.ws.database, image.id, image.class_id) is not None


def test_what_another_window_has_saved_is_shown_as_saved_when_one_comes_back(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    first = open_page("annotate", drawn(image, BOX))
    second = open_page("annotate", {"annotate_image": image.id})
    assert "1 region, not saved yet" in said(second)
    click(first, "annotate_save")

    click(click(second, "annotate_next"), "annotate_previous")

    assert "1 region saved" in said(second)
    assert "not saved yet" not in said(second)


def test_saving_leaves_what_another_window_has_drawn_since(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX))
    newer = DraftRecord(image.id, image.class_id, 0, (BOX, BOX))
    drafts.keep_draft(seeded.ws.database, newer)

    click(app, "annotate_save")

    assert annotation.load(seeded.ws, image.id, image.class_id) is not None
    assert drafts.get_draft(seeded.ws.database, image.id, image.class_id) == newer
    assert "1 region saved" in said(app)  # this window shows what it saved


def test_a_drawing_is_shown_as_saved_when_its_run_ended_before_it_could_say_so(seeded: Seeded) -> None:
    """Saved, and this window has not taken note: what it shows is what is saved, or nothing."""
    seeded.publish()
    image = seeded.images("train")[0]
    for state in (drawn(image, BOX), drawn(image)):
        app = open_page("annotate", state)
        regions = app.session_state["annotate_drafts"][(image.id, image.class_id)].regions or (BOX,)
        annotation.save(seeded.ws, image.id, image.class_id, regions)

        app.run()

        assert "1 region saved" in said(app)
        annotation.save(seeded.ws, image.id, image.class_id, ())


def test_what_another_window_has_drawn_since_is_shown_to_whoever_comes_back(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = click(open_page("annotate", drawn(image, BOX)), "annotate_save_next")
    revision = annotation.load(seeded.ws, image.id, image.class_id).revision
    drafts.keep_draft(seeded.ws.database, DraftRecord(image.id, image.class_id, revision, (BOX, BOX, BOX)))

    click(app, "annotate_previous")

    assert app.session_state["annotate_image"] == image.id
    assert "3 regions, not saved yet" in said(app)


def test_a_drawing_whose_label_changed_does_not_overwrite_what_was_saved_for_the_new_one(
    seeded: Seeded,
) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    drafts.keep_draft(seeded.ws.database, DraftRecord(image.id, image.class_id, 0, (BOX,)))
    other = library.list_classes(seeded.ws.database, seeded.project_id)[1 - image.class_position].id
    labels.change_label(seeded.ws, image, other)
    annotation.save(seeded.ws, image.id, other, (BOX, BOX, BOX))

    app = click(open_page("annotate", {"annotate_image": image.id}), "annotate_save")

    assert len(app.error) == 1
    assert "annotate_overwrite" in {button.key for button in app.button}
    saved = annotation.load(seeded.ws, image.id, other)
    assert saved is not None
    assert len(saved.regions) == 3


def test_a_drawing_cleared_again_is_not_kept(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    tell(open_page("annotate", drawn(image, BOX)), {"do": "clear"})
    assert drafts.get_draft(seeded.ws.database, image.id, image.class_id) is None


def test_an_unsaved_drawing_goes_along_when_the_label_is_changed_elsewhere(seeded: Seeded) -> None:
    seeded.publish()
    boat = seeded.images("train")[0]
    app = open_page("annotate", drawn(boat, BOX))
    car = library.list_classes(seeded.ws.database, seeded.project_id)[1]
    labels.change_label(seeded.ws, boat, car.id)

    app.run()
    assert "1 region, not saved yet" in said(app)
    click(app, "annotate_save")

    assert annotation.load(seeded.ws, boat.id, boat.class_id) is None
    assert annotation.load(seeded.ws, boat.id, car.id) is not None
    assert "not saved yet" not in said(app)


def test_somebody_elses_newer_drawing_is_not_overwritten(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX))
    annotation.save(seeded.ws, image.id, image.class_id, (BOX, BOX))

    click(app, "annotate_save")

    stored = annotation.load(seeded.ws, image.id, image.class_id)
    assert stored is not None
    assert len(stored.regions) == 2
    assert len(app.error) == 1
    click(app, "annotate_overwrite")  # when it is asked for
    stored = annotation.load(seeded.ws, image.id, image.class_id)
    assert stored is not None
    assert len(stored.regions) == 1
