"""What the canvas in the browser tells, carried out on the page: each action once and in order."""

import pytest

from app.components.annotate import carry_out
from app.services import annotation, labels
from db import drafts, library
from db.errors import UnavailableError
from db.records import RegionRecord
from tests.app.seeded import Seeded
from tests.app.views.pages import BOX, OTHER_BOX, click, drawn, on_canvas, open_page, said, tell

NEW = {"name": "a-1", "shape": "box", "role": "look_here", "points": [[4, 4], [30, 40]]}


def change(**values: object) -> dict[str, object]:
    return {"do": "change", **values}


def test_a_stroke_and_the_save_that_follows_at_once_are_both_done(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": image.id})

    tell(app, change(add=[NEW]), {"do": "save", "go": True})

    stored = annotation.load(seeded.ws, image.id, image.class_id)
    assert stored is not None
    assert stored.regions == (RegionRecord("box", "look_here", ((4.0, 4.0), (30.0, 40.0))),)
    assert app.session_state["annotate_image"] != image.id


def test_three_steps_told_at_once_go_three_images_on_and_are_not_gone_again(seeded: Seeded) -> None:
    seeded.publish()
    app = open_page("annotate")
    ids = app.session_state["annotate_queue"].image_ids
    app.session_state["annotate_image"] = ids[0]
    app.run()

    tell(app, *[{"do": "go", "by": 1}] * 3)
    assert app.session_state["annotate_image"] == ids[3]
    app.run()  # the browser still holds what it has told
    assert app.session_state["annotate_image"] == ids[3]


def test_a_stroke_told_with_the_steps_after_it_belongs_to_the_image_it_was_drawn_on(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": image.id})

    tell(app, change(add=[NEW]), {"do": "go", "by": 1})

    assert app.session_state["annotate_image"] != image.id
    kept = drafts.get_draft(seeded.ws.database, image.id, image.class_id)
    assert kept is not None
    assert len(kept.regions) == 1


def test_a_second_save_of_the_same_image_saves_nothing_and_does_not_go_on(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": image.id})
    ids = app.session_state["annotate_queue"].image_ids
    following = ids[(ids.index(image.id) + 1) % len(ids)]

    tell(app, change(add=[NEW]), *[{"do": "save", "go": True}] * 2)

    assert app.session_state["annotate_image"] == following


def test_undo_and_a_stroke_told_together_leave_the_stroke_alone(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX))

    tell(app, {"do": "undo"}, change(add=[NEW]))

    assert [region["points"] for region in on_canvas(app)["regions"]] == [NEW["points"]]


def test_regions_are_moved_and_deleted_by_the_names_that_the_canvas_was_given(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX, OTHER_BOX))
    first, second = (region["name"] for region in on_canvas(app)["regions"])

    tell(app, change(put=[[second, NEW]], remove=[first]))

    (left,) = on_canvas(app)["regions"]
    assert (left["points"], left["alias"]) == (NEW["points"], "a-1")
    tell(app, {"do": "undo"})
    assert [region["name"] for region in on_canvas(app)["regions"]] == [first, second]


def test_the_corners_of_one_polygon_are_one_step(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX))
    corners = [[2, 2], [40, 2], [40, 40]]
    polygon = {"name": "a-1", "shape": "polygon", "role": "ignore_this", "points": corners}
    longer = {**polygon, "name": "a-2", "points": [*corners, [2, 50]]}

    tell(app, change(add=[polygon]), change(put=[["a-1", longer]], same=True))
    assert len(on_canvas(app)["regions"][1]["points"]) == 4
    tell(app, {"do": "undo"})
    assert len(on_canvas(app)["regions"]) == 1


def test_copies_go_to_the_next_image_and_are_not_saved_there_yet(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX))

    tell(app, {"do": "copy"})

    following = library.get_image(seeded.ws.database, app.session_state["annotate_image"])
    assert following.id != image.id
    assert "1 region, not saved yet" in said(app)
    kept = drafts.get_draft(seeded.ws.database, following.id, following.class_id)
    assert kept is not None
    assert kept.regions == (BOX,)


