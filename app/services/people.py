"""People: who may do what, who did what, and how far each has come."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import ServiceError
from app.importing.cells import safe_cell
from app.workspace import Workspace
from db import activity, users
from db.activity import Scope
from db.people import LOCAL_USER, Act, UserRecord, UserRole

COLUMNS = (
    *("when", "who", "email", "what", "project", "project_id", "image", "image_id", "run_id", "version"),
    *("version_id", "detail"),
)
DRAWN: tuple[Act, ...] = ("draw", "answer", "label", "move")  # what progress counts
_ARTICLES: dict[UserRole, str] = {
    "annotator": "an annotator",
    "maintainer": "a maintainer",
    "admin": "an admin",
}


class RoleNeededError(ServiceError):
    """A person asked for something that needs another role."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a person has done in a project."""

    user: UserRecord
    counts: Mapping[Act, int]


def require(ws: Workspace, role: UserRole, to_do: str) -> None:
    """Raise RoleNeededError unless the person at work may do what `role` may, by the database as it is now.

    to_do: "train a model", after "can".
    """
    if ws.user.id == LOCAL_USER.id:  # nobody signs in here
        return
    if not users.get_user(ws.database, ws.user.id).may(role):
        admins = ", ".join(admin_names(ws)) or "an admin"
        raise RoleNeededError(f"Only {_ARTICLES[role]} can {to_do}. Ask {admins} for this role.")


def sign_in(ws: Workspace, claims: Mapping[str, object]) -> UserRecord:
    """The person of an id token; a new one is stored, without a role unless the settings name an admin.

    Raises ServiceError for a token without issuer or subject, db.errors.TooLongError for long ones: cut off,
    two people could be one.
    """
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not issuer or not subject:
        raise ServiceError("The sign-in provider did not say who you are (iss and sub of the id token).")
    email = str(claims.get("email") or "")
    name = str(claims.get("name") or email or subject)
    verified = email if claims.get("email_verified") is True else None
    admins = ws.settings.admin_names
    # Some providers send an email that nobody has verified as the subject.
    by_subject = "@" not in str(subject) and str(subject) in admins
    admin = by_subject or (verified is not None and verified.lower() in admins)
    return users.meet(ws.database, f"{issuer} {subject}", name[:200], email[:320], admin=admin)


def admin_names(ws: Workspace) -> list[str]:
    """Of the people who sign in."""
    return [user.name for user in people(ws) if user.role == "admin"]


def people(ws: Workspace) -> list[UserRecord]:
    """Who has signed in, by name."""
    return [user for user in users.list_users(ws.database) if user.id != LOCAL_USER.id]


def set_role(ws: Workspace, user_id: int, role: UserRole | None) -> None:
    """Raises RoleNeededError, NotFoundError."""
    require(ws, "admin", "change roles")
    users.set_role(ws.database, user_id, role)


def progress(ws: Workspace, project_id: int, days: float | None = None) -> list[Progress]:
    """Of everybody who did any of DRAWN in the project, most first; `days`: in the last ones alone."""
    counts = activity.count_by_person(ws.database, project_id, days)
    everybody = [
        Progress(user, counts[user.id])
        for user in users.list_users(ws.database)
        if not counts.get(user.id, {}).keys().isdisjoint(DRAWN)
    ]
    return sorted(everybody, key=lambda item: -sum(item.counts.get(act, 0) for act in DRAWN))


def activity_csv(ws: Workspace, project_id: int | None) -> bytes:
    """All activity of a project, or with None of all, the oldest first; UTF-8. Names that a spreadsheet would
    take for a formula have an apostrophe in front. RoleNeededError for all projects without being an admin.
    """
    if project_id is None:
        require(ws, "admin", "download all projects' activity")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for item in activity.each_activity(ws.database, Scope(project_id)):
        cells = (
            *(item.at.isoformat(timespec="seconds"), item.user, item.email, item.act, item.project),
            *(item.project_id, item.image, item.image_id, item.run_id, item.version, item.version_id),
            item.detail,
        )
        writer.writerow("" if cell is None else safe_cell(str(cell)) for cell in cells)
    return text.getvalue().encode()
