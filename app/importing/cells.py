"""Cells of a CSV table that a spreadsheet may open: a text that begins like a formula is written as text."""

_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(text: str) -> str:
    """With an apostrophe before what a spreadsheet would carry out."""
    return f"'{text}" if text.lstrip("'").startswith(_STARTS) else text


def plain_cell(text: str) -> str:
    """What `safe_cell` was given."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_STARTS) else text
