import json
from dataclasses import asdict
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.jobs import launch, preparing
from app.jobs.preparing import Request
from app.services.suggestions import FILE, Suggestion
from app.state import PickedGroup
from db import versions
from db.records import ImageRecord
from tests.app.seeded import Seeded, open_home, seed
from tests.app.views.pages import MAIN, click, keys, open_page, said

OPEN = {"annotate_groups_open": True}


@pytest.fixture
def seeded(home: Path) -> Seeded:
    return seed(open_home(home), per_split=(8, 4, 2))


def grouped(seeded: Seeded) -> list[ImageRecord]:
    """Publishes a version; the images of its second group of boats, training images first."""
    boats = [image for image in seeded.images() if image.class_position == 0]
    chosen = [image for image in boats if image.split != "test"][2:5]
    groups = {image.id: int(image in chosen) for image in seeded.images() if image.split != "test"}
    seeded.publish(groups=groups)
    return chosen


def test_groups_are_offered_with_their_sentences_when_the_list_is_unfolded(seeded: Seeded) -> None:
    grouped(seeded)

    assert "annotate_group_0_1" not in keys(open_page("annotate"))
    app = open_page("annotate", OPEN)

    assert {"annotate_group_0_0", "annotate_group_0_1", "annotate_group_1_0"} <= keys(app)
    assert "3 images predicted “boat”: similar evidence" in said(app)


def test_a_picked_group_is_the_queue_until_all_images_are_wanted_again(seeded: Seeded) -> None:
    chosen = grouped(seeded)
    app = click(open_page("annotate", OPEN), "annotate_group_0_1")

    assert app.session_state["annotate_image"] == chosen[0].id
    assert "#### Image 1 of 2" in said(app)
    assert "3 images predicted “boat”" in said(app)
    assert app.session_state["annotate_queue"].image_ids == tuple(image.id for image in chosen[:2])

    click(app, "annotate_all_images")
    assert " of 8" in said(app)
    assert app.session_state["annotate_image"] == chosen[0].id
    assert "annotate_all_images" not in keys(app)


def test_a_picked_group_survives_a_visit_to_another_page(seeded: Seeded) -> None:
    grouped(seeded)
    app = click(open_page("annotate", OPEN), "annotate_group_0_1")

    app.switch_page("views/train.py").run()
    app.switch_page("views/annotate.py").run()

    assert not app.exception
    assert "#### Image 1 of 2" in said(app)


def test_a_link_opens_its_group(seeded: Seeded) -> None:
    chosen = grouped(seeded)
    version = seeded.project.current_version_id
    app = AppTest.from_file(str(MAIN), default_timeout=30).run()
    app.query_params["evidence"] = f"{version}-0-1"
    app.switch_page("views/annotate.py").run()

    assert app.session_state["annotate_image"] == chosen[0].id
    assert "#### Image 1 of 2" in said(app)


@pytest.mark.parametrize("link", ["99-0-1", "1-7-7", "1-0", "1-0-x", "-1-0-0", "9" * 400])
def test_a_link_to_a_group_that_is_not_there_shows_all_images(seeded: Seeded, link: str) -> None:
    grouped(seeded)
    app = AppTest.from_file(str(MAIN), default_timeout=30).run()
    app.query_params["evidence"] = link
    app.switch_page("views/annotate.py").run()

    assert not app.exception
    assert "#### Image 1 of 8" in said(app)


def test_an_image_outside_the_group_is_shown_beside_it(seeded: Seeded) -> None:
    grouped(seeded)
    version = seeded.project.current_version_id
    assert version is not None
    outside = seeded.images("train")[1]
    app = open_page("annotate", {"annotate_group": PickedGroup(version, 0, 1), "annotate_image": outside.id})

    assert app.session_state["annotate_image"] == outside.id
    assert "#### Not in this queue" in said(app)
    assert "#### Image 1 of 2" in said(click(app, "annotate_next"))


def test_the_groups_of_another_version_are_not_picked(seeded: Seeded) -> None:
    grouped(seeded)
    app = click(open_page("annotate", OPEN), "annotate_group_0_1")
    seeded.publish(groups={image.id: 0 for image in seeded.images("train")})
    app.run()

    assert not app.exception
    assert "of 8" in said(app)


def test_without_a_version_or_with_one_that_has_no_groups_none_are_offered(seeded: Seeded) -> None:
    assert not any(key.startswith("annotate_group") for key in keys(open_page("annotate", OPEN)))
    seeded.publish()
    assert not any(key.startswith("annotate_group") for key in keys(open_page("annotate", OPEN)))


def test_a_single_group_is_not_offered(seeded: Seeded) -> None:
    boats = [image.id for image in seeded.images("train") if image.class_position == 0]
    seeded.publish(groups=dict.fromkeys(boats, 0))

    assert not any(key.startswith("annotate_group") for key in keys(open_page("annotate", OPEN)))


def test_groups_of_a_missing_model_file_are_explained_and_drawing_still_works(seeded: Seeded) -> None:
    grouped(seeded)
    version = versions.list_versions(seeded.ws.database, seeded.project_id)[0]
    seeded.ws.files.absolute(version.path).unlink()

    app = open_page("annotate", OPEN)

    assert ["model version 1 is missing" in error.value for error in app.error] == [
        True,
        True,
    ]  # and the map's own
    assert "annotate_save" in keys(app)


def suggest(seeded: Seeded, chosen: list[ImageRecord]) -> None:
    """As the background process does, for the published version."""
    assert seeded.project.current_version_id is not None
    request = Request("shortcuts", seeded.project_id, seeded.project.current_version_id)
    folder = preparing.folder_of(seeded.ws, request)
    ids = tuple(image.id for image in chosen if image.split == "train")
    item = Suggestion(0, "3 of 4 images of “boat” have a darker outer rim.", "0 others do.", ids)
    preparing.write_state(folder, {"status": "done"})
    (folder / FILE).write_text(json.dumps([asdict(item)]))


def test_suggestions_are_looked_for_once_and_a_picked_one_is_the_queue(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Request] = []
    monkeypatch.setattr(launch, "start_preparation", lambda ws, text: asked.append(Request.from_json(text)))
    chosen = grouped(seeded)
    app = open_page("annotate", OPEN)
    assert "Looking for properties" in said(app)
    app.run()
    assert [request.kind for request in asked] == ["shortcuts"]

    suggest(seeded, chosen)
    app = open_page("annotate", OPEN)
    assert "3 of 4 images of “boat” have a darker outer rim." in said(app)
    app = click(app, "annotate_group_s_0")

    assert app.query_params["evidence"] in (f"{asked[0].version_id}-s-0", [f"{asked[0].version_id}-s-0"])
    assert "#### Image 1 of 2" in said(app)
    assert app.session_state["annotate_queue"].image_ids == tuple(image.id for image in chosen[:2])
    click(app, "annotate_all_images")
    assert " of 8" in said(app)
    assert app.session_state["annotate_image"] == chosen[0].id


def test_a_link_opens_its_suggestion(seeded: Seeded) -> None:
    suggest(seeded, grouped(seeded))
    app = AppTest.from_file(str(MAIN), default_timeout=30).run()
    app.query_params["evidence"] = f"{seeded.project.current_version_id}-s-0"
    app.switch_page("views/annotate.py").run()

    assert "#### Image 1 of 2" in said(app)
