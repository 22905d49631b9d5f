"""Names that people chose, as text that is never markup."""

import re

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-!|~$:])")


def plain(name: str) -> str:
    """Safe inside Markdown: shown as it is, never a link or a colour."""
    return _MARKS.sub(r"\\\1", name)


def file_name(name: str) -> str:
    """A project's name as the name of a download: letters and digits, and dashes between them."""
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-") or "project"


def one_line(text: str) -> str:
    """For a terminal: without line breaks and control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
