"""What other processes do in the tests of this folder. Each opens the database for itself."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, inspect

from db import annotations, presence, runs
from db.engine import Database
from db.errors import RunRefusedError
from tests.db.build import POLYGON, claim, publish


@contextmanager
def opened(url: str, start_at: float) -> Iterator[Database]:
    """The database, when the moment has come at which all processes begin."""
    database = Database.open(url)
    time.sleep(max(0.0, start_at - time.time()))
    yield database
    database.close()


def open_at(url: str, start_at: float) -> set[str]:
    """Opens a database that has no tables yet at the same moment as the others; the tables it has then."""
    time.sleep(max(0.0, start_at - time.time()))
    database = Database.open(url)
    with database.reading() as session:
        tables = set(inspect(session.connection()).get_table_names())
    database.close()
    return tables


def claim_all(url: str, start_at: float, worker: str, publishing: bool) -> list[tuple[int, int]]:
    """Claims in a tight loop until nothing is left to do; (run, attempt) of every claim."""
    claimed = []
    with opened(url, start_at) as database:
        while runs.has_work(database):
            run = runs.claim(database, worker, 60.0)
            if run is None:
                if not publishing:
                    break  # all that is left is held by others, for good
                continue
            claimed.append((run.id, run.attempt))
            if publishing:
                assert run.lease_token is not None
                runs.beat(database, run.id, run.lease_token, 60.0, [{"worker": worker}])
                publish(database, run, run.lease_token, path=f"{worker}/{run.id}")
    return claimed


def request_often(url: str, start_at: float, project_id: int, times: int) -> int:
    """How many of the requests were accepted."""
    accepted = 0
    with opened(url, start_at) as database:
        for _ in range(times):
            try:
                runs.request_run(database, project_id, "quick", {}, None)
                accepted += 1
            except RunRefusedError:
                pass
    return accepted


def take_at(url: str, start_at: float, user_id: int, image_ids: list[int]) -> int | None:
    """The image that this person is given."""
    with opened(url, start_at) as database:
        return presence.take_first(database.as_user(user_id), image_ids, second=False)


def retry_or_request(url: str, start_at: float, project_id: int, failed_run_id: int, times: int) -> int:
    """How often a run was put into the queue, by a retry of a failed run or by a request for a new one."""
    accepted = 0
    with opened(url, start_at) as database:
        for turn in range(times):
            try:
                if turn % 2:
                    runs.retry(database, failed_run_id)
                else:
                    runs.request_run(database, project_id, "quick", {}, None)
                accepted += 1
            except RunRefusedError:
                pass
    return accepted


def die_while_saving(url: str, image_id: int, class_id: int) -> None:
    """Is killed after the first half of a save has been written."""
    database = Database.open(url)
    _die_at(database, "INSERT INTO regions")
    annotations.save_guidance(database, image_id, class_id, [POLYGON], b"new", None)


def die_while_publishing(url: str) -> None:
    """Is killed when the version is written and its predictions are about to be."""
    database = Database.open(url)
    run, token = claim(database, lease_seconds=0.2)
    _die_at(database, "INSERT INTO predictions")
    publish(database, run, token)


def _die_at(database: Database, beginning: str) -> None:
    def kill(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith(beginning):
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(database._writer, "before_cursor_execute", kill)
