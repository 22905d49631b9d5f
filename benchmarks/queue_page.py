"""What the queue of 1,000,000 images costs on PostgreSQL, in the database.

    python -m benchmarks.queue_page --json OUT

A PostgreSQL of its own, with the settings that it comes with, is filled with one project of four classes and
one version: 70 % training images, one in ten mispredicted, one in ten guided. Then the program's own
queries run, and the server's log says how long each took it (parse, bind and execute): *order*, once per
version and revision; *page*, the 32 rows of the strip at random places of the queue; *figures*, what Annotate
counts once per revision. The plan of a page is stored beside them, as EXPLAIN (ANALYZE, BUFFERS) tells it.

Aim: a page's p95 <= 100 ms.
"""

import argparse
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from app.services.queue import DOUBTFUL, LOOKED_AT
from benchmarks.interaction import summary
from benchmarks.postgresql_server import Server, find_programs, serving
from benchmarks.report import environment, print_table, say, write_json
from db import annotations, queue, queue_filters
from db.engine import Database

PAGE = 32  # rows, as the strip of Annotate shows
AIM_MS = 100.0
_DURATION = re.compile(r"duration: ([\d.]+) ms")
_PLANNING = (
    "session_preload_libraries=auto_explain",
    "auto_explain.log_min_duration=0",
    "auto_explain.log_analyze=on",
    "auto_explain.log_buffers=on",
)
_ROWS = """
INSERT INTO projects (id, name, source, backbone, image_size, created_at)
    VALUES (1, 'large', 'upload', 'tf_efficientnet_lite0', 224, now());
INSERT INTO classes (id, project_id, position, name)
    SELECT n, 1, n - 1, 'class ' || n FROM generate_series(1, 4) n;
INSERT INTO images (id, project_id, name, sha256, suffix, width, height, split, groups, review)
    SELECT n, 1, n || '.jpg', lpad(to_hex(n), 64, '0'), '.jpg', 640, 480,
        CASE WHEN n %% 20 < 14 THEN 'train' WHEN n %% 20 < 17 THEN 'validation' ELSE 'test' END,
        json_build_object('place', n %% 5), 'open'
    FROM generate_series(1, %(images)s::int) n;
INSERT INTO image_labels (image_id, class_id, position, given)
    SELECT n, 1 + n %% 4, 0, true FROM generate_series(1, %(images)s::int) n;
INSERT INTO model_versions (id, project_id, number, path, sha256, note, created_at)
    VALUES (1, 1, 1, 'm', 'm', '', now());
INSERT INTO predictions (version_id, image_id, predicted, confidence, probabilities, mistake,
        attention_inside, attention_spread, evidence_inside, label, label_rival, label_doubt)
    SELECT 1, n, (n + wrong) %% 4, chance, json_build_array(chance, 1 - chance, 0.0, 0.0),
        CASE wrong WHEN 1 THEN chance END, chance, chance, chance, n %% 4,
        CASE WHEN n %% 100 = 0 THEN (n + 1) %% 4 END, CASE WHEN n %% 100 = 0 THEN 0.9 END
    FROM (SELECT n, random() AS chance, (random() < 0.1)::int AS wrong
        FROM generate_series(1, %(images)s::int) n) AS drawn;
INSERT INTO guidance (id, image_id, class_id, revision, guided_at, author_id)
    SELECT n, n * 10, 1 + n * 10 %% 4, 1, now(), 1 FROM generate_series(1, %(images)s::int / 10) n;
INSERT INTO regions (guidance_id, position, shape, role, points)
    SELECT n, 0, 'box', 'look_here', '[[1, 1], [9, 9]]' FROM generate_series(1, %(images)s::int / 10) n;
UPDATE projects SET current_version_id = 1
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, required=True, help="file for the figures and the plans")
    parser.add_argument("--images", type=int, default=1_000_000, help="in the project")
    parser.add_argument("--pages", type=int, default=200, help="read at random places")
    parser.add_argument("--rounds", type=int, default=5, help="of everything else")
    options = parser.parse_args()
    programs = find_programs()
    if programs is None:
        parser.error("expected PostgreSQL on this machine (Debian's package postgresql), got none")
    with serving(programs, {}) as server:
        server.make_tables()
        with server.database() as url:
            fill(url, options.images)
            say(f"{options.images:,} rows written")
            figures = measure(server, url, options.pages, options.rounds)
    print_results(figures)
    write_json(options.json, {"environment": environment(), "images": options.images, **figures})


def fill(url: str, images: int) -> None:
    """Write the project into a database that has all tables and no rows, and let its server log durations."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in _ROWS.split(";\n"):
            connection.execute(statement.encode(), {"images": images})
        connection.execute("VACUUM ANALYZE")
        connection.execute(
            "DO $$ BEGIN EXECUTE format("
            "'ALTER DATABASE %I SET log_min_duration_statement = 0', current_database()); END $$"
        )


