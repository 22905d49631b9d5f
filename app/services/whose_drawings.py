"""Whose drawings count in a project where several people have drawn: the choice, and its words."""

from app.services import people
from app.workspace import Workspace
from db import users, whose
from db.people import LATEST, Whose


def choose(ws: Workspace, project_id: int, chosen: Whose) -> None:
    """What trains, is exported and is measured with from now on. Raises RoleNeededError, NotFoundError."""
    people.require(ws, "maintainer", "choose whose drawings train")
    whose.choose(ws.database, project_id, chosen, in_words(ws, chosen))


def in_words(ws: Workspace, chosen: Whose) -> str:
    """ "the latest drawing of each image"; raises NotFoundError for a person who does not exist."""
    if chosen.person_id is not None:
        return f"only {users.get_user(ws.database, chosen.person_id).name}'s drawings"
    return {
        "latest": "the latest drawing of each image",
        "union": "everything that anybody marked",
        "intersection": "only what everybody marked",
    }[chosen.rule]


def stated(ws: Workspace, chosen: Whose) -> str:
    """As `in_words`; empty for the latest drawing, which needs no word."""
    return "" if chosen == LATEST else in_words(ws, chosen)
