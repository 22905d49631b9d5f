"""The bin, and what is cleaned by age and by size: what goes, and above all what stays."""

import os
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.errors import ServiceError
from app.jobs import housekeeping
from app.services import library, recycle_bin, retention, training
from app.services.adding import add_zip
from app.services.file_check import check
from app.workspace import Workspace
from db import library as rows
from db import runs
from db.errors import NotFoundError
from db.recycle_bin import DAY
from gain_core.models.files import composites_folder, session_file
from tests.app.material import photograph, stored_files, two_classes, written, zipped
from tests.app.seeded import open_home, seed


@pytest.fixture
def project(ws: Workspace, tmp_path: Path) -> int:
    return library.import_zip(ws, "Bay", zipped(tmp_path / "a.zip", two_classes())).project_id


def with_settings(ws: Workspace, **changes: float) -> Workspace:
    return replace(ws, settings=replace(ws.settings, **changes))  # type: ignore[arg-type]


def old(path: Path, days: float = 40.0) -> Path:
    """As if it had last been used so many days ago."""
    moment = time.time() - days * DAY
    for part in [path, *path.rglob("*")] if path.is_dir() else [path]:
        os.utime(part, (moment, moment))
    return path


def test_a_project_in_the_bin_is_nowhere_and_comes_back_with_all_it_had(ws: Workspace, project: int) -> None:
    before, images = stored_files(ws), rows.list_images(ws.database, project)
    recycle_bin.put_into_bin(ws, project)

    assert rows.list_projects(ws.database) == []
    for gone in (rows.get_project, library_overview):
        with pytest.raises(NotFoundError):
            gone(ws.database if gone is rows.get_project else ws, project)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        training.request_first_model(ws, project)
    with pytest.raises(NotFoundError):
        recycle_bin.put_into_bin(ws, project)
    assert check(ws, lambda *_: None, repair=True) == []
    assert stored_files(ws) == before
    ((binned,), _) = recycle_bin.contents(ws), retention.clean(ws)
    assert (binned.project.name, binned.images) == ("Bay", 4)

    assert recycle_bin.take_out_of_bin(ws, project).name == "Bay"
    assert rows.list_images(ws.database, project) == images
    with pytest.raises(NotFoundError):
        recycle_bin.take_out_of_bin(ws, project)


def library_overview(ws: Workspace, project_id: int) -> object:
    return library.overview(ws, project_id)


def test_images_are_not_added_to_a_project_that_went_into_the_bin_meanwhile(
    ws: Workspace, project: int, tmp_path: Path
) -> None:
    def bin_it(_done: int, _total: int, doing: str) -> None:
        if doing == "Storing the images":
            recycle_bin.put_into_bin(ws, project)

    before = stored_files(ws)
    with pytest.raises(NotFoundError):
        add_zip(ws, project, zipped(tmp_path / "b.zip", {"boat/9.png": photograph(9)}), bin_it)
    assert [name for name in stored_files(ws) if not name.startswith("cache/")] == before


def test_the_name_of_a_deleted_project_is_free_and_the_deleted_one_gives_way(
    ws: Workspace, project: int, tmp_path: Path
) -> None:
    recycle_bin.put_into_bin(ws, project)
    library.import_zip(ws, "Bay", zipped(tmp_path / "b.zip", two_classes()))
    assert recycle_bin.take_out_of_bin(ws, project).name == "Bay (2)"
    assert [item.name for item in rows.list_projects(ws.database)] == ["Bay", "Bay (2)"]


def test_a_project_in_training_does_not_go_into_the_bin(ws: Workspace, project: int) -> None:
    runs.request_run(ws.database, project, "quick", {}, None)
    with pytest.raises(ServiceError, match="Cancel the run"):
        recycle_bin.put_into_bin(ws, project)
    assert len(rows.list_projects(ws.database)) == 1


def test_a_run_of_a_project_in_the_bin_is_not_retried(ws: Workspace, project: int) -> None:
    run = runs.request_run(ws.database, project, "quick", {}, None)
    runs.request_cancel(ws.database, run.id)
    recycle_bin.put_into_bin(ws, project)
    with pytest.raises(NotFoundError):
        training.retry(ws, run.id)  # a page that was open when the project was deleted
    assert runs.get_run(ws.database, run.id).status == "cancelled"


def test_the_bin_is_emptied_of_what_is_older_than_the_setting_alone(
    ws: Workspace, project: int, tmp_path: Path
) -> None:
    other = library.import_zip(
        ws, "Other", zipped(tmp_path / "b.zip", {**two_classes(), "car/3.png": photograph(33)})
    ).project_id
    before = stored_files(ws)
    recycle_bin.put_into_bin(ws, other)
    assert retention.clean(ws).projects == 0
    assert stored_files(ws) == before
    time.sleep(0.02)
    assert retention.clean(with_settings(ws, bin_days=0.01 / DAY)).projects == 1
    assert recycle_bin.contents(ws) == []
    assert [item.id for item in rows.list_projects(ws.database)] == [project]
    assert len(stored_files(ws)) == len(before) - 1  # the images of both stay with the first
    assert check(ws, lambda *_: None) == []


def test_stray_files_leave_the_folder_lost_after_as_many_days(ws: Workspace, project: int) -> None:
    for day in ("2020-02-29", "2999-01-01", "notes"):
        written(ws.files.lost / day, {"images/x.png": b"x"})
    retention.clean(ws)
    assert sorted(path.name for path in ws.files.lost.iterdir()) == ["2999-01-01", "notes"]


