"""Guidance that earlier programs stored, a row for each image and class, becomes that of its author."""

from collections.abc import Sequence
from contextlib import closing

import pytest

from db import annotations, library, runs
from db.engine import Database
from db.people import LATEST, LOCAL_USER
from db.records import RegionRecord
from tests.db.build import BOX
from tests.db.conftest import EarlierRows

BEFORE: Sequence[str] = (
    "INSERT INTO users (subject, name, email, role) VALUES ('idp m', 'Mara', '', 'annotator')",
    """INSERT INTO projects (id, name, source, backbone, image_size, created_at)
    VALUES (1, 'old', 'upload', 'tf_efficientnet_lite0', 224, '2026-11-23')""",
    "INSERT INTO classes (id, project_id, position, name) VALUES (1, 1, 0, 'boat')",
    """INSERT INTO images (id, project_id, name, sha256, suffix, width, height, split, groups, review) VALUES
    (1, 1, 'a.jpg', 'aa', '.jpg', 640, 480, 'train', '{}', 'open'),
    (2, 1, 'b.jpg', 'bb', '.jpg', 640, 480, 'train', '{}', 'open')""",
    "INSERT INTO image_labels (image_id, class_id, position, given) VALUES (1, 1, 0, TRUE), (2, 1, 0, TRUE)",
    """INSERT INTO guidance (image_id, class_id, revision, guided_at, answered, author_id)
    VALUES (1, 1, 1, '2026-11-28', TRUE, NULL), (2, 1, 7, '2026-11-29', FALSE, 2)""",
    """INSERT INTO regions (guidance_id, position, shape, role, points) VALUES
    (1, 0, 'box', 'look_here', '[[1, 2], [3, 4]]'), (2, 0, 'box', 'ignore_this', '[[5, 6], [7, 8]]')""",
    """INSERT INTO runs (project_id, mode, status, config, attempt, max_attempts, cancel_requested, progress,
    created_at) VALUES (1, 'quick', 'failed', '{}', 1, 3, FALSE, '{}', '2026-11-29')""",
)


def test_every_row_stays_and_is_its_author_s(empty_url: str, earlier_rows: EarlierRows) -> None:
    earlier_rows("0018", BEFORE)
    with closing(Database.open(empty_url)) as database:
        nobodys, maras = annotations.list_guidance(database, 1)
        assert (nobodys.id, nobodys.author_id, nobodys.revision) == (1, LOCAL_USER.id, 1)
        assert (maras.id, maras.author_id, maras.revision) == (2, 2, 7)
        assert (nobodys.answered, maras.answered) == (True, False)
        assert nobodys.regions == (RegionRecord("box", "look_here", ((1.0, 2.0), (3.0, 4.0))),)
        assert maras.regions == (RegionRecord("box", "ignore_this", ((5.0, 6.0), (7.0, 8.0))),)
        assert library.get_project(database, 1).whose == runs.get_run(database, 1).whose == LATEST

        beside = annotations.save_guidance(database, 2, 1, [BOX], b"look", None, expected_revision=0)
        assert beside is not None
        assert (beside.id, beside.revision) == (3, 8)
        assert len(annotations.list_guidance(database, 1)) == 3


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # which copies the table
def test_ids_of_guidance_that_was_deleted_are_not_given_again(
    empty_url: str, earlier_rows: EarlierRows
) -> None:
    deleted = ("DELETE FROM regions WHERE guidance_id = 2", "DELETE FROM guidance WHERE id = 2")
    earlier_rows("0018", (*BEFORE, *deleted))
    with closing(Database.open(empty_url)) as database:
        saved = annotations.save_guidance(database, 2, 1, [BOX], b"look", None)
        assert saved is not None
        assert saved.id == 3
