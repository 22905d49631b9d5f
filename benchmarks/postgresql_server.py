"""A PostgreSQL server of one's own: in a temporary folder, on a Unix socket, gone afterwards."""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from db.engine import Database

OWNER = "refocus"  # of the server and all its databases
START_SECONDS = 30.0
_DEBIAN = Path("/usr/lib/postgresql")


def find_programs() -> Path | None:
    """The folder of `initdb` and `postgres`, of the newest version; None where there is none."""
    debian = sorted(_DEBIAN.glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    for folder in (*debian, *([Path(on_path).resolve().parent] if on_path else [])):
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    return None


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers on a Unix socket in `folder`, and writes to `folder / "log"`."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://{OWNER}@/{name}?host={self.folder}"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def execute(self, statement: str) -> None:
        """Run one statement outside of any transaction, in no database of `database`."""
        with psycopg.connect(host=str(self.folder), user=OWNER, dbname="postgres", autocommit=True) as link:
            link.execute(statement.encode())

    def make_tables(self) -> None:
        """Today's schema, once, for `database` to copy: running the migrations takes longer."""
        self.execute("CREATE DATABASE tables")
        Database.open(self.url("tables")).close()

    @contextmanager
    def database(self, template: str = "tables") -> Iterator[str]:
        """The URL of a database of one's own, without rows; template0: without tables."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def serving(programs: Path, options: Mapping[str, str], within: Path | None = None) -> Iterator[Server]:
    """A new server in a folder of its own, as another user where root asks, which PostgreSQL refuses.

    options: of `postgresql.conf`. `within`: the folder for its own one, None for the system's temporary one.
    RuntimeError with its log when it does not start.
    """
    folder = Path(
        tempfile.mkdtemp(prefix="refocus-pg-", dir=within)
    )  # short: a socket's path has 107 bytes at most
    try:
        data, server = folder / "data", Server(folder)
        rights = _rights(folder)
        initdb = ("--no-sync", "--auth=trust", f"--username={OWNER}", "--encoding=UTF8", "--locale=C.UTF-8")
        subprocess.run(
            [programs / "initdb", *initdb, "--pgdata", data],
            check=True,
            capture_output=True,
            cwd=folder,
            **rights,
        )
        settings = {"listen_addresses": "", **options}  # a socket, and no port
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with server.log.open("wb") as stream:
            process = subprocess.Popen(
                [programs / "postgres", "-D", data, "-k", folder, *flags],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd=folder,
                **rights,
            )
        try:
            _wait(server, process)
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
            process.wait(START_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _rights(folder: Path) -> dict[str, Any]:
    """How to start a program as somebody who is not root, and who owns the folder from now on."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    owner = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _wait(server: Server, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            server.execute("SELECT 1")
            return
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL did not start:\n{server.log.read_text('utf-8')}") from error
        time.sleep(0.05)
