"""What an import would make, before anything is stored: what was found, and what can be chosen."""

from typing import Any

import pandas as pd
import streamlit as st

from app import state
from app.components.kit.error_box import told
from app.components.kit.text import one_of, plain
from app.importing.dividing import NOTHING
from app.importing.dry_run import UNDIVIDED, Preview
from app.importing.name_encoding import ENCODINGS
from app.importing.options import ImportOptions
from app.jobs import launch
from app.services import imports
from app.workspace import Workspace
from db.imports import ImportRecord, get_import
from db.records import SPLITS

SHOWN = 3  # spellings named in a choice
DIVIDED = ""  # instead of a split
EMPTY_CLASS = "none"  # of images without any object


def dry_run_panel(ws: Workspace, record: ImportRecord) -> None:
    """Of one import that is being checked, or was."""
    preview = Preview.from_dict(record.preview or {})
    with st.container(border=True):
        what = "adding to" if record.adds else "importing"
        st.subheader(f"Before {what} “{plain(record.name)}”", icon=":material/fact_check:")
        facts = [plain(preview.format), one_of(preview.n_images, "new image" if preview.there else "image")]
        if preview.there:
            facts.append(f"{preview.there:,} already there")
        facts.append(one_of(preview.n_classes, "class", "classes"))
        st.caption(" · ".join([*facts, "nothing is stored yet"]))
        _progress(record)
        if preview.problem:
            st.warning(plain(preview.problem), icon=":material/warning:")
        left, right = st.columns([3, 2], gap="medium")
        with left:
            _classes(record, preview)
        with right:
            _choices(ws, record, preview)
        _notes(preview)
        _left_out(record, preview)
        _groups(record, preview)
        with st.container(horizontal=True, horizontal_alignment="right"):
            st.button(
                "Cancel",
                key=f"cancel_import_{record.id}",
                on_click=imports.cancel,
                args=(ws, record),
                disabled=record.cancel_requested,
            )
            st.button(
                "Add" if record.adds else "Import",
                key=f"start_import_{record.id}",
                type="primary",
                icon=":material/check:",
                disabled=bool(preview.problem),
                on_click=_start,
                args=(ws, record),
            )


def _progress(record: ImportRecord) -> None:
    if not record.active:
        return
    share = min(1.0, record.done / record.total) if record.total else 0.0
    doing = plain(record.doing) or "Starting"
    count = f": {record.done:,} of {record.total:,}" if record.total else ""
    st.progress(share, text=f"{doing}{count}. You can press Import before this check ends.")


def _classes(record: ImportRecord, preview: Preview) -> None:
    if not preview.classes:
        return
    splits = [split for split in (*SPLITS, UNDIVIDED) if any(split in row for row in preview.classes)]
    titles = {split: "Images" if split == UNDIVIDED else split.capitalize() for split in splits}
    st.dataframe(
        pd.DataFrame(
            {"Class": [row["name"] for row in preview.classes]}
            | {titles[split]: [row.get(split, 0) for row in preview.classes] for split in splits}
        ),
        hide_index=True,
        key=f"dry_classes_{record.id}",
        alt="Classes in order, with their images per split",
    )
    if preview.n_classes > len(preview.classes):
        st.caption(f"The first {len(preview.classes):,} of {preview.n_classes:,} classes.")
    if UNDIVIDED in splits:
        st.caption("No split is given: of each class 70 % train, 15 % validate and 15 % test.")


