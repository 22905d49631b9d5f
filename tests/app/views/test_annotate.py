import pytest
from streamlit.testing.v1 import AppTest

from app.components.annotate.key_list import KEYS
from app.components.kit.number_format import percent
from app.services import annotation, explanation
from app.services.map_figures import map_figures
from db.records import RegionRecord
from tests.app.seeded import CLASSES, Seeded
from tests.app.views.pages import (
    BOX,
    MAIN,
    OTHER_BOX,
    click,
    drawn,
    keys,
    on_canvas,
    open_page,
    own_key,
    said,
    tell,
)


def test_the_queue_begins_with_a_mispredicted_image_and_says_what_is_wrong(seeded: Seeded) -> None:
    wrong = seeded.images("train")[2]
    seeded.publish(wrong=[wrong.id])

    app = open_page("annotate")

    assert app.session_state["annotate_image"] == wrong.id
    assert "Wrong: 1 train" in said(app)
    assert "#### Image 1 of 4" in said(app)


def test_the_page_opens_on_a_mistake_of_validation_when_training_has_none(seeded: Seeded) -> None:
    mistake = seeded.images("validation")[1]
    seeded.publish(wrong=[mistake.id])

    app = open_page("annotate")
    assert app.session_state["annotate_image"] == mistake.id
    assert app.session_state["annotate_split"] == "validation"

    app.button_group(key="annotate_split").set_value("train").run()
    assert app.session_state["annotate_image"] in {image.id for image in seeded.images("train")}


def test_the_page_opens_on_training_images_once_something_is_drawn(seeded: Seeded) -> None:
    image = seeded.images("train")[0]
    annotation.save(seeded.ws, image.id, image.class_id, (BOX,))
    seeded.publish(wrong=[seeded.images("validation")[1].id])

    assert open_page("annotate").session_state["annotate_split"] == "train"


def test_the_figures_beside_a_map_are_those_of_the_map_on_screen(seeded: Seeded) -> None:
    version = seeded.publish()
    image = seeded.images("train")[0]
    annotation.save(seeded.ws, image.id, image.class_id, (BOX,))
    view = explanation.attention_for(seeded.ws, version, image)
    position, rival = view.predicted, 1 - view.predicted

    for chosen, against_rival in (("grad_cam", False), ("against_rival", True)):
        app = open_page("annotate", {"annotate_image": image.id, "annotate_explanation": chosen})
        figures = map_figures(seeded.ws, image, view.attention(position, against_rival=against_rival))
        legend = next(str(one.value) for one in app.html if "evidence" in str(one.value))
        assert figures.spread is not None
        assert f"Half of the evidence: {percent(figures.spread.half)} of the picture" in legend
        assert f"{percent(figures.inside)} of the evidence is on the object" in legend
        menu = app.menu_button(key="annotate_explanations")
        assert menu.label == (f"vs {CLASSES[rival]}" if against_rival else "Grad-CAM")


def test_next_and_previous_walk_through_the_queue(seeded: Seeded) -> None:
    seeded.publish()
    app = open_page("annotate")
    first = app.session_state["annotate_image"]
    assert app.button(key="annotate_previous").disabled

    click(app, "annotate_next")
    assert app.session_state["annotate_image"] != first
    click(app, "annotate_previous")
    assert app.session_state["annotate_image"] == first


