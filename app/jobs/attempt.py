"""One attempt of one run: start the child, renew the lease, store its events and its result.

Every write carries the lease token, so that a supervisor whose lease was taken over (because it was suspended
or cut off from the database) can change nothing. It then ends its child and leaves the row to the new owner.
"""

import logging
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from app.jobs.attempt_files import AttemptFolder, ProgressFile
from app.jobs.child import TRAIN_COMMAND, Child
from app.jobs.failure_sentences import given_up, stopped_with_an_error
from app.jobs.process_reaper import sweep
from app.jobs.run_result import read_outcome
from app.jobs.watchdog import EXIT_LEASH, EXIT_STOPPED, LEASE_SHARE
from app.services import publishing
from app.services.training import build_spec, version_note
from app.workspace import Workspace
from db import runs
from db.errors import DatabaseError, LostLeaseError, NotFoundError, UnavailableError
from db.library import get_project, list_images
from db.records import RunRecord
from db.versions import get_version
from gain_core.models.files import session_file

LOG = logging.getLogger("refocus.worker")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Handling:
    """How a supervisor treats its child; tests replace the child and shorten the waits."""

    command: tuple[str, ...] = TRAIN_COMMAND  # starts a process that keeps to `app.jobs.watchdog`
    stop_seconds: float = 35.0  # to write a checkpoint after SIGTERM; torchrun gives its ranks 30 s of this
    cancel_seconds: float = 5.0  # to exit after a cancel


DEFAULT_HANDLING = Handling()


def supervise(
    ws: Workspace,
    run: RunRecord,
    handling: Handling = DEFAULT_HANDLING,
    stopping: Callable[[], bool] = lambda: False,
    spare: Child | None = None,
) -> None:
    """Carry out the attempt that the claimed `run` stands for; when it returns, nothing of its child is left.

    `stopping`: whether this supervisor was asked to leave; `spare`: a child that waits already.
    """
    try:
        attempt = Attempt(ws, run, handling, stopping, spare)
    except OSError as error:  # disk full, or no process available
        if spare is not None:
            spare.end()
        message = f"The training could not be started: {error}"
        runs.finish_failed(ws.database, run.id, run.lease_token or "", message)
        return
    attempt.carry_out()


