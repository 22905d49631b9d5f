from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from app.components.kit.text import plain
from app.errors import ImportRefusedError
from app.exporting import EXPORTS, coco, yolo
from app.exporting.guided_images import load
from app.importing.dry_run import Preview
from app.jobs import launch
from app.services import annotation, answers, labels, library
from app.services.library import ImportReport
from db import drafts, imports, runs
from db import library as rows
from db.records import DraftRecord
from tests.app.material import erase
from tests.app.seeded import Seeded, seed
from tests.app.views.pages import BOX, click, keys, open_page, said, table, thumbnails


def test_the_first_visit_offers_the_demo_and_a_new_project(home: Path) -> None:
    app = open_page()

    assert {"try_demo", "create_project"} <= keys(app)
    assert app.button(key="create_project").disabled
    assert not app.button(key="try_demo").disabled


@pytest.mark.parametrize("name", ["annotate", "train", "compare", "models"])
def test_without_a_project_every_page_leads_to_the_library(home: Path, name: str) -> None:
    app = open_page(name)

    assert f"{name}_to_library" in keys(app)


def test_one_click_makes_the_demo_and_asks_for_its_first_model(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(ws: object, on_progress: Callable[[int, int, str], None]) -> ImportReport:
        on_progress(1, 2, "Drawing scenes")
        return ImportReport(seed(seeded.ws, "Harbour demo").project_id, 8, (), ("Half is kept apart.",))

    monkeypatch.setattr(library, "create_demo", draw)
    app = click(click(open_page(), "toggle_new_project"), "try_demo")

    demo = rows.find_project(seeded.ws.database, "Harbour demo")
    assert demo is not None
    assert app.session_state["project"] == demo.id
    run = runs.active_run(seeded.ws.database, demo.id)
    assert run is not None
    assert app.session_state["followed_run"] == run.id
    assert "Half is kept apart." in said(app)


def test_the_first_published_model_of_a_followed_project_leads_on_to_annotate(seeded: Seeded) -> None:
    seeded.publish()
    run = runs.list_runs(seeded.ws.database, seeded.project_id)[0]

    app = open_page(state={"followed_run": run.id, "page": "Library"})

    assert "annotate_save_next" in keys(app)


def test_a_followed_project_does_not_lead_away_from_another_one(seeded: Seeded) -> None:
    """Nor from its place when it is deleted, with its run."""
    seeded.publish()
    run = runs.list_runs(seeded.ws.database, seeded.project_id)[0]
    other = seed(seeded.ws, "Another bay").project_id

    app = open_page(state={"followed_run": run.id, "page": "Library", "project": other})
    assert "library_first_model" in keys(app)
    erase(seeded.ws, seeded.project_id)
    app.run()
    assert "library_first_model" in keys(app)
    assert not app.error


def test_a_refused_import_says_what_happened_and_makes_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> ImportReport:
        raise ImportRefusedError("The zip holds no image.")

    monkeypatch.setattr(library, "check_zip", refuse)
    app = open_page()
    app.text_input(key="new_name").set_value("Bay").run()
    app.file_uploader(key="new_zip").upload("a.zip", b"PK").run()
    click(app, "create_project")

    assert "The zip holds no image." in app.error[0].value
    assert "try_demo" in keys(app)


def test_a_project_shows_its_counts_and_what_was_refused(seeded: Seeded) -> None:
    app = open_page()

    assert table(app, "Class").to_dict("list") == {
        "Class": ["boat", "car"],
        "Train": [2, 2],
        "Validation": [1, 1],
        "Test": [1, 1],
        "Total": [4, 4],
    }
    assert table(app, "File").to_dict("list") == {"File": ["notes.txt"], "Reason": ["It is not an image."]}
    assert table(app, "Place").to_dict("list") == {"Place": ["grass", "water"], "Images": [4, 4]}


def test_a_project_without_a_model_asks_for_its_first_one(seeded: Seeded) -> None:
    app = click(open_page(), "library_first_model")

    run = runs.active_run(seeded.ws.database, seeded.project_id)
    assert run is not None
    assert run.base_version_id is None
    assert "Training the first model" in said(app)
    assert {key for key in keys(app) if key.endswith("_cancel")} == {"panel_cancel"}


def test_deleting_asks_first(seeded: Seeded) -> None:
    app = click(open_page(), "delete_project")
    assert "go to the bin" in said(app)
    assert rows.list_projects(seeded.ws.database) != []


def test_a_name_that_people_chose_cannot_become_markup() -> None:
    assert plain("boat") == "boat"
    assert plain("a_b [x](y) :red[z]") == r"a\_b \[x\]\(y\) \:red\[z\]"


def test_a_setting_that_cannot_be_read_is_named_instead_of_a_traceback(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFOCUS_MAX_UPLOAD_MB", "plenty")
    app = open_page()

    assert "REFOCUS_MAX_UPLOAD_MB" in said(app)


def test_a_database_of_a_newer_program_is_refused_in_words(seeded: Seeded) -> None:
    with seeded.ws.database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    app = open_page()

    assert len(app.error) == 1
    assert "data folder" in app.error[0].proto.title


def test_drawings_can_be_taken_away_once_there_are_any(seeded: Seeded) -> None:
    seeded.publish()
    assert "download_drawings" not in {one.key for one in open_page().get("download_button")}
    image = seeded.images("train")[0]
    annotation.save(seeded.ws, image.id, image.class_id, [BOX])
    app = open_page()
    assert "download_drawings" in {one.key for one in app.get("download_button")}
    assert app.selectbox(key="export_format").options == [export.TITLE for export in EXPORTS]
    app = app.selectbox(key="export_format").select("YOLO").run()
    assert not app.exception
    assert yolo.LACKS in said(app)


def test_drawings_are_added_to_the_images_of_a_project(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    annotation.save(seeded.ws, image.id, image.class_id, [BOX])
    packed = coco.pack(load(seeded.ws, seeded.project_id))
    annotation.save(seeded.ws, image.id, image.class_id, [])
    app = open_page()
    app.file_uploader(key="added_drawings").upload("drawings.zip", packed).run()

    click(app, "add_drawings")

    assert "COCO (JSON): 1 drawing added." in said(app)
    guidance = annotation.load(seeded.ws, image.id, image.class_id)
    assert guidance is not None
    assert guidance.regions == (BOX,)
    app = click(app, "add_drawings")
    assert "1 image had a drawing already, which stayed." in said(app)


def test_the_form_for_a_new_project_keeps_its_name_and_zip_over_a_page_switch(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    def refuse(_: object, upload: Path, *__: object) -> ImportReport:
        asked.append(upload.read_bytes())
        raise ImportRefusedError("The zip holds no image.")

    monkeypatch.setattr(library, "check_zip", refuse)
    app = open_page()
    app.text_input(key="new_name").set_value("Bay").run()
    app.file_uploader(key="new_zip").upload("a.zip", b"PK").run()

    app.switch_page("views/train.py").run()
    app.switch_page("views/library.py").run()

    assert "a.zip is selected" in said(app)
    click(app, "create_project")
    assert asked == [b"PK"]
    assert "a.zip" not in said(app)
    assert app.button(key="create_project").disabled
    assert app.text_input(key="new_name").value == "Bay"


def test_a_zip_is_let_go_once_its_project_is_made_and_the_demo_leaves_the_form_alone(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = ImportReport(seeded.project_id, 0, (), ())
    monkeypatch.setattr(library, "import_zip", lambda *_: report)
    monkeypatch.setattr(library, "check_zip", lambda *_: Preview())
    monkeypatch.setattr(library, "create_demo", lambda *_: report)
    app = click(open_page(), "toggle_new_project")
    app.text_input(key="new_name").set_value("My birds").run()
    click(app, "try_demo")
    click(app, "toggle_new_project")
    assert app.text_input(key="new_name").value == "My birds"

    app.file_uploader(key="new_zip").upload("a.zip", b"PK").run()
    click(app, "create_project")
    click(app, "start_import")
    assert app.session_state["library_upload"] is None
    click(app, "toggle_new_project")
    assert app.text_input(key="new_name").value == ""


def test_a_name_that_is_taken_is_said_before_anything_is_uploaded(seeded: Seeded) -> None:
    app = click(open_page(), "toggle_new_project")
    app.text_input(key="new_name").set_value(f" {seeded.project.name} ").run()
    assert "exists. Choose another name" in said(app)
    app.text_input(key="new_name").set_value("Another bay").run()
    assert "exists. Choose another name" not in said(app)


def test_an_import_of_another_window_is_seen_and_can_be_cancelled(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does somebody who comes back after a lost connection."""
    monkeypatch.setattr(launch, "start_import", lambda *_: None)
    app = click(click(open_page(), "toggle_new_project"), "try_demo")
    (asked,) = imports.open_imports(seeded.ws.database)
    assert app.button(key="try_demo").disabled
    imports.begin_import(seeded.ws.database, asked.id)
    imports.report_import(seeded.ws.database, asked, 3, 10, "Drawing")

    other = open_page()
    assert "The demo · Drawing: 3 of 10" in [item.proto.text for item in other.get("progress")]
    click(other, f"cancel_import_{asked.id}")

    assert imports.get_import(seeded.ws.database, asked.id).cancel_requested
    imports.end_cancelled_import(seeded.ws.database, asked)
    app.run()
    assert app.session_state["followed_import"] is None
    assert not app.button(key="try_demo").disabled
    assert not app.error


def test_why_an_import_failed_is_shown_in_every_window_until_it_is_dismissed(seeded: Seeded) -> None:
    asked = imports.request_import(seeded.ws.database, "Bay 2", "folder", "/data")
    imports.fail_import(seeded.ws.database, asked, "The zip holds no image.")

    app = open_page()
    assert "The zip holds no image." in app.error[0].value
    click(app, f"dismiss_import_{asked.id}")

    assert not app.error


def test_thumbnails_are_marked_with_what_was_done_and_say_it_in_words(seeded: Seeded) -> None:
    drawn, answered, waiting, renamed = seeded.images("train")
    classes = rows.list_classes(seeded.ws.database, seeded.project_id)
    annotation.save(seeded.ws, drawn.id, drawn.class_id, (BOX,))
    annotation.skip(seeded.ws, drawn.id)
    answers.answer(seeded.ws, answered, np.eye(7, dtype=np.float32), "wrong")
    drafts.keep_draft(seeded.ws.database, DraftRecord(waiting.id, waiting.class_id, 0, (BOX,)))
    labels.change_label(seeded.ws, renamed, next(c.id for c in classes if c.id != renamed.class_id))

    app = open_page()
    shown = thumbnails(app, "library_images")

    assert {image_id: [mark for mark, _ in frame["marks"]] for image_id, frame in shown.items()} == {
        drawn.id: ["guided", "skipped"],
        answered.id: ["answered"],
        waiting.id: ["unsaved"],
        renamed.id: ["relabelled"],
    }
    assert shown[drawn.id]["title"] == f"{drawn.name}: open in Annotate. Guided, moved to the end."
    assert ":material/edit: unsaved drawing" in said(app)  # the legend


def test_without_marks_there_is_no_legend(seeded: Seeded) -> None:
    app = open_page()
    assert [frame["marks"] for frame in thumbnails(app, "library_images").values()] == [[]] * 4
    assert "unsaved drawing" not in said(app)
