"""What pages make for download: a bundle of a version."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from app.jobs import launch, prepare_run, preparing
from app.jobs.preparing import Request
from app.services import annotation, map_metrics
from app.workspace import Workspace
from db.records import VersionRecord
from tests.app.material import erase
from tests.app.seeded import Seeded, open_home, seed
from tests.app.views.pages import BOX, click, keys, open_page, said, table

Asked = list[tuple[Workspace, Request]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What pages ask for; nothing is started."""
    asked: Asked = []
    monkeypatch.setattr(
        launch, "start_preparation", lambda ws, text: asked.append((ws, Request.from_json(text)))
    )
    return asked


def small_bundle(ws: Workspace, version_id: int, path: Path, progress: Callable[..., None]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b")


@pytest.fixture
def version(seeded: Seeded) -> VersionRecord:
    return seeded.publish()


def test_a_bundle_is_made_beside_the_page_and_then_downloaded(
    seeded: Seeded, version: VersionRecord, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"bundle_{version.id}"
    app = click(open_page("models"), key)

    assert [request for _, request in asked] == [Request("bundle", seeded.project_id, version.id)]
    assert app.button(key=key).disabled
    assert app.get("progress")[0].proto.text == "Starting…"
    preparing.begin(seeded.ws, asked[0][1])
    assert len(asked) == 1  # it is being made
    monkeypatch.setattr(prepare_run, "make_bundle", small_bundle)
    prepare_run.carry_out(seeded.ws, asked[0][1])
    app = open_page("models")
    assert key not in keys(app)
    assert [button.proto.label for button in app.get("download_button")] == ["Model file", "Bundle"]


def test_why_no_bundle_could_be_made_is_told_and_it_can_be_tried_again(
    seeded: Seeded, version: VersionRecord, asked: Asked
) -> None:
    seeded.ws.files.absolute(version.path).write_bytes(b"changed")
    app = click(open_page("models"), f"bundle_{version.id}")
    prepare_run.carry_out(seeded.ws, asked[0][1])
    app = open_page("models")
    assert "The file of model version 1 is missing or has changed" in said(app)
    assert not click(app, f"bundle_{version.id}").error
    assert len(asked) == 2


def test_a_bundle_of_other_labels_or_guidance_is_made_again(
    seeded: Seeded, version: VersionRecord, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:

    request = Request("bundle", seeded.project_id, version.id)
    monkeypatch.setattr(prepare_run, "make_bundle", small_bundle)
    prepare_run.carry_out(seeded.ws, request)
    assert preparing.status(seeded.ws, request).status == "done"
    made = preparing.folder_of(seeded.ws, request)
    image = seeded.images("train")[0]

    annotation.save(seeded.ws, image.id, image.class_id, (BOX,))

    assert preparing.status(seeded.ws, request).status == "absent"
    preparing.begin(seeded.ws, request)
    assert not made.exists()
    erase(seeded.ws, seeded.project_id)
    assert not seeded.ws.files.prepared(seeded.project_id).exists()


def test_an_export_that_died_is_no_progress_for_ever(
    seeded: Seeded, version: VersionRecord, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request("bundle", seeded.project_id, version.id)
    preparing.begin(seeded.ws, request)
    monkeypatch.setattr(preparing, "START_SECONDS", -1.0)
    assert preparing.status(seeded.ws, request).message == preparing.SILENT


def test_compare_makes_a_report_of_what_it_shows(
    seeded: Seeded, version: VersionRecord, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = seeded.publish(seed=1)
    click(open_page("compare", {"compare_split": "test"}), "make_report")
    assert [request for _, request in asked] == [
        Request("report", seeded.project_id, after.id, version.id, "test")
    ]

    def small_report(*given: object) -> None:
        ws, before_id, after_id, split, folder, _ = given
        assert (ws, before_id, after_id, split) == (seeded.ws, version.id, after.id, "test")
        assert isinstance(folder, Path)
        (folder / "report.html").write_text("report")

    monkeypatch.setattr(prepare_run, "make_report", small_report)
    prepare_run.carry_out(seeded.ws, asked[0][1])
    app = open_page("compare", {"compare_split": "test"})
    assert [button.proto.label for button in app.get("download_button")] == ["Report"]


def test_models_makes_a_report_of_a_version_against_the_one_that_it_was_trained_from(
    seeded: Seeded, version: VersionRecord, asked: Asked
) -> None:
    after = seeded.publish(seed=1)
    app = open_page("models")
    assert f"report_{version.id}" not in keys(app)  # nothing was before it
    click(app, f"report_{after.id}")
    assert [request for _, request in asked] == [
        Request("report", seeded.project_id, after.id, version.id, "test")
    ]
    (preparing.folder_of(seeded.ws, asked[0][1]) / "report.html").write_text("report")
    preparing.write_state(preparing.folder_of(seeded.ws, asked[0][1]), {"status": "done"})
    labels = [button.proto.label for button in open_page("models").get("download_button")]
    assert labels.count("Report") == 1


def test_without_test_images_models_reports_on_validation_images(home: Path, asked: Asked) -> None:
    ws = open_home(home)
    bay = seed(ws, per_split=(4, 2, 0))
    first, second = bay.publish(), bay.publish(seed=1)
    click(open_page("models"), f"report_{second.id}")
    assert asked[0][1] == Request("report", bay.project_id, second.id, first.id, "validation")
    ws.database.close()


def test_compare_shows_figures_for_specialists_and_measures_maps_on_request(
    seeded: Seeded, version: VersionRecord, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    boat = seeded.images("validation")[0]
    after = seeded.publish(seed=1, wrong=[boat.id])
    app = open_page("compare")
    assert "measure_maps" not in keys(app)
    app.toggle(key="compare_more").set_value(True).run()
    assert table(app, "Figure").set_index("Figure").loc["Balanced accuracy"].to_list() == [100.0, 50.0]
    by_class = app.dataframe[-3].value.set_index("Class")
    assert by_class.loc["boat", ["Recall before", "Recall after"]].to_list() == [100.0, 0.0]
    assert app.dataframe[-1].value[["boat", "car"]].to_numpy().tolist() == [[0, 1], [0, 1]]
    assert "Exact McNemar test on 2 images: 0 fixed, 1 newly wrong, p = 1." in said(app)

    app = click(app, "measure_maps")
    assert [request for _, request in asked] == [
        Request("maps", seeded.project_id, after.id, version.id, "validation")
    ]
    monkeypatch.setattr(map_metrics, "IMAGES", 1)
    prepare_run.carry_out(seeded.ws, asked[0][1])
    app.run()
    assert not app.exception
    assert {"Deletion", "Insertion"} <= set(table(app, "Figure")["Figure"])
    assert "AP after" in app.dataframe[-3].value.columns
    assert "Maps of the true class on 1 image" in said(app)
