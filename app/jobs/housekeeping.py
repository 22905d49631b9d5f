"""The trainer's housekeeping: what `app.services.retention` cleans, in a thread, now and then."""

import logging
import threading
import time

from app.errors import ServiceError
from app.services.retention import GB, clean
from app.workspace import Workspace
from db.errors import DatabaseError

LOG = logging.getLogger("refocus.worker")
FIRST_SECONDS = 60.0  # after the start, which has other things to do
EVERY_SECONDS = 3600.0


class Housekeeping:
    """Cleaning may be stopped at any moment, so the thread ends with its process."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws
        self._due = time.monotonic() + FIRST_SECONDS
        self._thread: threading.Thread | None = None

    def tick(self) -> None:
        """Begin when it is time; returns at once."""
        if time.monotonic() >= self._due and (self._thread is None or not self._thread.is_alive()):
            self._due = time.monotonic() + EVERY_SECONDS
            self._thread = threading.Thread(target=self._clean, name="housekeeping", daemon=True)
            self._thread.start()

    def _clean(self) -> None:
        try:
            done = clean(self._ws)
        except (ServiceError, DatabaseError, OSError) as error:
            LOG.warning("not cleaned: %s", error)
            return
        if done.projects or done.files:
            LOG.info(
                "deleted for good: %d projects; removed %d files, %.1f GB",
                done.projects,
                done.files,
                done.size / GB,
            )
