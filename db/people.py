"""Words and records about people: who they are, what they may do, what they did."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

UserRole = Literal["annotator", "maintainer", "admin"]
GuidanceRule = Literal["latest", "union", "intersection", "person"]
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
    "whose",  # chosen whose drawings count
    "delete",  # put into the bin
    "restore",
    "erase",  # deleted for good
    "join",  # signed in for the first time
    "role",
]

RULES: tuple[GuidanceRule, ...] = ("latest", "union", "intersection", "person")
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


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose drawings count where several people have drawn on an image for one class."""

    rule: GuidanceRule = "latest"
    person_id: int | None = None  # a user's, with "person" alone

    def __post_init__(self) -> None:
        if (self.rule == "person") != (self.person_id is not None):
            raise ValueError(f"expected a person with the rule 'person' alone, got {self}")


LATEST = Whose()

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