def test_a_save_over_somebody_elses_asks_first_and_stays_on_the_image(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": image.id})
    annotation.save(seeded.ws, image.id, image.class_id, (BOX, OTHER_BOX))

    tell(app, change(add=[NEW]), {"do": "save", "go": True})
    assert app.session_state["annotate_image"] == image.id
    assert len(app.error) == 1
    click(app, "annotate_overwrite")

    assert not app.error
    stored = annotation.load(seeded.ws, image.id, image.class_id)
    assert stored is not None
    assert len(stored.regions) == 1


@pytest.mark.parametrize("split", ["validation", "test"])
def test_nothing_is_drawn_on_an_image_that_is_only_looked_at(seeded: Seeded, split: str) -> None:
    seeded.publish()
    image = seeded.images(split)[0]  # type: ignore[arg-type]
    app = open_page("annotate", {"annotate_image": image.id})
    assert not on_canvas(app)["drawable"]

    tell(app, change(add=[NEW]), {"do": "save", "go": False})

    assert drafts.get_draft(seeded.ws.database, image.id, image.class_id) is None
    assert annotation.load(seeded.ws, image.id, image.class_id) is None


def test_the_outline_of_a_box_is_shown_first_and_drawn_when_it_is_accepted(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": image.id})
    box = {"do": "outline", "role": "look_here", "points": [[4, 4], [60, 60]]}

    tell(app, box)
    guess = on_canvas(app)["guess"]
    assert guess["role"] == "look_here"
    assert on_canvas(app)["regions"] == []
    tell(app, {"do": "answer", "accepted": False})
    assert on_canvas(app)["guess"] is None
    assert on_canvas(app)["regions"] == []

    tell(app, box)
    tell(app, {"do": "answer", "accepted": True})
    assert [region["points"] for region in on_canvas(app)["regions"]] == guess["parts"]


def test_an_outline_is_proposed_without_a_box_and_says_where_it_comes_from(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": image.id})

    tell(app, {"do": "propose", "role": "ignore_this"})
    guess = on_canvas(app)["guess"]
    assert guess["role"] == "ignore_this"
    assert guess["question"] == "Proposed from the colours in the middle. Is this the object?"
    tell(app, {"do": "answer", "accepted": True})
    assert [region["points"] for region in on_canvas(app)["regions"]] == guess["parts"]


def test_the_save_that_makes_enough_outlines_has_a_network_learn(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []
    monkeypatch.setattr("app.jobs.launch.start_preparation", lambda _, request: begun.append(request))
    monkeypatch.setattr("app.services.proposing.LEAST", 2)
    seeded.publish()
    learns = []
    for image in seeded.images("train")[:2]:
        app = open_page("annotate", {"annotate_image": image.id})
        begun.clear()  # the page has suggestions looked for
        tell(app, change(add=[NEW]), {"do": "save", "go": False})
        learns.append(['"kind": "outlines"' in request for request in begun])
    assert learns == [[], [True]]


def test_a_stroke_told_while_the_database_cannot_be_reached_is_done_when_it_is_told_again(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": image.id})

    def unreachable(*_: object) -> None:
        raise UnavailableError("The database is locked.")

    with monkeypatch.context() as patch:
        patch.setattr(carry_out, "draft_of", unreachable)
        tell(app, change(add=[NEW]), {"do": "save", "go": True})
    assert annotation.load(seeded.ws, image.id, image.class_id) is None
    assert app.session_state["annotate_image"] == image.id

    app.run()  # the browser still holds both

    stored = annotation.load(seeded.ws, image.id, image.class_id)
    assert stored is not None
    assert len(stored.regions) == 1


def test_a_stroke_under_a_label_that_another_window_has_changed_goes_to_the_new_label(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": image.id})
    other = next(
        item
        for item in library.list_classes(seeded.ws.database, seeded.project_id)
        if item.id != image.class_id
    )
    labels.change_label(seeded.ws, image, other.id)

    tell(app, change(add=[NEW]))

    kept = drafts.get_draft(seeded.ws.database, image.id, other.id)
    assert kept is not None
    assert len(kept.regions) == 1


def test_what_is_no_drawing_changes_nothing_and_the_page_goes_on(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX))
    beside = [[-90, -90], [-20, -20]]
    for nonsense in ("x", 5, True, [], {"log": 5}, {"log": "test", "actions": "all"}):
        app.session_state["annotate_canvas"] = {"told": nonsense, "ratio": 10**400, "closer": "x"}
        app.run()
        assert not app.exception
    tell(
        app,
        {"do": "outline", "role": "look_here", "points": beside},
        {"do": "outline", "role": "look_here", "points": [[30, 30], [10, 10]]},
        {"do": "erase", "points": [[10**400, 5]], "width": 4},
        change(add=["x", 5, True, {"shape": "box"}]),
        {"do": "save", "image": 10**400},
    )
    assert [tuple(map(tuple, region["points"])) for region in on_canvas(app)["regions"]] == [BOX.points]
