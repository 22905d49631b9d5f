"""Images are added on a project's page, and moved between its splits there."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import text
from streamlit import config
from streamlit.runtime.fragment import MemoryFragmentStorage

from app.importing.dry_run import Preview
from app.jobs import launch, prepare_run
from app.jobs.preparing import Request
from app.services import annotation
from db import imports, library, runs, versions
from tests.app.material import encoded, index, photograph, zipped
from tests.app.seeded import Seeded
from tests.app.views.pages import click, keys, open_page, own_key, said, table


@pytest.fixture
def predicted(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> Seeded:
    """With a model that looks at new images at once."""
    monkeypatch.setattr(
        launch,
        "start_preparation",
        lambda ws, text: prepare_run.carry_out(ws, Request.from_json(text)),
    )
    seeded.publish()
    return seeded


def test_images_are_checked_added_and_predicted(predicted: Seeded, tmp_path: Path) -> None:
    files = {"boat/new.png": photograph(1, (64, 64)), "kite/1.png": photograph(2, (64, 64))}
    path = zipped(tmp_path / "more.zip", files)
    app = open_page()
    assert app.button(key="check_added").disabled
    app.file_uploader(key="added_images").upload("more.zip", path.read_bytes()).run()
    assert not app.exception
    click(app, "check_added")
    assert "Left out, because the project has no such class: kite (1)." in said(app)
    assert f"Before adding to “{predicted.project.name}”" in [item.value for item in app.subheader]
    assert len(predicted.images()) == 8
    assert app.button(key="add_images_later").disabled
    assert "check_added" not in keys(app)

    click(app, "start_import")

    assert "Added: 1 images." in said(app)
    (new,) = predicted.images()[8:]
    assert (new.name, new.class_position) == ("boat/new.png", 0)
    version_id = predicted.project.current_version_id or 0
    assert new.id in [item.image_id for item in versions.list_predictions(predicted.ws.database, version_id)]
    assert "the model looks at them now" not in said(open_page())


def test_loose_images_get_the_class_that_is_chosen_for_them(seeded: Seeded) -> None:
    app = open_page()
    app.file_uploader(key="added_images").upload("a=b.png", photograph(5, (64, 64))).run()
    app.selectbox(key="added_class").select("car").run()
    click(app, "check_added")
    app.selectbox(key=own_key(app.selectbox, "dry_split")).select("test").run()
    assert table(app, "Class").to_dict("list") == {"Class": ["car"], "Test": [1]}
    click(app, "start_import")
    new = seeded.images()[-1]
    assert (new.name, new.class_position, new.split) == ("a=b.png", 1, "test")


def test_a_choice_that_comes_together_with_the_click_counts(seeded: Seeded, tmp_path: Path) -> None:
    files = {
        "index.csv": index("file,label,mask", "new.png,boat,m.png"),
        "new.png": photograph(1, (64, 64)),
        "m.png": encoded(Image.new("L", (64, 64), 255)),
    }
    app = open_page()
    content = zipped(tmp_path / "more.zip", files).read_bytes()
    app.file_uploader(key="added_images").upload("more.zip", content).run()
    click(app, "check_added")
    app.segmented_control(key=own_key(app.segmented_control, "dry_guidance")).set_value(True)
    app.selectbox(key=own_key(app.selectbox, "dry_split")).select("train")
    click(app, "start_import")
    new = seeded.images()[-1]
    assert new.split == "train"
    assert annotation.load(seeded.ws, new.id, new.class_id) is not None


def test_a_check_that_ends_leaves_its_buttons_in_the_same_fragment(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamlit drops a click that comes from a fragment that the page does not have any more."""
    fragments: set[str] = set()
    register = MemoryFragmentStorage.register

    def noted(storage: MemoryFragmentStorage, key: str, *rest: Any, **named: Any) -> None:
        fragments.add(key)
        register(storage, key, *rest, **named)

    monkeypatch.setattr(MemoryFragmentStorage, "register", noted)
    database = seeded.ws.database
    record = imports.begin_import(
        database, imports.request_import(database, "Bay 2", "folder", "/data", stage="check").id
    )
    assert record is not None
    imports.store_preview(database, record, Preview().to_dict())
    assert {f"start_import_{record.id}"} <= keys(open_page())
    while_checked = set(fragments)
    fragments.clear()

    imports.finish_check(database, record)
    assert {f"start_import_{record.id}"} <= keys(open_page())
    assert fragments == while_checked


def test_a_project_that_was_deleted_meanwhile_is_said_and_nothing_is_made(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page()
    app.file_uploader(key="added_images").upload("a.png", photograph(5, (64, 64))).run()
    carry_out = launch.start_import
    monkeypatch.setattr(launch, "start_import", lambda *_: None)
    click(app, "check_added")
    library.delete_project(seeded.ws.database, seeded.project_id)
    (asked,) = imports.open_imports(seeded.ws.database)
    carry_out(seeded.ws, asked.id)
    assert "was deleted" in open_page().error[0].value
    assert library.list_projects(seeded.ws.database) == []


def test_new_images_of_a_project_are_looked_at_from_any_page_and_a_failure_is_told_once(
    predicted: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = versions.get_version(predicted.ws.database, predicted.project.current_version_id or 0)
    with predicted.ws.database.writing() as session:
        session.execute(text("DELETE FROM predictions WHERE image_id = 1"))
    weights = predicted.ws.files.absolute(version.path)
    content = weights.read_bytes()
    weights.unlink()
    app = open_page("train")
    assert "is missing or has changed" in app.error[0].value
    weights.write_bytes(content)
    click(app, "predict_again")
    assert versions.unpredicted(predicted.ws.database, version.id) == []
    assert runs.active_run(predicted.ws.database, predicted.project_id) is None


def test_the_limit_of_uploads_is_one_setting(
    home: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Streamlit's own would end a larger upload with a bare 413."""
    before = config.get_option("server.maxUploadSize")
    request.addfinalizer(lambda: config.set_option("server.maxUploadSize", before))
    monkeypatch.setenv("REFOCUS_MAX_UPLOAD_MB", "6000")
    open_page()
    assert config.get_option("server.maxUploadSize") == 6000
