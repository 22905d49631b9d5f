"""A real server is asked under foreign names and by foreign pages, on every route; nobody opens a page."""

import base64
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.jobs.process_locks import worker_is_there
from tests.app.stage import wait_for
from tests.live_server import LiveServer

NAMED = "refocus.example.org"
BASE = "/tool/refocus"  # as behind a proxy that others share
ROUTES = (
    *("/", "/annotate", "/_stcore/health", "/_stcore/host-config", "/media/0123.png", "/static/js/index.js"),
    *("/_stcore/upload_file/1/2", "/component/refocus_canvas/x.js", "/_stcore/stream"),
)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("hosts")
    server = LiveServer(
        home=folder / "home",
        folder=folder / "elsewhere",
        environment={
            "REFOCUS_ALLOWED_HOSTS": NAMED,
            "REFOCUS_IDLE_EXIT_SECONDS": "2",
            "STREAMLIT_SERVER_BASE_URL_PATH": BASE,
        },
    )
    (server.home / "trainer").mkdir(parents=True)
    try:
        server.start()
        yield server
    finally:
        server.close()


def status(
    live: LiveServer, host: str, origin: str | None = None, path: str = "/", method: str = "GET"
) -> int:
    return _status(
        live, [f"{method} {BASE}{path} HTTP/1.1", f"Host: {host}", *_origin(origin), "Content-Length: 0"]
    )


def connected(live: LiveServer, host: str, origin: str | None) -> bool:
    """Whether the server takes this for a connection of its page."""
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = ["Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}"]
    lines = [f"GET {BASE}/_stcore/stream HTTP/1.1", f"Host: {host}", *upgrade, "Sec-WebSocket-Version: 13"]
    answer = _status(live, [*lines, *_origin(origin)])
    assert answer in (101, 403, 421)
    return answer == 101


def test_the_servers_own_pages_connect(live: LiveServer) -> None:
    for name in ("localhost", "127.0.0.1", "[::1]"):
        assert connected(live, f"{name}:{live.port}", f"http://{name}:{live.port}")
    assert connected(live, NAMED, f"https://{NAMED}")
    assert connected(live, f"localhost:{live.port}", f"https://{NAMED}")  # a proxy that changes the host


def test_no_foreign_page_connects_and_nobody_waits_for_it(live: LiveServer) -> None:
    here = f"localhost:{live.port}"
    for origin in (None, "null", "http://evil.example", "http://localhost:1", f"http://{here}.evil.example"):
        assert not connected(live, here, origin)
    assert not connected(live, f"evil.example:{live.port}", f"http://evil.example:{live.port}")  # rebinding
    assert status(live, here, path="/_stcore/health") == 200
    assert "external IP" not in live.log_tail(1000)  # whose look-up holds everybody up


@pytest.mark.parametrize("path", ROUTES)
def test_no_route_answers_to_a_foreign_name(live: LiveServer, path: str) -> None:
    assert status(live, f"evil.example:{live.port}", path=path) == 421
    assert status(live, "", path=path) in (400, 421)
    assert status(live, f"localhost:{live.port}", path=path) not in (403, 421)


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_only_a_page_of_the_server_changes_anything(live: LiveServer, method: str) -> None:
    here, path = f"localhost:{live.port}", "/_stcore/upload_file/1/2"
    for origin in (None, "http://evil.example"):
        assert status(live, here, origin, path, method) == 403
    refused = live.log_tail(1000).count("refused: a page of")
    status(live, here, f"http://{here}", path, method)  # Streamlit has questions of its own
    assert live.log_tail(1000).count("refused: a page of") == refused >= 2


def test_a_trainer_starts_with_the_server_though_nobody_has_opened_a_page(live: LiveServer) -> None:
    wait_for(lambda: worker_is_there(live.home / "trainer"), seconds=20)


def test_the_containers_health_check_finds_the_server_under_its_base_path(live: LiveServer) -> None:
    text = (Path(__file__).parents[1] / "Dockerfile").read_text("utf-8")
    (command,) = re.findall(r"^HEALTHCHECK .*\n\s+CMD (\[.*\])$", text, re.MULTILINE)
    program, *arguments = json.loads(command)
    assert program == "python"
    environment = {**os.environ, "STREAMLIT_SERVER_PORT": str(live.port), "http_proxy": "http://127.0.0.1:1"}
    subprocess.run([sys.executable, *arguments], env=environment, check=True, timeout=20)
    environment["STREAMLIT_SERVER_PORT"] = "1"
    assert subprocess.run([sys.executable, *arguments], env=environment, capture_output=True).returncode == 1


def _origin(origin: str | None) -> list[str]:
    return [] if origin is None else [f"Origin: {origin}"]


def _status(live: LiveServer, lines: list[str]) -> int:
    with socket.create_connection(("127.0.0.1", live.port), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        return int(connection.recv(4096).split(b" ")[1])
