"""The script of every page: a router and nothing else."""

from pathlib import Path

import streamlit as st

from app import opening, session_files, state
from app.components.kit.error_box import told
from app.components.kit.text import plain
from app.components.sidebar import sidebar
from app.components.sign_in import is_let_in
from app.jobs import launch

# Streamlit shows toasts at the top right, over Annotate's images and tools; the foot of the sidebar is empty.
# Of its links to the pages nobody sees which one has the focus.
# And one colour cannot be read both as a word on the dark page and as a button under light words.
_PRIMARY = "[data-testid^=stBaseButton-primary]:not(:disabled)"
_STYLE = (
    "<style>[data-testid=stToastContainer] {inset: auto auto 1rem .75rem !important; align-items: start}"
    "[data-testid=stToast] {width: 15rem !important; min-width: 0 !important}"
    f"{_PRIMARY} {{background: light-dark(#14606e, #1d7282); border-color: transparent}}"
    f"{_PRIMARY}:hover {{background: light-dark(#0f4d58, #17606e)}}"
    "[data-testid=stSidebarNavLink]:focus-visible {outline: 2px solid; outline-offset: -2px}</style>"
)

# A file of ours: the browser would fetch a named icon from another machine.
st.set_page_config(
    page_title="Refocus",
    page_icon=Path(__file__).with_name("icon.svg"),
    layout="wide",
    initial_sidebar_state=264,
)

st.html(_STYLE)
session_files.protect()
let_in = False
with told("Refocus cannot open its data folder", "Fix this and reload the page."):
    opened = opening.shared_workspace()
    with told("Nobody can sign in", "Fix this and reload the page."):
        let_in = is_let_in(opened)
if not let_in:
    st.stop()

page = st.navigation(
    [
        st.Page(
            "views/library.py",
            title="Library",
            icon=":material/photo_library:",
            help="Projects and their images: start the demo, import your own, see refused files.",
            default=True,
        ),
        st.Page(
            "views/annotate.py",
            title="Annotate",
            icon=":material/draw:",
            help="See where the model looks, suspicious images first. Draw where it should look.",
        ),
        st.Page(
            "views/train.py",
            title="Train",
            icon=":material/monitoring:",
            help="Every run of the project: settings, curves, result.",
        ),
        st.Page(
            "views/compare.py",
            title="Compare",
            icon=":material/compare:",
            help="Two model versions side by side: accuracy by group, and both maps of each image.",
        ),
        st.Page(
            "views/models.py",
            title="Models",
            icon=":material/deployed_code:",
            help="All model versions: publish, roll back, download.",
        ),
    ]
)

state.arrive(page.title)
ready = False
with told("Refocus cannot start", "Fix this and reload the page."):
    workspace = opening.workspace()
    launch.ensure_worker(workspace)
    opening.warm_up()
    sidebar(workspace)
    ready = True
if ready:
    message = state.take_up()
    if message:
        wake = state.WAKE.get()
        st.toast(plain(message), icon=":material/info:" if wake.is_news else ":material/check:")
        wake.toast, wake.is_news = "", False
    page.run()