def measure(server: Server, url: str, pages: int, rounds: int) -> dict[str, Any]:
    """Figures by name, each with n, p50 and p95 in milliseconds, and the plans of a page."""
    log, chance = _Log(server.log), random.Random(0)
    database = Database.open(url)
    ids = queue.order_queue(database, 1, 1, "train")
    places = [chance.randrange(len(ids) - PAGE) for _ in range(pages)]
    reads: dict[str, tuple[int, Callable[[int], object]]] = {
        "page": (pages, lambda turn: queue.read_rows(database, 1, ids[places[turn] :][:PAGE])),
        "order": (rounds, lambda _: queue.order_queue(database, 1, 1, "train")),
        "figures": (rounds, lambda _: _figures(database)),
    }
    taken = {
        name: summary([log.milliseconds(read, turn) for turn in range(turns)])
        for name, (turns, read) in reads.items()
    }
    database.close()
    with _explaining(url) as explained:
        plans = log.plans(lambda: queue.read_rows(explained, 1, ids[places[0] :][:PAGE]))
    return {"aim_ms": AIM_MS, "milliseconds": taken, "plans_of_a_page": plans}


def _figures(database: Database) -> None:
    """What Annotate counts beside the order."""
    for split in LOOKED_AT:
        queue.count_queue(database, 1, split)
    queue.count_wrong(database, 1, LOOKED_AT)
    queue_filters.find_untouched(database, sorted(queue_filters.find_contradicted(database, 1, DOUBTFUL)))
    annotations.count_guided_images(database, 1, "train")


@contextmanager
def _explaining(url: str) -> Iterator[Database]:
    """The database, such that the server's log has the plan of each statement."""
    flags = "".join(f"%20-c%20{setting.replace('=', '%3D')}" for setting in _PLANNING)
    database = Database.open(f"{url}&options={flags.removeprefix('%20')}")
    yield database
    database.close()


class _Log:
    """What the server wrote since it was read last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size

    def _new(self) -> str:
        with self._path.open("rb") as stream:
            stream.seek(self._offset)
            content = stream.read()
        self._offset += len(content)
        return content.decode()

    def milliseconds(self, read: Callable[[int], object], turn: int) -> float:
        """That the server was at work for this read."""
        self._new()
        read(turn)
        return sum(float(taken) for taken in _DURATION.findall(self._new()))

    def plans(self, read: Callable[[], object]) -> list[list[str]]:
        """The lines of each plan."""
        self._new()
        read()
        parts = re.split(r"^\S+ \S+ \S+ \[\d+\] \w+:  ", self._new(), flags=re.MULTILINE)
        return [part.splitlines() for part in parts if " plan:\n" in part]


def print_results(figures: dict[str, Any]) -> None:
    rows = figures["milliseconds"].items()
    print_table([{"ms": name} | {key: str(value) for key, value in taken.items()} for name, taken in rows])


if __name__ == "__main__":
    main()