def test_a_drawing_is_saved_as_regions_in_image_pixels_and_the_next_image_comes(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = click(open_page("annotate", drawn(image, BOX)), "annotate_save_next")

    stored = annotation.load(seeded.ws, image.id, image.class_id)
    assert stored is not None
    assert stored.regions == (BOX,)
    assert app.session_state["annotate_image"] != image.id
    assert not app.button(key="retrain").disabled


def test_saved_regions_come_back_to_the_canvas(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    annotation.save(seeded.ws, image.id, image.class_id, (BOX,))

    app = open_page("annotate", {"annotate_image": image.id})

    (shown,) = on_canvas(app)["regions"]
    assert (shown["shape"], shown["points"]) == (BOX.shape, [list(point) for point in BOX.points])
    assert "1 region saved" in said(app)


@pytest.mark.parametrize(
    ("side", "words"),
    [
        (63, "is marked. All of it will be trained as the object"),
        (5, "Only 1 % is marked. Is that the whole object?"),
    ],
)
def test_what_a_very_large_or_small_drawing_means_is_said_under_it(
    seeded: Seeded, side: float, words: str
) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    assert "is marked" not in said(open_page("annotate", drawn(image, BOX)))

    app = open_page("annotate", drawn(image, RegionRecord("box", "look_here", ((0.0, 0.0), (side, side)))))

    assert words in said(app)
    click(app, "annotate_save")
    assert annotation.load(seeded.ws, image.id, image.class_id) is not None


def test_undo_and_redo_walk_through_the_regions_and_clear_is_one_step(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX, OTHER_BOX))
    assert not on_canvas(app)["redo"]

    tell(app, {"do": "clear"})
    assert "All regions removed" not in said(app)  # nothing was saved
    assert app.button(key=own_key(app.button, "annotate_save")).disabled
    tell(app, {"do": "undo"})
    assert "2 regions, not saved yet" in said(app)
    tell(app, {"do": "undo"})
    assert "1 region, not saved yet" in said(app)
    tell(app, {"do": "redo"})
    assert "2 regions, not saved yet" in said(app)
    tell(app, {"do": "undo"}, {"do": "undo"})
    assert not on_canvas(app)["undo"]


def test_the_fallback_canvas_has_buttons_for_its_steps(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFOCUS_CANVAS", "drawable")
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX, OTHER_BOX))
    assert app.session_state["annotate_on_canvas"].drawing.regions == (BOX, OTHER_BOX)
    assert app.button(key="annotate_redo").disabled

    click(app, "annotate_clear")
    assert app.button(key=own_key(app.button, "annotate_save")).disabled
    click(app, "annotate_undo")
    assert "2 regions, not saved yet" in said(app)
    click(app, "annotate_undo")
    assert "1 region, not saved yet" in said(app)
    click(app, "annotate_redo")
    assert "2 regions, not saved yet" in said(app)
    click(click(app, "annotate_undo"), "annotate_undo")
    assert app.button(key="annotate_undo").disabled


def test_every_key_of_the_page_is_in_the_list_of_keys(seeded: Seeded) -> None:
    seeded.publish()
    shortcuts = set()
    for split in ("train", "validation"):
        app = open_page("annotate", {"annotate_image": seeded.images(split)[0].id})
        shortcuts |= {button.proto.shortcut.upper() for button in app.button if button.proto.shortcut}
    listed = " ".join(key for key, _ in KEYS).replace("←", "LEFT").replace("→", "RIGHT").split()
    assert len(shortcuts) >= 6
    assert shortcuts <= set(listed)


def test_one_region_is_deleted_from_the_list_and_comes_back_with_undo(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX, OTHER_BOX))
    assert "1. Box" in said(app)
    assert "25 % of the picture" in said(app)

    click(app, "annotate_delete_0")

    draft = app.session_state["annotate_drafts"][(image.id, image.class_id)]
    assert draft.regions == (OTHER_BOX,)
    assert len(on_canvas(app)["regions"]) == 1
    tell(app, {"do": "undo"})
    assert "2 regions, not saved yet" in said(app)


def test_clear_is_taken_back_after_another_page(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX, OTHER_BOX))

    tell(app, {"do": "clear"})
    app.switch_page("views/train.py").run()
    app.switch_page("views/annotate.py").run()
    tell(app, {"do": "undo"})

    assert "2 regions, not saved yet" in said(app)


def test_a_key_pressed_before_the_browser_knew_the_next_image_does_not_go_back(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.page_address.ON_ITS_WAY", 600.0)
    seeded.publish()
    app = open_page("annotate")
    first = app.session_state["annotate_image"]
    click(app, "annotate_next")
    second = app.session_state["annotate_image"]

    app.query_params["image"] = str(first)  # as the browser sends it with a key pressed too early
    app.run()

    assert app.session_state["annotate_image"] == second != first


def test_an_image_of_another_split_is_only_looked_at(seeded: Seeded) -> None:
    seeded.publish()
    app = open_page("annotate", {"annotate_image": seeded.images("test")[0].id})

    assert app.button(key=own_key(app.button, "annotate_save")).disabled
    assert "for looking only" in said(app)


def test_a_link_opens_its_image(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[3]
    app = AppTest.from_file(str(MAIN), default_timeout=30).run()
    app.query_params["image"] = str(image.id)
    app.switch_page("views/annotate.py").run()

    assert app.session_state["annotate_image"] == image.id


@pytest.mark.parametrize("number", ["9" * 19, "0", "-1", "9" * 400, "x"])
def test_an_address_that_names_no_image_begins_with_the_first(seeded: Seeded, number: str) -> None:
    seeded.publish()
    app = AppTest.from_file(str(MAIN), default_timeout=30).run()
    app.query_params["image"] = number
    app.switch_page("views/annotate.py").run()
    assert not app.exception
    assert "#### Image 1 of 4" in said(app)


def test_a_missing_model_file_is_explained_and_drawing_still_works(seeded: Seeded) -> None:
    version = seeded.publish()
    seeded.ws.files.absolute(version.path).unlink()

    app = open_page("annotate")

    assert "model version 1 is missing" in app.error[0].value
    assert "annotate_save" in keys(app)
