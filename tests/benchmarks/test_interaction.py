"""The large project that clicks are timed on, and how times are summed up."""

from pathlib import Path

from app.services import library, queue
from app.settings import Settings
from app.workspace import open_workspace
from benchmarks.interaction import summary
from benchmarks.large_project import SHARED_FILES, make_large_project
from db import library as rows
from db import versions


def test_the_queue_of_the_large_project_begins_with_images_that_have_files_of_their_own(
    tmp_path: Path,
) -> None:
    project = make_large_project(tmp_path, 120, own_files=4)
    ws = open_workspace(Settings(home=tmp_path))
    try:
        images = rows.list_images(ws.database, project.id)
        assert len(images) == 120
        assert [image.split for image in images].count("train") == 84
        assert len({image.sha256 for image in images}) == 4 + SHARED_FILES
        first = queue.whole(ws, project.id, project.current_version_id)[:4]
        assert {item.image.id for item in first} == {image.id for image in images[:4]}
        assert library.open_image(ws, images[0]).size == (224, 224)
        known = versions.list_versions(ws.database, project.id)
        assert [version.id for version in known][-1] == project.current_version_id
        assert len(known) == 2
    finally:
        ws.database.close()


def test_times_are_summed_up_by_their_median_and_95th_percentile() -> None:
    assert summary([float(number) for number in range(1, 101)]) == {"n": 100, "p50": 50, "p95": 95}
    assert summary([3.0]) == {"n": 1, "p50": 3, "p95": 3}
