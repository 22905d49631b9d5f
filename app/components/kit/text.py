"""Text around data: counts, lists, times, and names that people chose."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-!|~$:])")


def plain(name: str) -> str:
    """A name that people chose, safe inside Markdown: shown as it is, never a link or a colour."""
    return _MARKS.sub(r"\\\1", name)


def file_name(name: str) -> str:
    """A project's name as the name of a download: letters and digits, and dashes between them."""
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-") or "project"


def names_at(positions: Iterable[int], names: Sequence[str] | Mapping[int, str]) -> str:
    """ "boat, dog": the classes at these positions."""
    return ", ".join(names[position] for position in positions)


def one_of(count: int, singular: str, plural: str | None = None) -> str:
    return f"{count} {singular if count == 1 else plural or singular + 's'}"


def listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def ago(moment: datetime) -> str:
    """How long ago, roughly; `moment` in UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{one_of(int(seconds // size), name)} ago"
    return "just now"
