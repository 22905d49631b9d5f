"""An OpenID Connect provider on loopback: people sign in by choosing their name."""

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "refocus"


@dataclass
class Provider:
    """Discovery, keys, authorize and token, as the standard says; people: claims by `sub`."""

    people: Mapping[str, Mapping[str, Any]]
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}))
    asked: dict[str, dict[str, str]] = field(default_factory=dict)  # by code: who, and for which request
    url: str = ""

    def answer(self, path: str, query: Mapping[str, str]) -> tuple[int, str, str]:
        """Status, body or place to go to, and the body's type."""
        if path == "/.well-known/openid-configuration":
            return 200, json.dumps(self._discovery()), "application/json"
        if path == "/jwks":
            return 200, json.dumps({"keys": [self.key.as_dict(private=False)]}), "application/json"
        if path == "/authorize":
            links = [
                f'<p><a href="/chosen?{urlencode({**query, "who": subject})}">{claims["name"]}</a></p>'
                for subject, claims in self.people.items()
            ]
            return 200, f"<h1>Who are you?</h1>{''.join(links)}", "text/html"
        if path == "/chosen":
            code = secrets.token_urlsafe()
            self.asked[code] = dict(query)
            return 302, f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}", ""
        if path == "/token":
            return 200, json.dumps(self._token(self.asked.pop(query["code"]))), "application/json"
        return 404, "", "text/plain"

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _token(self, asked: Mapping[str, str]) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            **self.people[asked["who"]],
            "iss": self.url,
            "sub": asked["who"],
            "aud": CLIENT,
            "iat": now,
            "exp": now + 600,
            **({"nonce": asked["nonce"]} if "nonce" in asked else {}),
        }
        token = jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)
        return {"access_token": secrets.token_urlsafe(), "token_type": "Bearer", "id_token": token}


@contextlib.contextmanager
def serving(people: Mapping[str, Mapping[str, Any]]) -> Iterator[Provider]:
    provider = Provider(people)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _answer(self, query: str) -> None:
            values = {name: value for name, (value, *_) in parse_qs(query).items()}
            status, body, kind = provider.answer(urlsplit(self.path).path, values)
            self.send_response(status)
            self.send_header(*(("Location", body) if status == 302 else ("Content-Type", kind)))
            self.end_headers()
            if status != 302:
                self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://localhost:{server.server_port}"
    provider.key.ensure_kid()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()


def write_secrets(folder: Path, provider: Provider, server_url: str) -> None:
    """`secrets.toml` for a server that is started in this folder."""
    (folder / ".streamlit").mkdir(parents=True, exist_ok=True)
    (folder / ".streamlit" / "secrets.toml").write_text(
        f"""[auth]
redirect_uri = "{server_url}/oauth2callback"
cookie_secret = "{secrets.token_urlsafe(48)}"
client_id = "{CLIENT}"
client_secret = "not secret"
server_metadata_url = "{provider.url}/.well-known/openid-configuration"
""",
        "utf-8",
    )
