"""No training process outlives its supervisor: each tie alone, and the sweep for what slipped through."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.jobs import watchdog
from app.jobs.child import Child, program_environment
from app.jobs.process_reaper import MARKER, sweep
from tests.app.stage import wait_for

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="the leash needs prctl, the sweep /proc"),
]

HELD = """
import sys, time
from pathlib import Path
from app.jobs import watchdog
watchdog.hold(Path(sys.argv[1]), float(sys.argv[2]))
print("held", flush=True)
time.sleep(600)
"""
# a parent that passes on its own standard input, so that its child keeps an open pipe when it dies
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", *sys.argv[1:]], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""
SLEEPER = "import time; print('up', flush=True); time.sleep(600)"


@pytest.fixture
def lease(tmp_path: Path) -> Path:
    path = tmp_path / "lease"
    watchdog.renew(path, time.monotonic())
    return path


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes of a test, killed when it ends."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def start(started: list[subprocess.Popen[bytes]], *arguments: str, **extra: str) -> subprocess.Popen[bytes]:
    """A Python process that has said that it is up."""
    process = subprocess.Popen(
        [sys.executable, "-c", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**program_environment(), **extra},
    )
    started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline().strip()
    return process


def test_the_end_of_standard_input_ends_the_process(
    lease: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    process = start(started, HELD, str(lease), "60")
    assert process.poll() is None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(2) == watchdog.EXIT_LEASH
    process.stdin = None


def test_a_lease_that_is_no_longer_renewed_ends_the_process_before_it_runs_out(
    lease: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    process = start(started, HELD, str(lease), "1.5")
    for _ in range(10):  # renewed for twice as long as the lease lasts
        time.sleep(0.3)
        watchdog.renew(lease, time.monotonic())
    renewed = time.monotonic()
    assert process.poll() is None
    assert process.wait(3) == watchdog.EXIT_LEASH
    assert 1.0 < time.monotonic() - renewed < 1.5


def test_a_lease_that_was_stored_late_counts_from_when_it_was_asked_for(
    lease: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    process = start(started, HELD, str(lease), "3")
    asked = time.monotonic()
    time.sleep(1.5)  # the database takes its time, and its lease begins in the middle of it
    watchdog.renew(lease, asked)
    assert process.wait(3) == watchdog.EXIT_LEASH
    assert 2.6 < time.monotonic() - asked < 3.0


def test_a_process_whose_supervisor_died_before_it_began_does_not_begin(lease: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HELD, str(lease), "60"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=program_environment(),
    )
    assert process.communicate(b"what it has not read yet")[0] == b""
    assert process.returncode == watchdog.EXIT_LEASH


def test_a_lease_file_that_is_gone_ends_the_process(
    lease: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    process = start(started, HELD, str(lease), "2")
    lease.unlink()
    assert process.wait(2) == watchdog.EXIT_LEASH


def test_the_death_of_the_parent_ends_the_process_even_when_its_input_stays_open(
    lease: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    parent = start(started, PARENT, HELD, str(lease), "60")
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text("ascii")
    child = int(children)
    parent.kill()
    wait_for(lambda: not Path(f"/proc/{child}").exists() or _is_zombie(child), seconds=2.0)


def test_a_spare_child_leaves_quietly_when_it_is_not_needed(tmp_path: Path) -> None:
    waiting = "from app.jobs import watchdog; watchdog.read_spec_path()"
    child = Child((sys.executable, "-P", "-c", waiting), tmp_path / "log")
    assert child.wait(0.5) is None
    child._pipe.close()
    assert child.wait(3.0) == 0
    assert child.last_lines() == ""


def test_a_child_keeps_freed_memory_unless_its_operator_said_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLOC_TOP_PAD_", "7")
    said = "import os; print(os.environ['MALLOC_MMAP_MAX_'], os.environ['MALLOC_TOP_PAD_'])"
    child = Child((sys.executable, "-P", "-c", said), tmp_path / "log")
    assert child.wait(3.0) == 0
    assert child.last_lines() == "0 7"
    child.end()


def test_a_path_with_any_character_but_a_line_end_reaches_the_child(tmp_path: Path) -> None:
    said = "from app.jobs import watchdog; print(watchdog.read_spec_path())"
    child = Child((sys.executable, "-P", "-c", said), tmp_path / "log")
    child.begin(tmp_path / "a b ä 'c'.json", tmp_path / "moved")
    assert child.wait(3.0) == 0
    assert (tmp_path / "moved").read_text("utf-8").strip() == str(tmp_path / "a b ä 'c'.json")
    assert not (tmp_path / "log").exists()
    child.end()


def test_a_child_that_died_before_it_began_is_told_by_its_exit_status(tmp_path: Path) -> None:
    child = Child((sys.executable, "-P", "-c", "raise ImportError('no such thing')"), tmp_path / "log")
    assert child.wait(3.0) == 1
    child.begin(tmp_path / "spec.json", tmp_path / "moved")
    assert child.last_lines().endswith("ImportError: no such thing")
    child.end()


def test_the_sweep_kills_what_bears_the_marker_and_nothing_else(
    started: list[subprocess.Popen[bytes]],
) -> None:
    mine = [start(started, SLEEPER, **{MARKER: "a" * 32}) for _ in range(2)]
    longer = start(started, SLEEPER, **{MARKER: "a" * 33})
    other = start(started, SLEEPER, **{"OTHER": f"{MARKER}={'a' * 32}"})
    assert sweep("a" * 32) == 2
    assert [process.wait(1) for process in mine] == [-signal.SIGKILL] * 2
    assert longer.poll() is None
    assert other.poll() is None


def test_the_sweep_finds_a_whole_tree_with_every_rank_in_a_session_of_its_own(tmp_path: Path) -> None:
    tree = (
        "import subprocess, sys, time\n"
        "for _ in range(3):\n"
        f"    subprocess.Popen([sys.executable, '-c', {SLEEPER!r}], start_new_session=True)\n"
        "time.sleep(600)\n"
    )
    child = Child((sys.executable, "-P", "-c", tree), tmp_path / "log")
    wait_for(lambda: (tmp_path / "log").read_text("utf-8").count("up") == 3)
    child.end()
    assert sweep(child.marker) == 0
    assert not [pid for pid in os.listdir("/proc") if pid.isdigit() and _bears(int(pid), child.marker)]


def test_the_last_lines_of_a_child_can_be_stored_whatever_it_wrote(tmp_path: Path) -> None:
    said = "import sys; sys.stdout.buffer.write(b'a\\0b\\xff')"
    child = Child((sys.executable, "-P", "-c", said), tmp_path / "log")
    child.wait(3.0)
    assert child.last_lines() == "a?b\N{REPLACEMENT CHARACTER}"  # PostgreSQL refuses text with a NUL
    child.end()


def test_an_empty_marker_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a marker"):
        sweep("")


def _bears(pid: int, marker: str) -> bool:
    try:
        return marker.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
