"""Names that people chose, as text that is never markup."""

import re

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-!|~$:&])")
# What becomes a link (http://, www., a@b) or an icon (:name:) even where its marks are escaped.
_BY_ITSELF = re.compile(r"(https?:(?=//)|www(?=\.)|(?<=[\w.+-])@(?=[\w-])|:(?=[\w+/-]+:))", re.IGNORECASE)
_NUMBER = re.compile(r"^(\s*\d+)([.)])(?=\s|$)")  # would begin a list
_JOINER = "\u2060"  # takes no room, and no line breaks at it


def plain(name: str) -> str:
    """Safe inside Markdown: looks as it is, and is never a link, a picture, an icon, a list or a colour.

    Addresses and names of icons get an invisible character (U+2060): Streamlit ignores that they are escaped.
    """
    return _NUMBER.sub(r"\1\\\2", _MARKS.sub(r"\\\1", _BY_ITSELF.sub(rf"\1{_JOINER}", name)))


def file_name(name: str) -> str:
    """A project's name as the name of a download: letters and digits, and dashes between them."""
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-") or "project"


def one_line(text: str) -> str:
    """For a terminal: without line breaks and control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
