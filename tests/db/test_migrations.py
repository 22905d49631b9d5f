"""The schema's history: complete, safe to run, and refused when it is of a newer program."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

import db.migrations
from db import drafts, library, users, versions
from db.base import Base
from db.engine import Database
from db.errors import DatabaseError, NewerDatabaseError
from db.people import LOCAL_USER
from db.records import DraftRecord, PredictionRecord, RegionRecord
from tests.db.build import count_rows, new_project, publish, start
from tests.db.conftest import EarlierRows

STEPS = ScriptDirectory(str(Path(db.migrations.__file__).parent))
HEAD = STEPS.get_current_head()
STEP = """
import sqlalchemy as sa
from alembic import op

revision = "9998"
down_revision = "{head}"


def upgrade() -> None:
    with op.batch_alter_table("projects", recreate="{recreate}") as batch:
        batch.add_column(sa.Column("colour", sa.Text(), server_default="blue"))
    {more}
"""

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

FIRST_SCHEMA_ROWS = (
    """INSERT INTO projects (id, name, source, backbone, image_size, created_at)
    VALUES (1, 'old', 'upload', 'tf_efficientnet_lite0', 224, '2026-11-23')""",
    "INSERT INTO classes (id, project_id, position, name) VALUES (1, 1, 3, 'boat')",
    """INSERT INTO images
    (id, project_id, name, sha256, suffix, width, height, split, class_id, groups, review)
    VALUES (1, 1, 'a.jpg', 'aa', '.jpg', 640, 480, 'train', 1, '{}', 'open')""",
    """INSERT INTO model_versions (id, project_id, number, path, sha256, note, created_at)
    VALUES (1, 1, 1, 'runs/1/model.safetensors', 'ab', '', '2026-11-23')""",
    """INSERT INTO predictions
    (version_id, image_id, predicted, probabilities, attention_inside, attention_spread)
    VALUES (1, 1, 0, '[0.75, 0.25]', 0.5, 0.125)""",
)

ROWS_OF_NOBODY = (
    """INSERT INTO projects (id, name, source, backbone, image_size, created_at)
    VALUES (1, 'old', 'upload', 'tf_efficientnet_lite0', 224, '2026-11-23')""",
    "INSERT INTO classes (id, project_id, position, name) VALUES (1, 1, 0, 'boat')",
    """INSERT INTO images
    (id, project_id, name, sha256, suffix, width, height, split, groups, review, moved_from)
    VALUES (1, 1, 'a.jpg', 'aa', '.jpg', 640, 480, 'train', '{}', 'open', NULL),
    (2, 1, 'b.jpg', 'bb', '.jpg', 640, 480, 'train', '{}', 'open', 'validation')""",
    """INSERT INTO guidance (id, image_id, class_id, revision, guided_at)
    VALUES (1, 2, 1, 1, '2026-11-29')""",
    """INSERT INTO drafts (image_id, class_id, revision, regions) VALUES (1, 1, 3,
    '[{"shape": "box", "role": "look_here", "points": [[1.0, 2.0], [3.0, 4.0]], "width": null}]')""",
)


def test_files_are_named_by_their_revision_and_their_order_is_that_of_the_steps() -> None:
    assert db.migrations.revisions_in_order() == [step.revision for step in STEPS.walk_revisions()][::-1]


def test_migrations_and_models_agree(database: Database) -> None:
    with database.reading() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


@on_sqlite  # a sequence of PostgreSQL gives no number twice
def test_ids_are_never_given_twice_in_the_tables_that_say_so(database: Database) -> None:
    # compare_metadata does not see this
    tables = Base.metadata.tables.values()
    promised = {table.name for table in tables if table.dialect_options["sqlite"]["autoincrement"]}
    with database.reading() as session:
        made = session.execute(text("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'"))
        assert set(made.scalars()) == promised == {table.name for table in tables if "id" in table.columns}


def test_a_database_of_a_newer_program_is_refused_and_left_alone(url: str, database: Database) -> None:
    project = new_project(database, "precious")
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'f00d'"))

    with pytest.raises(NewerDatabaseError, match=r"made by a newer version of Refocus .* got f00d.*Update"):
        Database.open(url)

    assert library.list_projects(database) == [project]
    with database.reading() as session:
        assert session.execute(text("SELECT version_num FROM alembic_version")).scalar() == "f00d"


@pytest.fixture
def add_step(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the program one whose next version changes the table that all others refer to: SQLite copies and
    drops it.
    """
    recreate = "always" if engine == "sqlite" else "never"

    def add(more: str) -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(db.migrations._FOLDER, folder)
        (folder / "versions" / "9998_next.py").write_text(
            STEP.format(head=HEAD, recreate=recreate, more=more), "utf-8"
        )
        monkeypatch.setattr(db.migrations, "_FOLDER", folder)

    return add


