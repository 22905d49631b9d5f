"""The workspace that pages use, opened once for all sessions, and what is loaded before it is needed."""

import importlib
import threading

import streamlit as st
from streamlit import config

from app import identity
from app.errors import ServiceError
from app.settings import Settings, load_settings
from app.workspace import Workspace, open_workspace


def workspace() -> Workspace:
    """The workspace of the settings in the environment, used by whoever is at the page.

    Raises ServiceError, also before they have signed in, DatabaseError, or CheckpointError for the files of
    `REFOCUS_SAM`.
    """
    return identity.of_person(shared_workspace())


def shared_workspace() -> Workspace:
    """As `workspace`, but of nobody in particular: for what comes before the sign-in."""
    try:
        settings = load_settings()
    except ValueError as error:
        raise ServiceError(f"A setting cannot be read: {error}.") from error
    return _open(repr(settings), settings)


@st.cache_resource(show_spinner=False, max_entries=2, on_release=lambda ws: ws.database.close())
def _open(named: str, _settings: Settings) -> Workspace:
    # Streamlit has a limit of its own, which ends larger uploads with 413: there is to be one setting.
    config.set_option("server.maxUploadSize", _settings.max_upload_mb)
    if _settings.sam:
        from app.services import outlining

        outlining.segmenter_of(_settings)  # files that are no such network are refused at the start
    return open_workspace(_settings)


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Load torch and timm in the background, so that the first map need not wait for them."""
    thread = threading.Thread(target=importlib.import_module, args=("app.services.explanation",), daemon=True)
    thread.start()
    return thread
