"""Roles are enforced where things are done, and the activity is given away whole."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.cli.program import main
from app.jobs import import_run
from app.services import (
    annotation,
    imports,
    labels,
    library,
    moving,
    people,
    publishing,
    recycle_bin,
    training,
)
from app.services.people import RoleNeededError
from app.settings import load_settings
from app.workspace import Workspace
from db import activity, users
from db.activity import Scope
from db.people import LOCAL_USER, UserRole
from db.records import ImageRecord, RegionRecord, VersionRecord
from tests.app.material import photograph, zipped

BOX = RegionRecord("box", "look_here", ((1.0, 1.0), (9.0, 9.0)))
Act = Callable[[Workspace, ImageRecord], object]


def as_person(ws: Workspace, name: str, role: UserRole | None) -> Workspace:
    """The workspace as somebody with this role uses it."""
    user = users.meet(ws.database, f"idp {name}", name, "")
    users.set_role(ws.database, user.id, role)
    return ws.used_by(replace(user, role=role))


MAINTAIN: dict[str, Act] = {
    "train": lambda ws, image: training.request_first_model(ws, image.project_id),
    "retrain": lambda ws, image: training.request_retrain(ws, image.project_id, "quick"),
    "cancel": lambda ws, image: training.cancel(ws, 1),
    "retry": lambda ws, image: training.retry(ws, 1),
    "rename": lambda ws, image: library.rename_project(ws, image.project_id, "b"),
    "delete": lambda ws, image: recycle_bin.put_into_bin(ws, image.project_id),
    "delete for good": lambda ws, image: recycle_bin.delete_for_good(ws, image.project_id),
    "restore": lambda ws, image: recycle_bin.take_out_of_bin(ws, image.project_id),
    "demo": lambda ws, image: imports.ask_for_demo(ws),
    "import": lambda ws, image: imports.ask_for_folder(ws, "b", Path("/nowhere")),
    "upload": lambda ws, image: imports.ask_for_upload(ws, "b", io.BytesIO()),
    "add": lambda ws, image: imports.ask_for_files(ws, image.project_id, []),
}
ANNOTATE: dict[str, Act] = {
    "draw": lambda ws, image: annotation.save(ws, image.id, image.class_id, [BOX]),
    "label": lambda ws, image: labels.change_label(ws, image, image.class_id),
    "move": lambda ws, image: moving.move(ws, image.project_id, [image.id], image.split),
}


@pytest.mark.parametrize("act", MAINTAIN)
def test_an_annotator_may_not_maintain(ws: Workspace, images: list[ImageRecord], act: str) -> None:
    as_person(ws, "Ada", "admin")
    before = list(activity.each_activity(ws.database, Scope()))
    mara = as_person(ws, "Mara", "annotator")
    with pytest.raises(RoleNeededError, match=r"^Only a maintainer can .*\. Ask Ada for this role\.$"):
        MAINTAIN[act](mara, images[0])
    later = [row for row in activity.each_activity(ws.database, Scope()) if row.act not in ("join", "role")]
    assert later == [row for row in before if row.act not in ("join", "role")]


@pytest.mark.parametrize("act", ANNOTATE)
def test_an_annotator_draws_and_somebody_without_a_role_does_nothing(
    ws: Workspace, images: list[ImageRecord], act: str
) -> None:
    ANNOTATE[act](as_person(ws, "Mara", "annotator"), images[0])
    with pytest.raises(RoleNeededError, match="Only an annotator can"):
        ANNOTATE[act](as_person(ws, "Jan", None), images[0])


def test_a_role_that_was_taken_away_is_gone_at_once(ws: Workspace, images: list[ImageRecord]) -> None:
    mara = as_person(ws, "Mara", "maintainer")
    library.rename_project(mara, images[0].project_id, "b")
    users.set_role(ws.database, mara.user.id, "annotator")  # her page is still open, and believes otherwise
    with pytest.raises(RoleNeededError):
        library.rename_project(mara, images[0].project_id, "c")


def test_only_an_admin_gives_roles(ws: Workspace) -> None:
    mara = as_person(ws, "Mara", "maintainer")
    with pytest.raises(RoleNeededError, match="Only an admin can change roles"):
        people.set_role(mara, mara.user.id, "admin")
    people.set_role(as_person(ws, "Ada", "admin"), mara.user.id, "annotator")
    assert users.get_user(ws.database, mara.user.id).role == "annotator"


def test_admins_are_named_by_verified_email_or_subject_alone(ws: Workspace) -> None:
    settings = load_settings({"REFOCUS_HOME": str(ws.settings.home), "REFOCUS_ADMINS": "Mara@x.org, s-7"})
    ws = replace(ws, settings=settings)
    idp: dict[str, object] = {"iss": "https://idp", "name": "N"}
    claims: dict[str, dict[str, object]] = {
        "verified": {"sub": "1", "email": "mara@x.org", "email_verified": True},
        "unverified": {"sub": "2", "email": "mara@x.org", "email_verified": False},
        "not said": {"sub": "3", "email": "mara@x.org"},
        "by subject": {"sub": "s-7"},
        "other": {"sub": "4", "email": "jan@x.org", "email_verified": True},
    }
    roles = {name: people.sign_in(ws, {**idp, **values}).role for name, values in claims.items()}
    assert roles == {
        "verified": "admin",
        "unverified": None,
        "not said": None,
        "by subject": "admin",
        "other": None,
    }
    # the same subject at another provider is somebody else
    assert people.sign_in(ws, {"iss": "https://b", "sub": "1"}).role is None
    with pytest.raises(Exception, match="did not say who you are"):
        people.sign_in(ws, {"name": "N"})


def test_an_import_is_by_who_asked_for_it(ws: Workspace, tmp_path: Path) -> None:
    files = {
        f"{label}/{n}.png": photograph(10 * n + len(label)) for label in ("boat", "car") for n in range(3)
    }
    mara = as_person(ws, "Mara", "maintainer")
    with zipped(tmp_path / "b.zip", files).open("rb") as upload:
        record = imports.ask_for_upload(mara, "b", upload)
    import_run.carry_out(ws, record.id)  # a process of its own, of nobody
    told = [(row.user, row.act, row.project) for row in activity.each_activity(ws.database, Scope())]
    assert ("Mara", "import", "b") in told


def test_a_spreadsheet_carries_out_nothing_of_the_activity(ws: Workspace, images: list[ImageRecord]) -> None:
    mara = as_person(ws, "=HYPERLINK(1)", "maintainer")
    library.rename_project(mara, images[0].project_id, "@x")
    annotation.save(mara, images[0].id, images[0].class_id, [BOX])
    rows = list(csv.DictReader(io.StringIO(people.activity_csv(ws, images[0].project_id).decode())))
    assert [(row["who"], row["what"], row["project"]) for row in rows[1:]] == [
        ("'=HYPERLINK(1)", "rename", "'@x"),
        ("'=HYPERLINK(1)", "draw", "'@x"),
    ]
    assert rows[-1]["image"] == images[0].name
    assert rows[0]["who"] == LOCAL_USER.name


def test_progress_is_counted_by_person(ws: Workspace, images: list[ImageRecord]) -> None:
    mara = as_person(ws, "Mara", "annotator")
    for image in images[:2]:
        annotation.save(mara, image.id, image.class_id, [BOX])
    annotation.save(ws, images[2].id, images[2].class_id, [BOX])
    progress = people.progress(ws, images[0].project_id)
    assert [(item.user.name, item.counts["draw"]) for item in progress] == [("Mara", 2), ("Local user", 1)]


def test_publishing_needs_a_maintainer(ws: Workspace, images: list[ImageRecord]) -> None:
    moment = datetime.now(UTC)
    version = VersionRecord(1, images[0].project_id, 1, None, None, "a", "ab", "", moment)
    with pytest.raises(RoleNeededError, match="Only a maintainer can publish a version"):
        publishing.publish(as_person(ws, "Mara", "annotator"), version)


def test_a_command_writes_the_activity(
    ws: Workspace, images: list[ImageRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFOCUS_HOME", str(ws.settings.home))
    out = tmp_path / "activity.csv"
    assert main(["activity", "--out", str(out)]) == 0
    assert [row["what"] for row in csv.DictReader(out.read_text("utf-8").splitlines())] == ["import"]
    recycle_bin.put_into_bin(ws, images[0].project_id)
    assert main(["activity", "--out", str(out)]) == 2  # there is no project
    assert main(["activity", "--all", "--out", str(out)]) == 0
    assert [row["what"] for row in csv.DictReader(out.read_text("utf-8").splitlines())] == [
        "import",
        "delete",
    ]
