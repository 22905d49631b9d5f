"""A picture or download is served to the session that it was made for, while it is open."""

from types import SimpleNamespace

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage, _calculate_file_id

from app import session_files

PICTURE = b"all the pixels"


class Server:
    """Streamlit's file manager and its route, with sessions that are open or not."""

    def __init__(self) -> None:
        self.storage = MemoryMediaFileStorage("/media")
        self.media_file_mgr = MediaFileManager(self.storage)
        self.open = {"ann", "ben"}
        self.script_of: str | None = None

    def is_active_session(self, session: str) -> bool:
        return session in self.open

    def add(self, session: str) -> str:
        self.script_of = session
        address = self.media_file_mgr.add(PICTURE, "image/jpeg", "0.0")
        self.script_of = None
        return address

    def get(self, address: str) -> bytes | None:
        try:
            return self.storage.get_file(address.removeprefix("/media/")).content
        except MediaFileStorageError:
            return None


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()

    def context(**_: object) -> SimpleNamespace | None:
        return None if made.script_of is None else SimpleNamespace(session_id=made.script_of)

    monkeypatch.setattr(session_files.runtime, "exists", lambda: True)
    monkeypatch.setattr(session_files.runtime, "get_instance", lambda: made)
    monkeypatch.setattr(session_files, "get_script_run_ctx", context)
    monkeypatch.setattr("streamlit.runtime.media_file_manager._get_session_id", lambda: made.script_of or "")
    session_files.protect()
    return made


def test_an_address_is_answered_while_its_session_is_open_and_no_longer(server: Server) -> None:
    of_ann, of_ben = server.add("ann"), server.add("ben")
    assert of_ann != of_ben
    assert of_ann.endswith(".jpg")
    assert server.get(of_ann) == server.get(of_ben) == PICTURE
    server.open.remove("ann")
    assert server.get(of_ann) is None
    assert server.get(of_ben) == PICTURE
    server.open.add("ann")  # the connection was lost for a moment
    assert server.get(of_ann) == PICTURE == server.get(server.add("ann"))
    assert server.add("ann") == of_ann  # so that a browser keeps it


def test_who_knows_the_picture_cannot_make_out_its_address(server: Server) -> None:
    server.add("ann")
    assert server.get(f"/media/{_calculate_file_id(PICTURE, 'image/jpeg')}.jpg") is None


def test_a_file_of_an_ended_session_leaves_the_memory(server: Server) -> None:
    of_ann = server.add("ann")
    server.media_file_mgr.clear_session_refs("ann")
    server.media_file_mgr.remove_orphaned_files()
    assert server.get(of_ann) is None
    assert server.storage._files_by_id == server.storage._sessions == {}  # type: ignore[attr-defined]


def test_a_download_belongs_to_the_session_whose_button_was_pressed(server: Server) -> None:
    server.script_of = "ann"
    pressed = server.media_file_mgr.add_deferred(lambda: PICTURE, "image/jpeg", "0.1", "a.jpg")
    server.script_of = None  # it is made outside of any script
    address = server.media_file_mgr.execute_deferred(pressed)
    assert server.get(address) == PICTURE
    server.open.remove("ann")
    assert server.get(address) is None


def test_a_file_of_no_session_is_not_served(server: Server) -> None:
    assert server.get(server.media_file_mgr.add(PICTURE, "image/jpeg", "0.0")) is None


def test_protecting_twice_changes_nothing_and_an_unknown_storage_is_refused(server: Server) -> None:
    of_ann = server.add("ann")
    session_files.protect()
    assert server.get(of_ann) == PICTURE

    class Foreign(MemoryMediaFileStorage):
        pass

    server.media_file_mgr = MediaFileManager(Foreign("/media"))
    with pytest.raises(TypeError, match="Streamlit's own storage of files, got Foreign"):
        session_files.protect()
