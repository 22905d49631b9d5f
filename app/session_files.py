"""Pictures and downloads are served to the session that they were made for, while it lasts.

Streamlit names a file by a hash of its content and hands it to whoever asks, also when its session is gone.
Here the name is a secret of one session, and it is answered only while the browser is connected.
"""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from streamlit import runtime
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileKind, MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import (
    MemoryFile,
    MemoryMediaFileStorage,
    get_extension_for_mimetype,
)
from streamlit.runtime.scriptrunner import get_script_run_ctx

_one_at_a_time = threading.Lock()
_pressed_by: ContextVar[str] = ContextVar("the session whose download is being made", default="")


def protect() -> None:
    """From now on this server's files belong to sessions; done already, nothing changes.

    Streamlit 1.67 makes its storage before any script runs, and its routes hold on to the object, so the
    object itself becomes ours. TypeError for a storage that we do not know.
    """
    if not runtime.exists():
        return
    manager = runtime.get_instance().media_file_mgr
    with _one_at_a_time:
        if isinstance(manager, _SessionFileManager):
            return
        storage: Any = manager._storage
        if type(manager) is not MediaFileManager or type(storage) is not MemoryMediaFileStorage:
            raise TypeError(f"expected Streamlit's own storage of files, got {type(storage).__name__}")
        vars(storage).update(_key=secrets.token_bytes(32), _sessions={})
        storage.__class__, manager.__class__ = _SessionFiles, _SessionFileManager


class _SessionFileManager(MediaFileManager):
    """Remembers whose download it makes: that happens when the button is pressed, outside of any script."""

    def add_deferred(self, data_callable: Callable[[], Any], *place: Any, **named: Any) -> str:
        session = _session()

        def make() -> Any:
            _pressed_by.set(session)
            return data_callable()

        return super().add_deferred(make, *place, **named)

    def execute_deferred(self, file_id: str) -> str:
        before = _pressed_by.set("")
        try:
            return super().execute_deferred(file_id)
        finally:
            _pressed_by.reset(before)


class _SessionFiles(MemoryMediaFileStorage):
    _key: bytes
    _sessions: dict[str, str]  # name of a file -> session

    def load_and_get_id(
        self, path_or_data: str | bytes, mimetype: str, kind: MediaFileKind, filename: str | None = None
    ) -> str:
        """The name of the file for the session; the same file keeps its name there."""
        data = self._read_file(path_or_data) if isinstance(path_or_data, str) else path_or_data
        session = _session()
        identity = (session, mimetype, filename or "", hashlib.sha256(data).hexdigest())
        name = hmac.new(self._key, "\0".join(identity).encode(), hashlib.sha256).hexdigest()
        self._sessions[name] = session
        self._files_by_id.setdefault(name, MemoryFile(data, mimetype, kind, filename))
        return name

    def get_file(self, filename: str) -> MemoryFile:
        """For the server's route. MediaFileStorageError when no session that is open has this file."""
        session = self._sessions.get(filename.partition(".")[0])
        if session is None or not runtime.get_instance().is_active_session(session):
            raise MediaFileStorageError(f"no open session has a file {filename!r}")
        return super().get_file(filename)

    def get_url(self, file_id: str) -> str:
        """For the script, whose session may have ended meanwhile."""
        ending = get_extension_for_mimetype(self._files_by_id[file_id].mimetype)
        return f"{self._media_endpoint}/{file_id}{ending}"

    def delete_file(self, file_id: str) -> None:
        super().delete_file(file_id)
        self._sessions.pop(file_id, None)


def _session() -> str:
    """Of the script that runs, or of the download that was pressed; empty, which is never open, for none."""
    context = get_script_run_ctx(suppress_warning=True)
    return _pressed_by.get() if context is None else context.session_id
