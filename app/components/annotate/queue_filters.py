"""What the queue is narrowed to: chosen in a menu, shown as chips that take it away, kept in the address."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from app import counts, state
from app.components.annotate.queue_order import begin_anew
from app.components.kit.text import one_of, plain
from app.services.image_map import Area
from app.services.queue_address import (
    EVERYTHING,
    PARAMETERS,
    from_address,
    in_words,
    per_cent,
    to_address,
    without,
)
from app.state import PickedGroup
from app.workspace import Workspace
from db.people import LOCAL_USER
from db.queue_filters import QueueFilter
from db.records import ProjectRecord

WIDTH = 330  # of the menu, pixels
EVIDENCE = "evidence"  # parameter of the suggestion, kind of evidence or area of the map


def linked_queue() -> dict[str, str] | None:
    """What the page's address says of the queue, where somebody has changed it; None where the page did."""
    given = _given()
    if not given and "image" not in st.query_params:
        return None  # as another page leaves it
    return given if state.FILTER_ADDRESS.get().is_news(tuple(given.items())) else None


def filters_in_use(
    project: ProjectRecord, linked: dict[str, str] | None, classes: Sequence[str], *, any_doubtful: bool
) -> QueueFilter:
    """Those of a link, else those chosen before in this project. classes: names by position.

    Without doubtful labels all images come back.
    """
    of_project, wanted = state.FILTERS.get()
    if linked is not None:
        wanted = from_address(linked, classes)
    elif of_project != project.id:
        wanted = EVERYTHING
    wanted = replace(wanted, doubtful=wanted.doubtful and any_doubtful)
    state.FILTERS.set((project.id, wanted))
    return wanted


def write_address(wanted: QueueFilter, picked: PickedGroup | Area | None, classes: Sequence[str]) -> None:
    """Say in the page's address what the queue is narrowed to."""
    values = to_address(wanted, classes) | ({} if picked is None else {EVIDENCE: picked.code})
    written = {name: values[name] for name in (*PARAMETERS, EVIDENCE) if name in values}
    state.FILTER_ADDRESS.get().write(tuple(written.items()))
    given = _given()
    for name in {*given, *written}:
        if name not in written:
            del st.query_params[name]
        elif written[name] != given.get(name):
            st.query_params[name] = written[name]


def _given() -> dict[str, str]:
    return {name: st.query_params[name] for name in (*PARAMETERS, EVIDENCE) if name in st.query_params}


def narrow(project_id: int, wanted: QueueFilter) -> None:
    """A callback: the next run shows this queue, at the image on screen if that is in it."""
    state.FILTERS.set((project_id, wanted))
    if state.IMAGE.get() is not None:
        state.STAY.set(state.IMAGE.get())
    begin_anew()


def filter_menu(ws: Workspace, project: ProjectRecord, wanted: QueueFilter, classes: Sequence[str]) -> None:
    """A button that unfolds all filters over the page; each narrows the queue at once."""
    state.FILTERS_OPEN.get()
    menu = st.popover(
        "Filter",
        icon=":material/filter_alt:",
        type="tertiary",
        key=state.FILTERS_OPEN.name,
        on_change="rerun",
    )
    if not menu.open:
        return
    names = dict(enumerate(classes))
    groups = {
        pair: "{}: {}".format(*pair)
        for pair in ((name, value) for name, values in counts.groups(ws, project).items() for value in values)
    }
    with menu, st.container(width=WIDTH):
        _choice("Class", "label", names, project, wanted)
        if project.current_version_id is not None:
            _choice("Predicted class", "predicted", names, project, wanted)
            _choice("Prediction", "right", {True: "Correct", False: "Wrong"}, project, wanted)
            _confidence(project, wanted)
        if groups:
            _choice("Group", "group", groups, project, wanted)
        _choice("Drawing", "guided", {True: "Guided", False: "Not guided"}, project, wanted)
        if ws.user.id != LOCAL_USER.id:
            _toggle("Guided by others only", "others", project, wanted)
        with st.container(horizontal=True):
            _toggle("Unsaved", "unsaved", project, wanted)
            _toggle("Moved to the end", "skipped", project, wanted)


def chips(project: ProjectRecord, wanted: QueueFilter, classes: Sequence[str]) -> None:
    """A button for each filter, which takes it away."""
    for field, words in in_words(wanted, classes).items():
        st.button(
            plain(words),
            key=f"annotate_without_{field}",
            icon=":material/close:",
            help="Take this filter away.",
            on_click=narrow,
            args=(project.id, without(wanted, field)),
        )


def nothing_matches(
    project: ProjectRecord,
    wanted: QueueFilter,
    classes: Sequence[str],
    *,
    group: str | None,
    count: Callable[[QueueFilter, bool], int],
    leave_group: Callable[[], None],
) -> None:
    """Which filter to take away for how many images.

    group: what else narrows the queue, if anything does; count: images that meet a filter, within the group
    or not.
    """
    words = in_words(wanted, classes)
    ways: list[tuple[str, int, Callable[..., None], tuple[Any, ...]]] = [
        (said, count(without(wanted, field), True), narrow, (project.id, without(wanted, field)))
        for field, said in words.items()
    ]
    if group is not None:
        ways.append((group, count(wanted, False), leave_group, ()))
    helping = [way for way in ways if way[1]]
    st.caption("Take one filter away:" if helping else "Removing one filter is not enough.")
    with st.container(horizontal=True):
        for number, (said, images, take_away, args) in enumerate(helping):
            st.button(
                f"{plain(said)} :gray[→ {one_of(images, 'image')}]",
                key=f"annotate_take_away_{number}",
                icon=":material/close:",
                on_click=take_away,
                args=args,
            )
        st.button("All images", key="annotate_everything", on_click=_everything, args=(project.id,))


def _everything(project_id: int) -> None:
    state.GROUP.set(None)
    narrow(project_id, EVERYTHING)


def _choice(
    title: str, field: str, options: dict[Any, str], project: ProjectRecord, wanted: QueueFilter
) -> None:
    key, value = f"annotate_filter_{field}", getattr(wanted, field)
    st.session_state[key] = value  # a chip may have taken it away
    others = [] if value is None or value in options else [value]  # from an old link
    st.selectbox(
        title,
        [*options, *others],
        index=None,
        format_func=lambda value: options.get(value, "?"),
        placeholder="Any",
        key=key,
        on_change=_chosen,
        args=(key, field, project.id, wanted),
    )


def _toggle(title: str, field: str, project: ProjectRecord, wanted: QueueFilter) -> None:
    key = f"annotate_filter_{field}"
    st.session_state[key] = getattr(wanted, field)
    st.toggle(title, key=key, on_change=_chosen, args=(key, field, project.id, wanted))


def _confidence(project: ProjectRecord, wanted: QueueFilter) -> None:
    key = "annotate_filter_confidence"
    st.session_state[key] = per_cent(wanted.confidence or (0.0, 1.0))
    st.slider(
        "Confidence", 0, 100, format="%d %%", key=key, on_change=_limited, args=(key, project.id, wanted)
    )


def _chosen(key: str, field: str, project_id: int, wanted: QueueFilter) -> None:
    narrow(project_id, replace(wanted, **{field: st.session_state[key]}))


def _limited(key: str, project_id: int, wanted: QueueFilter) -> None:
    low, high = st.session_state[key]
    limits = None if (low, high) == (0, 100) else (low / 100, high / 100)
    narrow(project_id, replace(wanted, confidence=limits))
