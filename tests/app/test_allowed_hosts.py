"""Which names the server answers to, and which pages may connect; tests/test_hosts.py asks a real server."""

import asyncio
from typing import Any

import pytest

from app.allowed_hosts import AllowedHosts, host_names
from app.settings import load_settings


async def _accept(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "accepted", "headers": scope["headers"]})


def ask(
    host: str | None,
    origin: str | None = None,
    kind: str = "websocket",
    method: str = "GET",
    named: str = "",
    address: str | None = "localhost",
) -> dict[str, Any]:
    """The first answer of a server with these settings."""
    pairs = ((b"host", host), (b"origin", origin))
    headers = [(name, value.encode("latin-1")) for name, value in pairs if value is not None]
    answers: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.connect"}

    async def send(message: Any) -> None:
        answers.append(message)

    scope = {"type": kind, "method": method, "headers": headers}
    asyncio.run(AllowedHosts(_accept, named, address)(scope, receive, send))
    return answers[0]


def accepts(host: str | None, origin: str | None = None, **options: Any) -> bool:
    return bool(ask(host, origin, **options)["type"] == "accepted")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LocalHost", "localhost."])
def test_this_machines_own_names_are_answered_and_their_pages_connect(name: str) -> None:
    assert accepts(f"{name}:8501", kind="http")
    assert accepts(f"{name}:8501", f"http://{name}:8501")
    assert accepts(name, f"http://{name}:80")


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8501", "localhost.evil.example", "0.0.0.0:8501", "", None, ":8501"),
        *("localhost:x", "user@localhost", "localhost/evil", "[::1", "a,localhost", "192.168.1.5"),
    ],
)
def test_other_names_are_not_answered_whatever_is_asked(host: str | None) -> None:
    origin = f"http://{host}"
    assert ask(host, origin)["type"] == "websocket.close"
    assert ask(host, origin, kind="http")["status"] == 421
    assert ask(host, kind="http")["status"] == 421


@pytest.mark.parametrize(
    "origin",
    [
        *(None, "", "null", "http://evil.example", "http://localhost.evil.example:8501", "http://localhost"),
        *("http://localhost:3000", "http://127.0.0.1:8501", "https://localhost", "file://", "localhost:8501"),
        *("ftp://localhost:8501", "http://localhost:x"),
    ],
)
def test_a_page_of_another_origin_neither_connects_nor_changes_anything(origin: str | None) -> None:
    assert not accepts("localhost:8501", origin)
    assert ask("localhost:8501", origin, kind="http", method="PUT")["status"] == 403
    assert accepts("localhost:8501", origin, kind="http") == (not origin)  # a picture, or an address typed in


def test_names_of_the_setting_are_answered_and_their_pages_connect_through_a_proxy() -> None:
    named = {"named": "refocus.example.org, 10.0.0.7"}
    assert accepts("refocus.example.org", "https://refocus.example.org", **named)
    assert accepts("10.0.0.7:8501", "http://10.0.0.7:8501", **named)
    assert not accepts("evil.example.org", "https://evil.example.org", **named)
    told = ask("localhost:8501", "https://refocus.example.org:8443", **named)  # the proxy changed the host
    assert told["headers"][0] == (b"host", b"refocus.example.org:8443")  # what Streamlit compares


@pytest.mark.parametrize("address", ["192.168.1.5", "Workstation"])
def test_the_address_it_listens_on_is_answered(address: str) -> None:
    assert accepts(f"{address}:8501", f"http://{address}:8501", address=address)
    assert not accepts(f"{address}:8501", f"http://{address}:8501", address="0.0.0.0")


def test_listening_everywhere_adds_no_name() -> None:
    for address in ("0.0.0.0", "::", "", None):
        assert not accepts("0.0.0.0:8501", "http://0.0.0.0:8501", address=address)
        assert accepts("localhost:8501", "http://localhost:8501", address=address)


def test_a_refused_name_is_told_with_the_setting_that_allows_it(capsys: pytest.CaptureFixture[str]) -> None:
    answers: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        answers.append(message)

    async def receive() -> dict[str, Any]:
        return {}

    scope = {"type": "http", "method": "GET", "headers": [(b"host", b"lab-pc:8501")]}
    asyncio.run(AllowedHosts(_accept, "", None)(scope, receive, send))
    assert b"start it with REFOCUS_ALLOWED_HOSTS=lab-pc\n" in answers[1]["body"]


def test_the_setting_takes_bare_names_alone() -> None:
    assert host_names("a.example, [::1],B,::2,") == ["a.example", "::1", "b", "::2"]
    for text in ("http://a.example", "a.example:80", "a b", "a/b", "*"):
        with pytest.raises(ValueError, match="REFOCUS_ALLOWED_HOSTS: expected names such as"):
            load_settings({"REFOCUS_ALLOWED_HOSTS": f"b.example,{text}"})
