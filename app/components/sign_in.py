"""The door: who has to sign in does that before anything else is shown."""

import streamlit as st

from app import identity
from app.components.kit.text import plain
from app.services import people
from app.workspace import Workspace


def is_let_in(ws: Workspace) -> bool:
    """Whether the page may be shown; else draws what there is to do. ws: used by nobody yet.

    Raises app.identity.SignInError.
    """
    if not identity.is_asked(ws):
        return True
    if not identity.is_known():
        with _door():
            _say("Sign in to see projects and images.")
            for name in identity.providers():
                _button(f"Sign in with {name.capitalize()}", name)
            if not identity.providers():
                _button("Sign in", None)
        return False
    visited = identity.of_person(ws)
    if visited.user.role is not None:
        return True
    with _door():
        _say(f"Welcome, {plain(visited.user.name)}.")
        admins = people.admin_names(ws)
        if admins:
            _say(f"Ask {plain(', '.join(admins))} to give you a role. Then reload this page.")
        else:
            _say(
                "There is no admin yet. Whoever runs the server names one in `REFOCUS_ADMINS` and starts it "
                "again: by verified email, or as your provider calls you:"
            )
            st.code(str(st.user.to_dict().get("sub", "")), language=None)
        st.button("Sign out", key="sign_out", icon=":material/logout:", on_click=st.logout)
    return False


def _say(sentence: str) -> None:
    st.markdown(sentence, text_alignment="center")


def _button(label: str, provider: str | None) -> None:
    st.button(
        label,
        key=f"sign_in_{provider or ''}",
        type="primary",
        icon=":material/login:",
        on_click=st.login,
        args=(provider,) if provider else (),
    )


def _door() -> st.delta_generator.DeltaGenerator:
    st.space("large")
    _, middle, _ = st.columns([1, 1.4, 1])
    box = middle.container(border=True, horizontal_alignment="center", gap="small")
    box.markdown("## Refocus", text_alignment="center")
    return box
