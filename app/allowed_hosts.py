"""Who may talk to the server: the names it answers to, and the pages that may connect.

A browser lets any page connect to any address, and sends the name that the page used as `Host` and the page's
own address as `Origin`. So a foreign page can reach a server on this machine in two ways. It asks for
`localhost`: then `Origin` is foreign. Or its own name leads to this machine (DNS rebinding): then both agree,
on a foreign name. Streamlit alone accepts the second, and for the first it looks up the machine's
external address, which stops every page while the network does not answer.
"""

import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import SplitResult, urlsplit

LOG = logging.getLogger("refocus.hosts")
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 – no names that a browser asks for
BARE_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
READING = frozenset({"GET", "HEAD", "OPTIONS"})  # what a page may ask for without saying which page it is
DEFAULT_PORTS = {"http": 80, "https": 443}
MISDIRECTED, FORBIDDEN, POLICY_VIOLATION = 421, 403, 1008

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class AllowedHosts:
    """ASGI middleware before everything else: pages, websocket, media, uploads, health.

    named: host names besides this machine's, separated by commas. Pages of these may connect whatever port
    they came from: a proxy may have another one. address: what the server is bound to.
    """

    def __init__(self, application: Application, named: str, address: str | None) -> None:
        self._application = application
        self._named = frozenset(host_names(named))
        bound = {address.lower().strip("[]")} if address else set()
        self._hosts = LOCAL | self._named | (bound - EVERYWHERE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
            return
        host, origin = _header(scope, b"host"), _header(scope, b"origin")
        if _name(host) not in self._hosts:
            LOG.warning("refused: the host %r is not allowed", host)
            await _refuse(scope, receive, send, MISDIRECTED, _unknown_host(host))
        elif not self._may_connect(scope, host, origin):
            LOG.warning("refused: a page of %r asked %r", origin, host)
            await _refuse(scope, receive, send, FORBIDDEN, "Only Refocus' own pages may do this.")
        else:
            await self._application(_agreeing(scope, origin), receive, send)

    def _may_connect(self, scope: Scope, host: str, origin: str) -> bool:
        if not origin:
            return scope["type"] == "http" and scope["method"] in READING
        page = _split(origin)
        port = DEFAULT_PORTS.get(page.scheme)
        if port is None:
            return False
        if page.hostname in self._named:
            return True
        asked = _split(f"//{host}")
        return (page.hostname, page.port or port) == (asked.hostname, asked.port or port)


def host_names(text: str) -> list[str]:
    """The names of a list separated by commas. Raises ValueError naming what is no bare host name."""
    parts = [part.strip().lower() for part in text.split(",") if part.strip()]
    return [part if BARE_NAME.fullmatch(part) else str(IPv6Address(part.strip("[]"))) for part in parts]


def _name(host: str) -> str | None:
    """The name in a `Host` header, without port, brackets and final dot; None when it is no such header."""
    parts = _split(f"//{host}")
    if not host or parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    return (parts.hostname or "").rstrip(".") or None


def _split(address: str) -> SplitResult:
    """Empty parts for what is no address."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises where it is no number
        return parts
    except ValueError:
        return SplitResult("", "", "", "", "")


def _header(scope: Scope, name: bytes) -> str:
    """Its value; empty where it is missing, and what nobody allows where it comes twice."""
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)


def _agreeing(scope: Scope, origin: str) -> Scope:
    """The same connection with its page's name as `Host`, where a proxy may have put its own: Streamlit
    compares the two as text.
    """
    if scope["type"] != "websocket":
        return scope
    page = urlsplit(origin).netloc.encode("latin-1")
    return {**scope, "headers": [(key, page if key == b"host" else value) for key, value in scope["headers"]]}


def _unknown_host(host: str) -> str:
    name = _name(host)
    if name is None:
        return "Refocus answers to host names only."
    return (
        f"Refocus does not answer to the name {name}. If this is its name, start it with "
        f"REFOCUS_ALLOWED_HOSTS={name}"
    )


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, sentence: str) -> None:
    if scope["type"] == "websocket":
        await receive()  # its request to connect
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": sentence[:100]})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{sentence}\n".encode()})
