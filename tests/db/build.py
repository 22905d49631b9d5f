"""Makes rows for the tests, and looks at what is in the tables."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, func, select, text

from db import library, runs
from db.base import Base
from db.engine import Database
from db.new_images import NewImage, NewLabel
from db.records import (
    ImageRecord,
    ProjectRecord,
    RefusalRecord,
    RegionRecord,
    RunRecord,
    Split,
    VersionRecord,
)
from db.versions import NewPrediction

SPLITS: tuple[Split, ...] = ("train", "train", "validation", "test")
BOX = RegionRecord(shape="box", role="look_here", points=((1.0, 2.0), (30.5, 40.25)))
POLYGON = RegionRecord(shape="polygon", role="ignore_this", points=((0.0, 0.0), (9.0, 0.0), (9.0, 9.0)))
BRUSH = RegionRecord(shape="brush", role="look_here", points=((5.0, 5.0), (6.0, 7.0)), width=12.5)

_FAULTS = {
    "sqlite": """
CREATE TRIGGER fault BEFORE INSERT ON {table} WHEN {condition}
BEGIN SELECT RAISE(ABORT, 'injected fault'); END
""",
    "postgresql": """
CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE 'injected fault' USING ERRCODE = 'integrity_constraint_violation'; END $$;
CREATE TRIGGER fault BEFORE INSERT ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION fault()
""",
}
_REPAIRS = {"sqlite": "DROP TRIGGER fault", "postgresql": "DROP FUNCTION fault CASCADE"}


def new_images(n: int) -> list[NewImage]:
    return [
        NewImage(
            name=f"picture {i}.jpg",
            sha256=f"{i:064x}",
            suffix=".jpg",
            width=640,
            height=480,
            split=SPLITS[i % len(SPLITS)],
            labels=(NewLabel(i % 2),),
            groups={"place": "sea"},
        )
        for i in range(n)
    ]


def new_project(
    database: Database, name: str, images: int = 4, refusals: Sequence[RefusalRecord] = ()
) -> ProjectRecord:
    return library.create_project(
        database,
        name=name,
        source="upload",
        backbone="tf_efficientnet_lite0",
        image_size=224,
        classes=["boat", "car"],
        images=new_images(images),
        refusals=refusals,
    )


def first_image(database: Database, project: ProjectRecord) -> ImageRecord:
    return library.list_images(database, project.id)[0]


def request(database: Database, project: ProjectRecord, base_version_id: int | None = None) -> RunRecord:
    return runs.request_run(database, project.id, "quick", {"steps": 60}, base_version_id)


def start(database: Database, project: ProjectRecord, lease_seconds: float = 60.0) -> tuple[RunRecord, str]:
    """A claimed run of the project and its lease token; a lease below zero has run out already."""
    request(database, project)
    return claim(database, lease_seconds)


def claim(database: Database, lease_seconds: float = 60.0) -> tuple[RunRecord, str]:
    run = runs.claim(database, "tester", lease_seconds)
    assert run is not None
    assert run.lease_token is not None
    return run, run.lease_token


def publish(
    database: Database,
    run: RunRecord,
    token: str,
    path: str = "runs/1/model.safetensors",
    kept_because: str | None = None,
) -> VersionRecord:
    images = library.list_images(database, run.project_id)
    predictions = [
        NewPrediction(image.id, image.class_position, 1, (0.25, 0.75), 0.5, control_predicted=0)
        for image in images
    ]
    return runs.finish_with_version(
        database, run.id, token, path, "ab" * 32, "first", predictions, kept_because
    )


def count_rows(database: Database) -> dict[str, int]:
    """Rows of every table that has any, without people and what they did, which are never deleted."""
    with database.reading() as session:
        counts = {
            table.name: session.execute(select(func.count()).select_from(table)).scalar_one()
            for table in Base.metadata.tables.values()
            if table.name not in ("users", "activity")
        }
    return {name: n for name, n in counts.items() if n}


def fail_when(database: Database, table: str, condition: str) -> None:
    """From now on the database itself refuses to insert a row that meets `condition` (of NEW)."""
    with database.writing() as session:
        statements = _FAULTS[session.get_bind().dialect.name]
        session.execute(text(statements.format(table=table, condition=condition)))


def repair(database: Database) -> None:
    with database.writing() as session:
        session.execute(text(_REPAIRS[session.get_bind().dialect.name]))


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The SQL sent to the database meanwhile."""
    seen: list[str] = []

    def remember(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    engines = (database._reader, database._writer)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", remember)
    yield seen
    for engine in engines:
        event.remove(engine, "before_cursor_execute", remember)