class Full:
    """A project with one published version, one that was not, a failed run, a running one, and all that is
    made beside them.
    """

    def __init__(self, home: Path) -> None:
        self.ws = open_home(home)
        self.seeded = seed(self.ws)
        files = self.ws.files
        self.kept = files.absolute(self.seeded.publish().path)
        self.published = files.absolute(self.seeded.publish().path)
        self.failed = self._checkpoint(fail=True)
        image = self.seeded.images()[0].sha256
        self.features = self._file(files.features / "trunk" / image[:2] / f"{image}.features")
        self.thumbnail = self._file(files.thumbnail(image, 160))
        self.composites = self._file(composites_folder(self.kept) / "trunk" / "ab" / "ab.features")
        self.download = files.prepared(self.seeded.project_id) / "bundle-v1"
        self._file(self.download / "bundle.zip")
        self.remade = [
            *(session_file(self.kept), self.failed, self.features, self.thumbnail, self.composites),
            self.download,
        ]

    def _file(self, path: Path, size: int = 1000) -> Path:
        written(path.parent, {path.name: b"x" * size})
        return path

    def _checkpoint(self, *, fail: bool) -> Path:
        run = self.seeded.run()
        token = self.seeded.claim(run)
        path = self._file(self.ws.files.run_folder(run.id, 1) / "checkpoint.pt")
        if fail:
            runs.finish_failed(self.ws.database, run.id, token, "It crashed.")
        return path

    def running(self) -> Path:
        """The checkpoint of a run under way."""
        return self._checkpoint(fail=False)


@pytest.fixture
def full(tmp_path: Path) -> Full:
    return Full(tmp_path / "home")


def test_unused_files_that_can_be_made_again_go_by_age_and_nothing_else_does(full: Full) -> None:
    everything = stored_files(full.ws)
    assert retention.clean(full.ws).files == 0
    assert stored_files(full.ws) == everything

    old(full.ws.settings.home)
    done = retention.clean(full.ws)

    assert done.files == len(full.remade)
    assert not any(path.exists() for path in full.remade)
    assert not full.failed.parent.parent.exists()  # the run's folder was empty
    stay = {path.relative_to(full.ws.settings.home).as_posix() for path in (full.kept, full.published)}
    stay.add(session_file(full.published).relative_to(full.ws.settings.home).as_posix())
    assert {name for name in stored_files(full.ws) if not name.startswith("images/")} == stay
    assert check(full.ws, lambda *_: None) == []
    assert len([name for name in everything if name.startswith("images/")]) == 8


def test_the_least_recently_used_go_first_until_the_rest_fits(full: Full) -> None:
    for days, path in enumerate(full.remade):  # the session of the version that is not published: just used
        old(path, days)
    sizes = sum(item.size for item in retention.holdings(full.ws) if not item.needed)
    kept = with_settings(full.ws, keep_gb=(sizes - 1500) / retention.GB)
    assert retention.clean(kept).files == 2
    assert [path.exists() for path in full.remade] == [True, True, True, True, False, False]


def test_nothing_of_a_run_under_way_or_of_a_download_being_made_goes(full: Full) -> None:
    checkpoint = full.running()
    old(full.ws.settings.home)
    (full.download / "bundle.zip").write_bytes(b"more")  # just now
    retention.clean_all(full.ws)
    gone = [full.failed, full.thumbnail]
    assert [path.exists() for path in full.remade] == [path not in gone for path in full.remade]
    assert checkpoint.exists()


def test_room_is_counted_for_each_project_and_kind(full: Full) -> None:
    other = seed(full.ws, "Other", (5, 2, 2)).project_id  # one image that the first project lacks
    counted = retention.room(full.ws)
    mine = counted.by_project[full.seeded.project_id]
    assert mine["features"] == 2000
    assert mine["thumbnails"] == mine["checkpoints"] == mine["downloads"] == 1000
    assert mine["models"] == full.kept.stat().st_size + full.published.stat().st_size
    (own,) = counted.by_project[other].items()
    assert own[0] == "images"
    assert 0 < own[1] < mine["images"]
    assert counted.by_project[None].keys() == {"other"}
    assert counted.removable == 4000 + session_file(full.kept).stat().st_size  # the download is too new
    on_disk = sum(path.stat().st_size for path in full.ws.settings.home.rglob("*") if path.is_file())
    assert abs(sum(sum(kinds.values()) for kinds in counted.by_project.values()) - on_disk) < 100_000  # WAL


def test_the_trainer_cleans_after_a_minute_and_then_every_hour(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned: list[float] = []
    now = [1000.0]
    monkeypatch.setattr(housekeeping, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(
        housekeeping, "clean", lambda _ws: cleaned.append(now[0]) or retention.Cleaned(0, 0, 0)
    )
    keeper = housekeeping.Housekeeping(ws)
    for seconds in (0, 30, 61, 120, 3600, 3700):
        now[0] = 1000.0 + seconds
        keeper.tick()
        if keeper._thread is not None:
            keeper._thread.join()
    assert cleaned == [1061.0, 4700.0]


def test_a_project_that_somebody_took_out_of_the_bin_is_not_deleted(ws: Workspace, project: int) -> None:
    recycle_bin.put_into_bin(ws, project)
    recycle_bin.take_out_of_bin(ws, project)
    before = stored_files(ws)
    with pytest.raises(NotFoundError):
        recycle_bin.delete_for_good(ws, project)  # a page that still shows it in the bin
    assert stored_files(ws) == before
    assert library.overview(ws, project).n_images > 0
