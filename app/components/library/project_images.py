"""The images of one project: counts, groups, thumbnails, refusals."""

from collections.abc import Iterable, Sequence

import pandas as pd
import streamlit as st

from app import counts, resources, state
from app.components.kit.film_strip import MARKS, Frame, Mark, film_strip, in_words
from app.components.kit.text import names_at, one_of
from app.components.library.moving import choose, choosing_row, chosen_images
from app.services.library import ProjectOverview
from app.workspace import Workspace
from db import library
from db.marks import read_marks
from db.records import SPLITS, ProjectRecord

PER_PAGE = 32
ALL = -1  # of the class filter


def counts_table(overview: ProjectOverview) -> None:
    """Images per class and split."""
    frame = pd.DataFrame(
        {"Class": [item.name for item in overview.classes]}
        | {split.capitalize(): list(overview.counts[split]) for split in SPLITS}
    )
    frame["Total"] = frame[[split.capitalize() for split in SPLITS]].sum(axis=1)
    st.dataframe(frame, hide_index=True, key="counts_table", alt="Images per class and split")


def groups_tables(overview: ProjectOverview) -> None:
    """Images per value of each known attribute."""
    if not overview.groups:
        st.caption(
            "No groups. Add a column such as place to an index.csv, and Compare shows the accuracy of each "
            "group."
        )
        return
    for attribute, values in overview.groups.items():
        st.dataframe(
            pd.DataFrame({attribute.capitalize(): list(values), "Images": list(values.values())}),
            hide_index=True,
            key=f"group_table_{attribute}",
            alt=f"Images by {attribute}",
        )


def thumbnails(ws: Workspace, project: ProjectRecord, overview: ProjectOverview) -> int | None:
    """One page of thumbnails of a split; returns the id of the image that is to be opened."""
    state.LIBRARY_SPLIT.get()
    state.LIBRARY_CLASS.get()
    names = {item.position: item.name for item in overview.classes}
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "Split",
            SPLITS,
            format_func=str.capitalize,
            key=state.LIBRARY_SPLIT.name,
            required=True,
            label_visibility="collapsed",
            persist_state="session",
        )
        st.selectbox(
            "Class",
            [ALL, *names],
            format_func=lambda value: "All classes" if value == ALL else names.get(value, "?"),
            key=state.LIBRARY_CLASS.name,
            label_visibility="collapsed",
            width=170,
        )
        choosing = st.toggle(
            "Choose images",
            key=state.CHOOSING.name,
            help="Click on images to move them to another split.",
            on_change=state.CHOSEN_IMAGES.set,
            args=((project.id, frozenset()),),
        )
    split, position = state.LIBRARY_SPLIT.get(), state.LIBRARY_CLASS.get()
    count = overview.images[split] if position == ALL else overview.counts[split][position]
    if not count:
        of_class = "" if position == ALL else " of this class"
        st.caption(f"No images{of_class} in the {split} split.")
        return None
    pages = -(-count // PER_PAGE)
    number = min(state.LIBRARY_PAGE.peek(), pages)
    shown = counts.images(
        ws,
        project,
        split,
        None if position == ALL else position,
        limit=PER_PAGE,
        offset=(number - 1) * PER_PAGE,
    )
    chosen = chosen_images(project) if choosing else frozenset()
    if choosing:
        choosing_row(ws, project, shown, list(overview.groups))
    done = read_marks(ws.database, [image.id for image in shown])
    marks: dict[int, tuple[Mark, ...]] = {
        image.id: (*(("chosen",) if image.id in chosen else ()), *done.get(image.id, ())) for image in shown
    }
    picked = film_strip(
        [
            Frame(
                id=image.id,
                jpeg=picture,
                title=f"{image.name}: {'choose' if choosing else 'open in Annotate'}. "
                f"{in_words(marks[image.id])}".rstrip(),
                caption="/".join((names_at(image.positions, names), *image.groups.values())),
                tone="right" if image.id in chosen else "plain",
                marks=marks[image.id],
            )
            for image, picture in zip(shown, resources.thumbnails(ws, shown), strict=True)
        ],
        key="library_images",
        side=96,
        grid=True,
    )
    _legend(marks.values())
    if pages > 1:
        st.pagination(pages, key=state.LIBRARY_PAGE.name)
    if choosing and picked is not None:  # to be moved, not to be opened
        choose(project, picked)
        st.rerun()
    return picked


def _legend(marks: Iterable[Sequence[Mark]]) -> None:
    """What the marks on this page mean; nothing without any."""
    shown = {mark for of_image in marks for mark in of_image} - {"chosen"}
    if shown:
        st.caption(
            " · ".join(f":material/{icon}: {says}" for mark, (icon, says) in MARKS.items() if mark in shown)
        )


def refusals_table(ws: Workspace, project: ProjectRecord) -> None:
    """Files that the import refused, and why."""
    refused = library.list_refusals(ws.database, project.id)
    st.caption(f"{one_of(len(refused), 'file')} refused; everything else was imported.")
    st.dataframe(
        pd.DataFrame({"File": [item.name for item in refused], "Reason": [item.reason for item in refused]}),
        hide_index=True,
        key="refusals_table",
        column_config={"Reason": st.column_config.TextColumn(width="large")},
        alt="Refused files with the reason",
    )
