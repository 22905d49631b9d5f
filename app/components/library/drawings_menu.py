"""Saved drawings out of a project, in the format of another tool, and drawings or annotations into it."""

import streamlit as st

from app import state
from app.components.kit.error_box import told
from app.components.kit.preparation import Download, preparation_button, preparation_progress
from app.components.kit.text import file_name, one_of, plain
from app.exporting import EXPORTS, drawings
from app.exporting.guided_images import load
from app.importing.add_guidance import GuidanceReport
from app.jobs.preparing import Request
from app.services import adding, whose_drawings
from app.services.project_masks import FILE as MASKS
from app.workspace import Workspace
from db.people import LATEST, LOCAL_USER
from db.records import ProjectRecord

_BY_TITLE = {export.TITLE: export for export in EXPORTS}
_TOLD = 3  # refused files that are named


def drawings_menu(ws: Workspace, project: ProjectRecord, n_guided: int) -> None:
    """`n_guided`: images with drawings. Annotators take them away only; without any there is no menu."""
    if not n_guided and not ws.user.may("maintainer"):
        return
    with st.popover("Drawings", icon=":material/draw:"):
        if n_guided:
            title = st.selectbox("Download as", list(_BY_TITLE), key="export_format")
            st.caption(_BY_TITLE[title].LACKS)
            if ws.user.id != LOCAL_USER.id or project.whose != LATEST:
                words = whose_drawings.in_words(ws, project.whose)
                st.caption(f"Where several people have drawn: {plain(words)}.")
            download_drawings(ws, project, key="download_drawings", title=title)
            st.space("small")
            _masks(ws, project)
            st.space("small")
        if not ws.user.may("maintainer"):
            return
        upload = st.file_uploader(
            "Add drawings or annotations to these images",
            type="zip",
            key="added_drawings",
            help="Drawings of Refocus, COCO, Pascal VOC, YOLO, Label Studio, CVAT or masks. Images are found "
            "by name, else by content. Boxes, polygons and masks become *look here*. Existing drawings stay.",
        )
        asked = st.button(
            "Add",
            key="add_drawings",
            icon=":material/add:",
            disabled=upload is None,
            help="Choose a zip first." if upload is None else None,
        )
        if asked and upload is not None:
            with told("No drawing was added", "Choose another file."):
                report = adding.add_drawings(ws, project.id, upload)
                state.IMPORT_NOTES.set(_sentences(report))
                st.rerun()


def _masks(ws: Workspace, project: ProjectRecord) -> None:
    request = Request("masks", project.id, version_id=0)
    download = Download(
        MASKS, "Download masks", f"{file_name(project.name)}-masks.zip", mime="application/zip"
    )
    preparation_button(
        ws,
        request,
        "Make masks of all images",
        (download,),
        key="masks",
        help="Palette PNGs as Pascal VOC has them, and COCO. Images that nobody has drawn on get a proposed "
        "outline; index.csv says which.",
    )
    preparation_progress(ws, request, "The masks were not made")


def download_drawings(
    ws: Workspace, project: ProjectRecord, *, key: str, title: str = drawings.TITLE
) -> None:
    """A button that gives all saved drawings as a zip."""
    st.download_button(
        "Download drawings",
        data=lambda: _BY_TITLE[title].pack(load(ws, project.id)),
        file_name=f"{file_name(project.name)}-{file_name(title)}{_whose(ws, project)}.zip",
        mime="application/zip",
        key=key,
        icon=":material/download:",
        on_click="ignore",
    )


def _whose(ws: Workspace, project: ProjectRecord) -> str:
    if project.whose.rule == "person":
        return f"-{file_name(whose_drawings.in_words(ws, project.whose))}"
    return "" if project.whose == LATEST else f"-{project.whose.rule}"


def _sentences(report: GuidanceReport) -> tuple[str, ...]:
    sentences = [f"{report.title}: {one_of(report.added, 'drawing')} added."]
    if report.there:
        sentences.append(f"{one_of(report.there, 'image')} had a drawing already, which stayed.")
    if report.refused:
        sentences.append(f"{one_of(len(report.refused), 'entry', 'entries')} left out, for example:")
        sentences += [f"{refusal.name}: {refusal.reason}" for refusal in report.refused[:_TOLD]]
    return (*sentences, *report.notes)
