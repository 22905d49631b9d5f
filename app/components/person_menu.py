"""Who is signed in, at the bottom of the sidebar; for admins, the roles of others."""

import streamlit as st

from app import opening, state
from app.components.kit.dialog_button import dialog_button
from app.components.kit.error_box import told
from app.components.kit.text import plain
from app.services import people
from app.workspace import Workspace
from db.people import LOCAL_USER, USER_ROLES, UserRecord, UserRole

NO_ROLE = "no role"
MEANINGS: dict[UserRole, str] = {
    "annotator": "sees all projects, draws, answers, changes labels, moves images, downloads.",
    "maintainer": "also imports, trains, publishes, rolls back, renames and deletes.",
    "admin": "also gives roles.",
}


def person_menu(ws: Workspace) -> None:
    """Nothing where nobody signs in."""
    user = ws.user
    if user.id == LOCAL_USER.id:
        return
    opened = False
    with st.popover(plain(user.name), icon=":material/person:", width="stretch", key="person"):
        st.caption(f"{plain(user.email)} · {user.role}" if user.email else str(user.role))
        if user.may("admin"):
            opened = dialog_button(
                "People and roles", ("people", 0), key="people", icon=":material/group:", width="stretch"
            )
        st.button("Sign out", key="sign_out", icon=":material/logout:", on_click=st.logout, width="stretch")
    if opened:
        _people()


@st.dialog("People and roles", icon=":material/group:", width="medium", on_dismiss=state.close_dialog)
def _people() -> None:
    with told("The people cannot be shown", "Close this and try again."):
        ws = opening.workspace()
        st.markdown("\n".join(f"- **{role}**: {meaning}" for role, meaning in MEANINGS.items()))
        for user in people.people(ws):
            _row(ws, user)
        st.download_button(
            "Activity of all projects",
            data=lambda: people.activity_csv(ws, None),
            file_name="activity.csv",
            mime="text/csv",
            key="download_all_activity",
            icon=":material/download:",
            on_click="ignore",
            help="Who did what, also in deleted projects, and who gave which role: CSV.",
        )


def _row(ws: Workspace, user: UserRecord) -> None:
    name, role = st.columns([2, 1], vertical_alignment="center")
    name.markdown(f"{plain(user.name)} :small[:gray[{plain(user.email)}]]")
    key = f"role_{user.id}"
    role.selectbox(
        f"Role of {user.name}",
        [NO_ROLE, *USER_ROLES],
        index=0 if user.role is None else 1 + USER_ROLES.index(user.role),
        key=key,
        label_visibility="collapsed",
        on_change=_set,
        args=(ws, user, key),
    )


def _set(ws: Workspace, user: UserRecord, key: str) -> None:
    chosen = st.session_state[key]
    with told(f"The role of {user.name} was not changed", "Try again."):
        people.set_role(ws, user.id, None if chosen == NO_ROLE else chosen)