def _choices(ws: Workspace, record: ImportRecord, preview: Preview) -> None:
    """The widgets of those choices that make a difference here."""
    options = ImportOptions.from_dict(record.options)

    def again(field: str) -> dict[str, Any]:
        """Arguments of a widget whose choice changes the preview."""
        key = f"dry_{field}_{record.id}"
        return {"key": key, "on_change": _check_again, "args": (ws, record, field, key)}

    if preview.encoding or options.encoding:
        st.selectbox(
            "Names in the zip are written in",
            list(ENCODINGS),
            index=list(ENCODINGS).index(options.encoding or preview.encoding or "utf-8"),
            format_func=lambda name: ENCODINGS[name],
            **again("encoding"),
        )
    if preview.undivided:
        st.selectbox(
            "Images without a split",
            [DIVIDED, *SPLITS],
            index=[DIVIDED, *SPLITS].index(options.split),
            format_func=lambda split: f"come into {split}" if split else "are divided",
            help="Near-duplicates go to the split of the image that they resemble.",
            **again("split"),
        )
    if preview.columns:
        columns = [NOTHING, *preview.columns]
        chosen = options.keep_together or preview.keep_together or NOTHING
        st.selectbox(
            "Keep in one split",
            columns,
            index=columns.index(chosen) if chosen in columns else 0,
            format_func=lambda name: "near-duplicates only" if name == NOTHING else f"the same {name}",
            help="For example images of one patient or scene. Else a test image may show a patient that the "
            "model has learned.",
            **again("keep_together"),
        )
    if preview.inner_folders:
        st.toggle(
            "The innermost folder is the class",
            value=options.inner_folders,
            help=f"For example {', '.join(preview.inner_folders[:SHOWN])}."
            if preview.inner_folders
            else None,
            **again("inner_folders"),
        )
    if preview.empty:
        st.toggle(
            f"Take {one_of(preview.empty, 'image')} without any object",
            value=bool(options.empty_class),
            help=f"As a class of its own, “{EMPTY_CLASS}”: the model learns what shows none of the others. "
            "Else they are left out.",
            **again("empty_class"),
        )
    if preview.spellings or options.merge_case:
        names = "; ".join(" = ".join(group) for group in preview.spellings[:SHOWN])
        st.toggle(
            f"Join spellings of one class: {plain(names)}" if names else "Join spellings of one class",
            value=options.merge_case,
            **again("merge_case"),
        )
    if preview.natural_order:
        st.toggle(
            "Natural order of classes",
            value=options.natural_order,
            help=f"{', '.join(preview.natural_order[: 2 * SHOWN])}. Choose the order your own model has.",
            **again("natural_order"),
        )
    if preview.turned:
        st.toggle(
            "Annotations were made before the photographs were turned",
            value=options.turn_marks,
            help=f"{one_of(preview.turned, 'annotated photograph')} was taken with a turned camera. Say "
            "whether the annotations were made before the pictures were turned; where sizes differ, they "
            "tell.",
            **again("turn_marks"),
        )
    if preview.marks:
        st.segmented_control(
            f"Use {preview.marks}",
            [False, True],
            default=preview.marks_guide if options.guidance is None else options.guidance,
            format_func=lambda value: "as guidance" if value else "for evaluation only",
            key=_guidance_key(record),
            required=True,
            help="Guidance trains the model as drawings do. Else they only measure where it looks.",
        )


def _guidance_key(record: ImportRecord) -> str:
    return f"dry_guidance_{record.id}"


def _notes(preview: Preview) -> None:
    if preview.notes:
        st.markdown("\n".join(f"- {plain(note)}" for note in preview.notes))


def _left_out(record: ImportRecord, preview: Preview) -> None:
    if not preview.n_refused:
        return
    with st.expander(f"{one_of(preview.n_refused, 'file')} left out", icon=":material/block:"):
        st.dataframe(
            pd.DataFrame(preview.refused, columns=["File", "Reason"]),
            hide_index=True,
            key=f"dry_refused_{record.id}",
            column_config={"Reason": st.column_config.TextColumn(width="large")},
            alt="Files that would be left out, with the reason",
        )
        if preview.n_refused > len(preview.refused):
            st.caption(f"The first {len(preview.refused):,} are shown.")


def _groups(record: ImportRecord, preview: Preview) -> None:
    if not preview.groups:
        return
    with st.expander(f"Groups: {plain(', '.join(preview.groups))}", icon=":material/category:"):
        for column, values in preview.groups.items():
            st.dataframe(
                pd.DataFrame({column: list(values), "Images": list(values.values())}),
                hide_index=True,
                key=f"dry_group_{record.id}_{column}",
                alt=f"Images by {column}",
            )


def _check_again(ws: Workspace, record: ImportRecord, field: str, key: str) -> None:
    value = st.session_state[key]
    if field == "empty_class":
        value = EMPTY_CLASS if value else ""
    options = ImportOptions.from_dict({**record.options, field: value})
    with told("The files cannot be checked again", "Reload the page."):
        launch.start_import(ws, imports.check_again(ws, record, options).id)


def _start(ws: Workspace, record: ImportRecord) -> None:
    """A callback. It reads the choices itself: the last one may have come together with the click."""
    failed = f"Nothing was added to “{record.name}”" if record.adds else f"“{record.name}” was not imported"
    with told(failed, "Cancel it, and try again."):
        options = dict(get_import(ws.database, record.id).options)
        if (guide := st.session_state.get(_guidance_key(record))) is not None:
            options["guidance"] = bool(guide)
        started = imports.carry_on(ws, record, ImportOptions.from_dict(options))
        state.FOLLOWED_IMPORT.set(started.id)
        launch.start_import(ws, started.id)
