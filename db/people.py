"""Words and records about people: who they are, what they may do, what they did."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

UserRole = Literal["annotator", "maintainer", "admin"]
Act = Literal[
    "draw",  # regions saved
    "answer",  # right place, wrong place
    "clear",  # guidance removed
    "label",
    "move",  # to another split
    "train",  # a run asked for
    "cancel",
    "retry",
    "publish",  # or rolled back to; of a run's own version when it ends
    "import",  # a project made
    "add",  # images or guidance, to a project that exists
    "rename",
    "delete",  # put into the bin
    "restore",
    "erase",  # deleted for good
    "join",  # signed in for the first time
    "role",
]

USER_ROLES: tuple[UserRole, ...] = (
    "annotator",
    "maintainer",
    "admin",
)  # each may do what those before it may


@dataclass(frozen=True, slots=True)
class UserRecord:
    id: int
    subject: str
    name: str
    email: str  # empty: unknown
    role: UserRole | None  # None: an admin has not let this person in yet

    def may(self, role: UserRole) -> bool:
        """Whether this person may do what `role` may."""
        return self.role is not None and USER_ROLES.index(self.role) >= USER_ROLES.index(role)


# The row that the schema begins with: whoever works where nobody signs in, and the command line.
LOCAL_USER = UserRecord(1, "local", "Local user", "", "admin")


@dataclass(frozen=True, slots=True)
class ActivityRecord:
    """What somebody did. Names are today's; empty where what they name is gone."""

    id: int
    at: datetime
    user: str
    email: str
    act: Act
    project_id: int | None
    project: str
    image_id: int | None
    image: str
    run_id: int | None
    version_id: int | None
    version: int | None  # its number in the project
    detail: str
