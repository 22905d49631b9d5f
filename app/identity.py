"""Who is at the page: the person whom Streamlit's sign-in names, or the local user where it is not set up."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import streamlit as st
from streamlit import config
from streamlit.errors import StreamlitSecretNotFoundError

from app.errors import ServiceError
from app.services import people
from app.workspace import Workspace
from db import users

_SECTION = "auth"  # of secrets.toml
_BUT_NO_PROVIDER = (
    "but no secrets.toml with a section [auth] was read. Put it into .streamlit in the folder that the "
    "server is started from. Or start with REFOCUS_SIGN_IN=off: then nobody signs in, and everybody may do "
    "everything."
)


class SignInError(ServiceError):
    """Sign-in is not set up as it should be: nobody is let in."""


def is_asked(ws: Workspace) -> bool:
    """Whether people have to sign in: `secrets.toml` has a section [auth], and the settings allow it.

    Raises SignInError where that is meant and cannot be done: a page that opens to everybody because of a
    slip in a file would be worse than one that does not open.
    """
    if ws.settings.sign_in == "off":
        return False
    if _section() is None:
        if ws.settings.admins:
            raise SignInError(f"REFOCUS_ADMINS names admins, {_BUT_NO_PROVIDER}")
        if _people_have_roles(ws.settings.resolved_database_url, ws):
            raise SignInError(f"People with roles have signed in here, {_BUT_NO_PROVIDER}")
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
    if not is_asked(ws):
        return ws
    if not is_known():
        raise SignInError("Sign in first.")
    return ws.used_by(people.sign_in(ws, st.user.to_dict()))


@st.cache_resource(show_spinner=False, max_entries=2)
def _people_have_roles(named: str, _ws: Workspace) -> bool:
    """Read once: where nobody signs in, no page asks the database for it again."""
    return users.any_role(_ws.database)


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
