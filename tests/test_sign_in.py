"""People sign in with a provider, do what their role may, and the activity says who."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.settings import Settings
from app.workspace import Workspace, open_workspace
from db import users
from db.activity import Scope, list_activity
from db.people import LATEST, Whose
from tests import oidc
from tests.app.seeded import Seeded, seed
from tests.conftest import PATIENCE
from tests.hand import Place, drag, says, show
from tests.live_server import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.processes]

PEOPLE = {
    "m-1": {"name": "Mara", "email": "mara@example.org", "email_verified": True},
    "j-2": {"name": "Jan", "email": "jan@example.org", "email_verified": False},
    "i-3": {"name": "Ida", "email": "ida@example.org", "email_verified": True},
}


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server that asks people to sign in; its settings name Mara and Jan as admins, by emails."""
    folder = tmp_path_factory.mktemp("signed")
    live = LiveServer(
        home=folder / "home",
        folder=folder / "elsewhere",
        environment={"REFOCUS_ADMINS": "Mara@example.org, jan@example.org", "REFOCUS_TRAINS": "nothing"},
    )
    with oidc.serving(PEOPLE) as provider:
        oidc.write_secrets(live.folder, provider, live.url)
        try:
            live.start()
            yield live
        finally:
            live.close()


@pytest.fixture
def ws(signed: LiveServer) -> Iterator[Workspace]:
    opened = open_workspace(Settings(home=signed.home))
    yield opened
    opened.database.close()


@pytest.fixture
def windows(browser: Browser) -> Iterator[tuple[BrowserContext, BrowserContext]]:
    """Of two people."""
    expect.set_options(timeout=PATIENCE)
    first, second = (browser.new_context(viewport={"width": 1280, "height": 800}) for _ in range(2))
    for context in (first, second):
        context.set_default_timeout(PATIENCE)
    yield first, second
    for context in (first, second):
        context.close()


def test_mara_lets_jan_in_he_relabels_and_may_not_train(
    signed: LiveServer, ws: Workspace, windows: tuple[BrowserContext, BrowserContext]
) -> None:
    project = seed(ws, "Bay")
    project.publish(wrong=[project.images()[0].id])
    mara, jan = windows
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
    _open_activity(jans)
    expect(jans.get_by_role("region", name="Who did what in this project")).to_be_visible()
    (told, *_) = _activity(ws, project)
    assert told == ("Jan", "label", "boat → car")
    assert signed.complaints() == []


def test_two_people_at_one_image_see_each_other_and_how_far_they_agree(
    signed: LiveServer, ws: Workspace, windows: tuple[BrowserContext, BrowserContext]
) -> None:
    project = seed(ws, "Cove")
    project.publish()
    image = project.images("train")[0]
    maras, idas = (context.new_page() for context in windows)
    for page, name in ((maras, "Mara"), (idas, "Ida")):
        page.goto(signed.url)
        _sign_in(page, name)
    ida = next(user for user in users.list_users(ws.database) if user.name == "Ida")
    users.set_role(ws.database, ida.id, "annotator")
    show(maras, signed, image)
    show(idas, signed, image)
    says(idas, "Mara has this image open.")

    _draw_and_save(maras, ((0.1, 0.1), (0.5, 0.5)))
    says(maras, "Ida has this image open.")
    _draw_and_save(idas, ((0.1, 0.1), (0.5, 0.9)))
    idas.get_by_role("button", name="Mara drew here too: IoU 0.50").click()
    expect(idas.get_by_role("button", name="Copy to my drawing")).to_be_in_viewport()
    idas.keyboard.press("Escape")
    _open_activity(idas)
    expect(idas.get_by_role("region", name="How far each two people agree")).to_be_visible()
    expect(idas.get_by_text("0.50 (n = 1)")).to_have_count(1)

    maras.reload()
    says(maras, "Ida drew here too: IoU 0.50")
    choice = maras.get_by_role("combobox", name="Whose drawings train")
    choice.click()
    choices = ["Latest of each image", "Marked by anybody", "Marked by everybody", "Ida only", "Mara only"]
    expect(maras.get_by_role("option")).to_have_text(choices)
    maras.get_by_role("option", name="Ida only").click()
    while project.project.whose == LATEST:  # the page shows the choice before it is stored
        maras.wait_for_timeout(100)
    assert project.project.whose == Whose("person", ida.id)
    assert signed.complaints() == []


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


def _open_activity(page: Page) -> None:
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Library").click()
    page.get_by_role("tab", name="Activity").click()


def _draw_and_save(page: Page, corners: tuple[Place, Place]) -> None:
    """A box."""
    drag(page, *corners)
    says(page, "1 region, not saved yet")
    page.get_by_role("button", name="Save", exact=True).click()
    says(page, "1 region saved.")


def _activity(ws: Workspace, project: Seeded) -> list[tuple[str, str, str]]:
    rows = list_activity(ws.database, Scope(project.project_id), 0, 5)
    return [(row.user, row.act, row.detail) for row in rows]
