"""Named points in the lives of a trainer, its child and a server, at which the process kills itself, once.

A test orders a kill by a file with the point's name in the data folder's `kill`. Whoever reaches the point
first takes the file away and dies of SIGKILL: the same moment every time, which no outside killer can hit.
"""

import functools
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

Places = dict[str, tuple[Any, str]]  # name -> (owner, attribute) of a function


def order(home: Path, *points: str) -> None:
    folder = home / "kill"
    folder.mkdir(exist_ok=True)
    for point in points:
        (folder / point).touch()


def outstanding(home: Path) -> list[str]:
    """Points at which nobody has been killed yet."""
    folder = home / "kill"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def reach(home: Path, point: str) -> None:
    try:
        (home / "kill" / point).unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # it may be delivered to another thread


def arm(home: Path, places: Places) -> None:
    """Make this process reach "before NAME" and "after NAME", and "after NAME 2" the second time in a run."""
    times: Counter[str] = Counter()
    for name, (owner, attribute) in places.items():
        setattr(owner, attribute, _armed(home, name, getattr(owner, attribute), times))


def _armed(home: Path, name: str, action: Callable[..., Any], times: Counter[str]) -> Callable[..., Any]:
    @functools.wraps(action)
    def armed(*arguments: Any, **options: Any) -> Any:
        reach(home, f"before {name}")
        result = action(*arguments, **options)
        if name == "claim" and result is None:  # nothing to do is no point in an attempt
            return None
        if name == "claim":
            times.clear()
        times[name] += 1
        reach(home, f"after {name}")
        reach(home, f"after {name} {times[name]}")
        return result

    return armed
