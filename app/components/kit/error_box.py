"""Expected errors on the page: what happened, to what, and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.components.kit.text import plain
from app.errors import EXPECTED


@contextmanager
def told(what: str, remedy: str) -> Iterator[None]:
    """Show an expected error of the block in place: `what` went wrong and its own sentence, both plain text,
    and the `remedy`, Markdown.

    Any other exception is a bug and goes to Streamlit, which logs it.
    """
    try:
        yield
    except EXPECTED as error:
        error_box(what, str(error), remedy)


def error_box(what: str, why: str, remedy: str) -> None:
    """What went wrong and why, both plain text, and the remedy, Markdown."""
    st.error(f"{plain(why)}\n\n{remedy}", title=plain(what), icon=":material/error:")
