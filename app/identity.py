"""Who is at the page: the person whom Streamlit's sign-in names, or the local user where it is not set up."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import streamlit as st
from streamlit import config
from streamlit.errors import StreamlitSecretNotFoundError

from app.errors import ServiceError
from app.services import people
from app.settings import Settings
from app.workspace import Workspace

_SECTION = "auth"  # of secrets.toml


class SignInError(ServiceError):
    """Sign-in is not set up as it should be: nobody is let in."""


def is_asked(settings: Settings) -> bool:
    """Whether people have to sign in: `secrets.toml` has a section [auth].

    Raises SignInError where that is meant and cannot be done: a page that opens to everybody because of a
    slip in a file would be worse than one that does not open.
    """
    auth = _section()
    if auth is None:
        if settings.admins:
            raise SignInError(
                "REFOCUS_ADMINS names admins, but no secrets.toml with a section [auth] was read. "
                "Put it into .streamlit in the folder that the server is started from."
            )
        return False
    if importlib.util.find_spec("authlib") is None:
        raise SignInError(
            "Sign-in needs a further package: python -m pip install -r requirements-sign-in.txt"
        )
    return True


def providers() -> list[str]:
    """Names of the providers that can be chosen; empty: there is one, without a name."""
    return [name for name, value in (_section() or {}).items() if isinstance(value, Mapping)]


def is_known() -> bool:
    """Whether whoever is at the page has signed in."""
    return bool(st.user.is_logged_in)


def of_person(ws: Workspace) -> Workspace:
    """The workspace, used by whoever is at the page. Raises SignInError before they have signed in."""
    if not is_asked(ws.settings):
        return ws
    if not is_known():
        raise SignInError("Sign in first.")
    return ws.used_by(people.sign_in(ws, st.user.to_dict()))


def _section() -> Mapping[str, object] | None:
    if not any(Path(path).exists() for path in config.get_option("secrets.files")):
        return None
    try:
        section: Mapping[str, object] | None = st.secrets.get(_SECTION)
    except StreamlitSecretNotFoundError as error:
        raise SignInError(
            "secrets.toml cannot be read, so nobody can sign in. The server's log says why."
        ) from error
    return section
