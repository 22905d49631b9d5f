"""People sign in with a provider, do what their role may, and the activity says who."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.settings import Settings
from app.workspace import Workspace, open_workspace
from db.activity import Scope, list_activity
from tests import oidc
from tests.app.seeded import Seeded, seed
from tests.conftest import PATIENCE
from tests.live_server import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.processes]

PEOPLE = {
    "m-1": {"name": "Mara", "email": "mara@example.org", "email_verified": True},
    "j-2": {"name": "Jan", "email": "jan@example.org", "email_verified": False},
}


@pytest.fixture
def provider() -> Iterator[oidc.Provider]:
    with oidc.serving(PEOPLE) as running:
        yield running


@pytest.fixture
def signed(tmp_path: Path, provider: oidc.Provider) -> Iterator[LiveServer]:
    """A server that asks people to sign in; its settings name both as admins, by emails."""
    live = LiveServer(
        home=tmp_path / "home",
        folder=tmp_path / "elsewhere",
        environment={"REFOCUS_ADMINS": "Mara@example.org, jan@example.org", "REFOCUS_TRAINS": "nothing"},
    )
    oidc.write_secrets(live.folder, provider, live.url)
    try:
        live.start()
        yield live
    finally:
        live.close()


def test_mara_lets_jan_in_he_relabels_and_may_not_train(signed: LiveServer, browser: Browser) -> None:
    expect.set_options(timeout=PATIENCE)
    ws = open_workspace(Settings(home=signed.home))
    try:
        project = seed(ws, "Bay")
        project.publish(wrong=[project.images()[0].id])
        mara, jan = (browser.new_context(viewport={"width": 1280, "height": 800}) for _ in range(2))
        maras = _nothing_is_shown_before_sign_in(signed, mara)
        _sign_in(maras, "Mara")
        expect(maras.get_by_role("button", name="Retrain")).to_be_visible()

        jans = jan.new_page()
        jans.goto(signed.url)
        _sign_in(jans, "Jan")
        expect(jans.get_by_text("Ask Mara to give you a role.")).to_be_visible()  # his email is not verified
        expect(jans.get_by_text("Bay")).to_have_count(0)

        _give_role(maras, "Jan", "annotator")
        jans.reload()
        expect(jans.get_by_role("heading", name="Bay")).to_be_visible()
        for name in ("Retrain", "New project", "Delete", "Add images"):
            expect(jans.get_by_role("button", name=name, exact=True)).to_have_count(0)
        _relabel_the_first(jans, ws, project)
        jans.get_by_test_id("stSidebarNavLink").filter(has_text="Library").click()
        jans.get_by_role("tab", name="Activity").click()
        expect(jans.get_by_role("region", name="Who did what in this project")).to_be_visible()
        (told, *_) = _activity(ws, project)
        assert told == ("Jan", "label", "boat → car")
        assert signed.complaints() == []
        for context in (mara, jan):
            context.close()
    finally:
        ws.database.close()


def _nothing_is_shown_before_sign_in(server: LiveServer, context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto(f"{server.url}/annotate")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=120_000)
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(0)
    expect(page.get_by_text("Bay")).to_have_count(0)
    return page


def _sign_in(page: Page, name: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def _give_role(page: Page, name: str, role: str) -> None:
    page.get_by_role("button", name="Mara").click()
    page.get_by_role("button", name="People and roles").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(f"Role of {name}").click()
    page.get_by_role("option", name=role).click()
    expect(dialog.get_by_label(f"Role of {name}")).to_have_value(role)


def _relabel_the_first(page: Page, ws: Workspace, project: Seeded) -> None:
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Annotate").click()
    page.get_by_role("button", name="Wrong label").click()
    page.get_by_text("It is car").click()
    expect(page.get_by_text("is labelled car now")).to_be_visible()


def _activity(ws: Workspace, project: Seeded) -> list[tuple[str, str, str]]:
    rows = list_activity(ws.database, Scope(project.project_id), 0, 5)
    return [(row.user, row.act, row.detail) for row in rows]
