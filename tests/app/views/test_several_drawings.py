"""Pages where two people have drawn on one image: each sees their own, is told of the other, and may copy."""

import re

from streamlit.testing.v1 import AppTest

from app import state
from app.services import annotation, whose_drawings
from app.workspace import Workspace
from db import annotations
from db.people import LATEST, Whose
from db.records import ImageRecord, RegionRecord
from tests.app.seeded import Seeded
from tests.app.views.conftest import SignIn
from tests.app.views.pages import BOX, OTHER_BOX, click, keys, open_page, said, table, tell

NEW = {"name": "a-1", "shape": "box", "role": "look_here", "points": [[0, 0], [16, 16]]}
NEAR = RegionRecord("box", "look_here", ((8.0, 8.0), (40.0, 24.0)))  # half of BOX


def draw(ws: Workspace, image: ImageRecord, *regions: RegionRecord) -> None:
    annotation.save(ws, image.id, image.class_id, regions)


def annotate(image: ImageRecord) -> AppTest:
    return open_page("annotate", {state.IMAGE.name: image.id})


def regions(app: AppTest, image: ImageRecord) -> tuple[RegionRecord, ...]:
    """On the canvas."""
    shown: tuple[RegionRecord, ...] = app.session_state[state.DRAFTS.name][image.id, image.class_id].regions
    return shown


def of_others(app: AppTest, image: ImageRecord) -> list[str]:
    """Labels of the menus about other people's drawings."""
    blocks = [block.proto.popover for block in app.get("popover")]
    return [block.label for block in blocks if "here too" in block.label or "other people" in block.label]


def test_each_person_sees_and_saves_their_own(seeded: Seeded, sign_in: SignIn) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    jan = sign_in("Jan", "annotator")
    draw(jan, image, BOX)
    mara = sign_in("Mara", "annotator")
    app = annotate(image)
    assert regions(app, image) == ()
    assert of_others(app, image) == ["Jan drew here too"]
    assert not app.button(key=f"annotate_right_place_{image.id}").disabled  # she has not guided it yet

    tell(app, {"do": "change", "add": [NEW]}, {"do": "save"})

    both = annotations.guidance_of_image(mara.database, image.id, image.class_id)
    assert [item.author_id for item in both] == [jan.user.id, mara.user.id]
    assert both[0].regions == (BOX,)
    assert "IoU" in of_others(app, image)[0]


def test_the_agreement_with_another_drawing_is_told_and_it_can_be_copied_and_undone(
    seeded: Seeded, sign_in: SignIn
) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    jan = sign_in("Jan", "annotator")
    draw(jan, image, NEAR)
    mara = sign_in("Mara", "annotator")
    draw(mara, image, BOX)
    app = annotate(image)
    assert of_others(app, image) == ["Jan drew here too: IoU 0.50"]
    app.session_state[f"others_{image.id}"] = True  # unfold it
    app.run()
    assert "IoU 0.50 (look here)" in said(app)
    click(app, f"copy_from_{image.id}_0")
    assert regions(app, image) == (BOX, NEAR)
    saved = annotations.get_guidance(mara.database, image.id, image.class_id)
    assert saved is not None
    assert saved.regions == (BOX,)  # until she saves
    tell(app, {"do": "undo"})
    assert regions(app, image) == (BOX,)


def test_the_local_user_is_told_nothing_new(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    draw(seeded.ws, image, BOX)
    app = annotate(image)
    assert of_others(app, image) == []
    assert not [box for box in app.selectbox if "Whose" in box.label]
    filters = open_page("annotate", {state.FILTERS_OPEN.name: True})
    assert not [toggle for toggle in filters.toggle if "others" in toggle.label]


def test_a_maintainer_chooses_whose_drawings_train(seeded: Seeded, sign_in: SignIn) -> None:
    seeded.publish()
    first, second = seeded.images("train")[:2]
    jan = sign_in("Jan", "annotator")
    draw(jan, first, BOX)
    mara = sign_in("Mara", "maintainer")
    key = f"whose_{seeded.project_id}"
    assert key not in [box.key for box in open_page().selectbox]  # one person alone has drawn
    draw(mara, second, BOX)
    app = open_page()
    assert app.selectbox(key=key).options == [
        *("Latest of each image", "Marked by anybody", "Marked by everybody", "Jan only", "Mara only"),
    ]
    assert "2 images guided" in said(app)
    app.selectbox(key=key).select(Whose("person", jan.user.id)).run()
    assert not app.exception
    assert seeded.project.whose == Whose("person", jan.user.id)
    assert "1 image guided" in said(app)
    sign_in("Ada", "annotator")
    assert "In this project only Jan's drawings train." in said(open_page())
    sign_in("Jan", "annotator")
    assert "Your saved drawings will be used." in said(open_page())


def test_what_is_used_is_said_where_it_is_not_the_latest(seeded: Seeded, sign_in: SignIn) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    draw(sign_in("Jan", "annotator"), image, NEAR)
    mara = sign_in("Mara", "maintainer")
    draw(mara, image, BOX)

    def legend() -> str:
        return " ".join(str(element.value) for element in annotate(image).html)

    assert "of the evidence is on the object" in legend()
    assert "drawn:" not in legend()
    assert "Where several people have drawn: the latest drawing of each image." in said(open_page())
    whose_drawings.choose(mara, seeded.project_id, Whose("intersection"))
    assert "(drawn: only what everybody marked)" in legend()
    assert "Where several people have drawn: only what everybody marked." in said(open_page())
    whose_drawings.choose(mara, seeded.project_id, LATEST)
    assert "drawn:" not in legend()


def test_images_of_others_are_a_queue_for_second_drawings(seeded: Seeded, sign_in: SignIn) -> None:
    seeded.publish()
    first, second, third = seeded.images("train")[:3]
    jan = sign_in("Jan", "annotator")
    for image in (first, second):
        draw(jan, image, BOX)
    mara = sign_in("Mara", "annotator")
    draw(mara, second, BOX)
    draw(mara, third, BOX)
    app = open_page("annotate", {state.FILTERS_OPEN.name: True})
    app.toggle(key="annotate_filter_others").set_value(True).run()
    assert not app.exception
    assert app.session_state[state.IMAGE.name] == first.id
    assert re.search(r"Image 1 of 1\b", said(app))
    assert "annotate_without_others" in keys(app)


def test_progress_and_agreement_stand_beside_the_activity(seeded: Seeded, sign_in: SignIn) -> None:
    first, second = seeded.images("train")[:2]
    jan, mara = sign_in("Jan", "annotator"), sign_in("Mara", "annotator")
    draw(jan, first, NEAR)
    draw(mara, first, BOX)
    draw(mara, second, OTHER_BOX)
    app = open_page("library", {"library_tabs": "Activity"})
    progress = table(app, "Who")
    drawn = dict(zip(progress["Who"], progress["Images drawn on"], strict=True))
    assert drawn == {"Mara": 2, "Jan": 1}
    agreement = table(app, "Two people").iloc[0]
    assert dict(agreement) == {
        "Two people": "Jan and Mara",
        "IoU, look here": "0.50 (n = 1)",
        "IoU, ignore this": "–",
        "Equal answers": "–",
    }
