"""Progress, tables and JSON of every benchmark."""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("torch", "torchvision", "timm", "streamlit")


def current_commit() -> str | None:
    """Commit of the code, with "-dirty" when files have changed; None outside a git checkout."""
    command = ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    try:
        process = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return process.stdout.strip()


COMMIT = current_commit()  # at the start: a checkout may move on during a long run


def environment() -> dict[str, Any]:
    """Date, commit, machine, its load (processes that want a core, over 1, 5 and 15 minutes) and versions,
    stored with every result."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": COMMIT,
        "machine": f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads",
        "load_average": os.getloadavg(),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
    }


def mean(shares: Sequence[float | None], *, spread: bool = False) -> str:
    """Mean of shares in per cent, with standard deviation and minimum when asked: "79.0 ± 7.1 (69.0)"."""
    percents = [100 * share for share in shares if share is not None]
    if not percents:
        return "–"
    if not spread:
        return f"{statistics.fmean(percents):.1f}"
    deviation = statistics.stdev(percents) if len(percents) > 1 else 0.0
    return f"{statistics.fmean(percents):.1f} ± {deviation:.1f} ({min(percents):.1f})"


def say(text: str) -> None:
    """Print progress on standard error."""
    print(text, file=sys.stderr, flush=True)


def print_table(rows: Sequence[Mapping[str, str]]) -> None:
    """Print a Markdown table, ready to paste into the documents."""
    names = list(rows[0])
    widths = [max(len(name), *(len(row[name]) for row in rows)) for name in names]
    print("| " + " | ".join(name.ljust(width) for name, width in zip(names, widths, strict=True)) + " |")
    print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    for row in rows:
        print(
            "| "
            + " | ".join(row[name].ljust(width) for name, width in zip(names, widths, strict=True))
            + " |"
        )
    print()


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
