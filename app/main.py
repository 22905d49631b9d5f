"""The server: `streamlit run app/main.py`. The script of its pages is `router.py`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = str(HERE.parent)
if ROOT not in sys.path:  # Streamlit puts app/ there, not the folder that holds app, db and gain_core
    sys.path.insert(0, ROOT)

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route
from streamlit import config

from app.allowed_hosts import AllowedHosts
from app.jobs import launch
from app.settings import Settings, load_settings


def _settings() -> Settings | None:
    """None: a variable cannot be read. The page says which, and only this machine's browsers reach it."""
    try:
        return load_settings()
    except ValueError:
        return None


@asynccontextmanager
async def _lifespan(_server: st.App) -> AsyncIterator[None]:
    if settings is not None:
        launch.keep_worker(settings)
    yield


async def _health(_request: Request) -> RedirectResponse:
    """At the same place whatever `server.baseUrlPath` is: a container's check does not know it."""
    base = config.get_option("server.baseUrlPath").strip("/")
    return RedirectResponse(f"/{base}/_stcore/health" if base else "/_stcore/health")


settings = _settings()
hosts = Middleware(
    AllowedHosts,
    named="" if settings is None else settings.allowed_hosts,
    address=config.get_option("server.address"),
)
server = st.App(
    HERE / "router.py", lifespan=_lifespan, middleware=[hosts], routes=[Route("/health", _health)]
)
