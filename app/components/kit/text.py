"""Text around data: counts, lists, times, and names that people chose."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from app.plain_text import file_name, plain

__all__ = ["ago", "file_name", "listed", "names_at", "one_of", "plain"]


def names_at(positions: Iterable[int], names: Sequence[str] | Mapping[int, str]) -> str:
    """ "boat, dog": the classes at these positions."""
    return ", ".join(names[position] for position in positions)


def one_of(count: int, singular: str, plural: str | None = None) -> str:
    return f"{count} {singular if count == 1 else plural or singular + 's'}"


def listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def duration(seconds: float) -> str:
    """Roughly: "8 s", "2 minutes", "3 hours"."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    size, name = (60, "minute") if seconds < 3600 else (3600, "hour")
    return one_of(round(seconds / size), name)


def ago(moment: datetime) -> str:
    """How long ago, roughly; `moment` in UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{one_of(int(seconds // size), name)} ago"
    return "just now"
