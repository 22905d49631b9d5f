"""Errors as people should read them: what happened, to what, and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.services.errors import ServiceError
from db.errors import DatabaseError
from gain_core.errors import GainError

EXPECTED = (ServiceError, DatabaseError, GainError)


@contextmanager
def told(what: str, remedy: str) -> Iterator[None]:
    """Show an expected error of the block in place: `what` went wrong, its own sentence, and the `remedy`.

    Anything else is a fault of the program and goes on to Streamlit, which logs it.
    """
    try:
        yield
    except EXPECTED as error:
        st.error(f"{error}\n\n{remedy}", title=what, icon=":material/error:")