class Attempt:
    """Supervises the one attempt that the claimed `run` stands for."""

    def __init__(
        self,
        ws: Workspace,
        run: RunRecord,
        handling: Handling,
        stopping: Callable[[], bool],
        spare: Child | None,
    ) -> None:
        self._ws = ws
        self._run = run
        self._token = run.lease_token or ""
        self._handling = handling
        self._stopping = stopping
        self._folder = AttemptFolder(ws.files, run)
        self._folder.create()
        self._child = spare or Child(handling.command, self._folder.log)
        self._folder.mark(self._child.marker)
        self._progress = ProgressFile(self._folder.progress)
        self._stored = 0  # events in the database
        self._pending: list[dict[str, Any]] = []
        self._renewed = time.monotonic()
        self._cancelled = False

    def carry_out(self) -> None:
        try:
            self._carry_out()
        except LostLeaseError as error:
            LOG.warning("%s", error)
            self._child.end()
            self._leave_behind()
        except BaseException as error:
            self._child.end()
            used_up = isinstance(error, Exception)  # what cannot be carried out is not tried for ever
            with suppress(DatabaseError):
                runs.release(self._ws.database, self._run.id, self._token, used_up=used_up)
            raise

    def _carry_out(self) -> None:
        try:
            self._begin()
            status = self._watch()
            self._child.end()
            if status == EXIT_LEASH:  # we were silent for too long: the same as if we had died
                raise LostLeaseError(f"The training of run {self._run.id} left a silent supervisor.")
            self._persist(self._beat)
            self._conclude(status)
        except LostLeaseError:
            raise
        except Exception as error:  # the run must end with a message, whatever happened
            LOG.exception("run %d: could not be carried out", self._run.id)
            self._child.end()
            self._fail(f"The training failed: {error}")

    def _begin(self) -> None:
        for marker in self._folder.earlier_markers():
            if killed := sweep(marker):
                LOG.warning("run %d: killed %d processes of an earlier attempt", self._run.id, killed)
        resume = self._folder.adopt_checkpoint()
        self._spec = replace(
            build_spec(self._ws, self._run),
            lease_file=self._folder.lease,
            resume_from=resume,
        )
        self._folder.specification.write_text(self._spec.to_json(), "utf-8")
        self._persist(self._beat)  # the work above may have taken its time
        self._child.begin(self._folder.specification, self._folder.log)
        LOG.info("run %d: attempt %d begins", self._run.id, self._run.attempt)

    def _watch(self) -> int:
        """The child's exit status, when it has ended or was ended; 0 as soon as its result is there."""
        next_beat = time.monotonic()
        deadline: float | None = None
        while True:
            status = self._child.wait(min(next_beat - time.monotonic(), 0.1))
            # All is there, and taking torch apart would take another second; or it was killed while it did.
            if self._folder.result.exists():
                return 0
            if status is not None:
                return status
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + self._ws.settings.beat_seconds
                self._try_beat()
            if deadline is None and (self._cancelled or self._stopping()):
                patience = self._handling.cancel_seconds if self._cancelled else self._handling.stop_seconds
                deadline = time.monotonic() + patience
                self._child.ask_to_stop()
            elif deadline is not None and time.monotonic() > deadline:
                self._child.end()

    def _beat(self) -> None:
        """Renew the lease, store what the child has said since, learn whether the run is to be cancelled."""
        asked = time.monotonic()
        self._pending += self._progress.new_events()
        cancel = runs.beat(
            self._ws.database,
            self._run.id,
            self._token,
            self._ws.settings.lease_seconds,
            events=self._pending,
            first_seq=self._stored,
        )
        self._stored += len(self._pending)
        self._pending = []
        self._renewed = asked
        self._folder.renew(asked)
        self._cancelled = self._cancelled or cancel

    def _try_beat(self) -> None:
        try:
            self._beat()
        except UnavailableError as error:
            LOG.warning("run %d: %s", self._run.id, error)
            self._give_up_when_late(error)

    def _persist(self, write: Callable[[], T]) -> T:
        """The result of `write`, tried again while the database does not answer and the lease lasts."""
        while True:
            try:
                return write()
            except UnavailableError as error:
                self._give_up_when_late(error)
                time.sleep(0.2)

    def _give_up_when_late(self, error: UnavailableError) -> None:
        if time.monotonic() - self._renewed > LEASE_SHARE * self._ws.settings.lease_seconds:
            raise LostLeaseError(f"The lease of run {self._run.id} could not be renewed.") from error

    def _conclude(self, status: int) -> None:
        """End the run, or hand it back, by the child's exit status and what was asked of us meanwhile."""
        if self._cancelled:
            self._folder.keep([])
            self._persist(lambda: runs.finish_cancelled(self._ws.database, self._run.id, self._token))
            LOG.info("run %d: cancelled", self._run.id)
        elif status == 0:
            self._store()
        elif self._stopping() or (status in (EXIT_STOPPED, -signal.SIGTERM) and self._stopping_soon()):
            self._folder.keep_checkpoint()
            self._persist(lambda: runs.release(self._ws.database, self._run.id, self._token))
            LOG.info("run %d: handed back", self._run.id)
        elif status == EXIT_STOPPED or status < 0:
            self._try_again(status)
        else:
            self._fail(stopped_with_an_error(status, self._child.last_lines()))

    def _try_again(self, status: int) -> None:
        """Hand the run on after something outside has ended the child, unless that was its last attempt."""
        if self._run.attempt >= self._run.max_attempts:
            self._fail(given_up(status, self._child.last_lines()))
            return
        self._folder.keep_checkpoint()
        self._persist(lambda: runs.release(self._ws.database, self._run.id, self._token, used_up=True))
        LOG.warning("run %d: its child ended with status %d: trying again", self._run.id, status)

    def _store(self) -> None:
        project = get_project(self._ws.database, self._run.project_id)
        images = list_images(self._ws.database, project.id)
        outcome = read_outcome(self._folder, images, multi_label=project.multi_label)
        kept_because = self._persist(lambda: publishing.decide(self._ws, self._run, outcome.predictions))
        version = self._persist(
            lambda: runs.finish_with_version(
                self._ws.database,
                self._run.id,
                self._token,
                weights_path=self._ws.files.relative(outcome.weights),
                sha256=outcome.sha256,
                note=version_note(self._spec),
                predictions=outcome.predictions,
                kept_because=kept_because,
            )
        )
        self._folder.keep([outcome.weights, self._folder.session])
        done = "published" if kept_because is None else "kept"
        LOG.info("run %d: %s version %d", self._run.id, done, version.number)

    def _fail(self, message: str) -> None:
        self._folder.keep_checkpoint()
        self._persist(lambda: runs.finish_failed(self._ws.database, self._run.id, self._token, message))
        LOG.info("run %d: failed: %s", self._run.id, message)

    def _leave_behind(self) -> None:
        """Clean up after another supervisor took the run, or after it ended without our notice."""
        try:
            run = runs.get_run(self._ws.database, self._run.id)
            version = None if run.version_id is None else get_version(self._ws.database, run.version_id)
        except NotFoundError:  # deleted with its project
            self._folder.keep([])
        except DatabaseError:  # not to be known now: the next attempt removes what lies here
            return
        else:
            if version is not None:
                weights = self._ws.files.absolute(version.path)
                self._folder.keep([weights, session_file(weights)])
            elif run.status == "cancelled":
                self._folder.keep([])
            else:
                self._folder.keep_checkpoint()

    def _stopping_soon(self) -> bool:
        """A shutdown signals all processes: the child may have received it a moment before us."""
        end = time.monotonic() + 2.0
        while not self._stopping() and time.monotonic() < end:
            time.sleep(0.05)
        return self._stopping()