def test_a_step_that_rebuilds_a_table_loses_no_row_and_then_the_old_program_refuses(
    url: str, database: Database, add_step: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(database, *start(database, new_project(database, "precious")))
    before = count_rows(database)
    add_step("")
    Database.open(url).close()
    assert count_rows(database) == before
    with database.reading() as session:
        assert session.execute(text("SELECT colour FROM projects")).scalars().all() == ["blue"]
    monkeypatch.undo()
    with pytest.raises(NewerDatabaseError):
        Database.open(url)


@on_sqlite  # PostgreSQL checks references during the step
def test_a_step_that_breaks_references_changes_nothing(
    url: str, database: Database, add_step: Callable[[str], None]
) -> None:
    new_project(database, "precious")
    before = count_rows(database)
    add_step('op.execute("DELETE FROM projects")')
    with pytest.raises(DatabaseError, match=r"would break \d+ references; nothing was changed"):
        Database.open(url)
    assert count_rows(database) == before
    with database.reading() as session:
        assert session.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD


def test_predictions_of_the_first_schema_stay_and_know_no_group_doubt_or_control(
    empty_url: str, earlier_rows: EarlierRows
) -> None:
    earlier_rows("0002", FIRST_SCHEMA_ROWS)
    database = Database.open(empty_url)

    # what was measured for its label is still there: the step has noted which that was
    assert versions.list_predictions(database, 1) == [
        PredictionRecord(1, 1, 0, (0.75, 0.25), 0.5, 0.125, mistake=0.75, label=3)
    ]
    image = library.get_image(database, 1)
    assert (image.given_positions, image.moved_from) == (None, None)
    database.close()


@on_sqlite  # the file that the program of then left
def test_a_project_from_before_several_labels_keeps_all_that_it_had(empty_url: str, tmp_path: Path) -> None:
    """The demo made small by the program of then, drawn on, relabelled, moved, trained and retrained."""
    old = sqlite3.connect(tmp_path / "refocus.db")
    old.executescript(Path(__file__).with_name("before_several_labels.sql").read_text("utf-8"))
    images = old.execute(
        "SELECT images.id, class_id, position, mask_sha256, given_position, split, moved_from, review "
        "FROM images JOIN classes ON classes.id = class_id ORDER BY images.id"
    ).fetchall()
    wrong = old.execute(
        "SELECT version_id, image_id, predicted = position FROM predictions "
        "JOIN images ON images.id = image_id JOIN classes ON classes.id = class_id"
    ).fetchall()
    tables = [name for (name,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    before = {name: old.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in tables}
    old.close()

    with closing(Database.open(empty_url)) as database:
        (project,) = library.list_projects(database)
        assert not project.multi_label
        kept = library.list_images(database, project.id)
        assert [
            (
                image.id,
                image.class_id,
                image.class_position,
                image.mask_sha256,
                None if image.given_positions is None else image.given_positions[0],
                image.split,
                image.moved_from,
                image.review,
            )
            for image in kept
        ] == images
        assert all(len(image.labels) == 1 for image in kept)
        assert len(library.list_relabelled(database, project.id)) == 1
        for version in versions.list_versions(database, project.id):
            said = versions.list_predictions(database, version.id)
            assert [(version.id, item.image_id, item.right) for item in said] == [
                row for row in wrong if row[0] == version.id
            ]
            assert {item.mistake for item in said} == {None, 0.7}
        after = count_rows(database)
        assert {name: n for name, n in before.items() if n and name in after} == {
            name: n for name, n in after.items() if name != "image_labels"
        }
        assert after["image_labels"] == len(kept) + 1  # the imported label of the changed one
        fresh = new_project(database, "next", images=1)
        assert library.list_images(database, fresh.id)[0].id == 73  # 37 to 72 belonged to a deleted project


def test_an_interrupted_migration_leaves_an_empty_database_that_opens_later(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_connection: object) -> None:
        raise OSError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr("alembic.runtime.migration.HeadMaintainer.update_to_step", lambda *_: fail(None))
        with pytest.raises(OSError, match="power cut"):
            Database.open(empty_url)

    bare = create_engine(empty_url)
    assert inspect(bare).get_table_names() == []
    bare.dispose()
    Database.open(empty_url).close()


def test_what_was_done_before_there_were_people_is_the_local_users(
    empty_url: str, earlier_rows: EarlierRows
) -> None:
    earlier_rows("0017", ROWS_OF_NOBODY)
    with closing(Database.open(empty_url)) as database:
        draft = drafts.get_draft(database, 1, 1)
        assert draft == DraftRecord(1, 1, 3, (RegionRecord("box", "look_here", ((1.0, 2.0), (3.0, 4.0))),))
        with database.reading() as session:
            assert session.execute(text("SELECT author_id FROM guidance")).scalars().all() == [LOCAL_USER.id]
            moved = session.execute(text("SELECT id, moved_by FROM images ORDER BY id")).all()
        assert [tuple(row) for row in moved] == [(1, None), (2, LOCAL_USER.id)]
        assert users.list_users(database) == [LOCAL_USER]
