"""PostgreSQL for the tests; `python -m tests.postgresql` installs it where it can."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import postgresql_server
from benchmarks.postgresql_server import Server, find_programs

MISSING = (
    "no PostgreSQL server on this machine: run `make postgresql`, or install Debian's package postgresql"
)
_NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/refocus.conf")
# What is lost when the machine stops is a test's: nothing is waited for.
_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_wal_size": "64MB",
    "min_wal_size": "32MB",
}
_IN_MEMORY = Path("/dev/shm")
_ROOM = 2**30  # bytes: ten times of what a server takes


@contextmanager
def serving(programs: Path) -> Iterator[Server]:
    """A server that forgets what it has not written when the machine stops, and `tables` to copy."""
    # a database is three hundred files: making them on a disk takes longer than most tests
    fits = _IN_MEMORY.is_dir() and shutil.disk_usage(_IN_MEMORY).free > _ROOM
    with postgresql_server.serving(programs, _OPTIONS, _IN_MEMORY if fits else None) as server:
        server.make_tables()
        yield server


def install() -> None:
    """Debian's package, without the server that it would start for the whole machine."""
    _NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
    _NO_CLUSTER.write_text("create_main_cluster = false\n", "ascii")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "postgresql"]):
            subprocess.run(["apt-get", *command], check=True, timeout=600, env=environment)
    finally:
        _NO_CLUSTER.unlink()


def main() -> None:
    """Say where PostgreSQL is, install it, or say that its tests are skipped: none of these is an error."""
    may_install = platform.system() == "Linux" and shutil.which("apt-get") and os.geteuid() == 0
    if find_programs() is None and may_install:
        print("No PostgreSQL found: trying `apt-get install postgresql` …", flush=True)
        try:
            install()
        except (OSError, subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            print(f"  did not work: {error}", file=sys.stderr)
    programs = find_programs()
    print(
        f"PostgreSQL for the tests: {programs}"
        if programs
        else f"Tests on PostgreSQL are skipped: {MISSING}."
    )


if __name__ == "__main__":
    main()
