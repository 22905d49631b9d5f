"""Models: every version; publish, roll back, download."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app import counts, opening
from app.components.compare.report_download import report_button, report_progress
from app.components.kit.empty import empty_state
from app.components.kit.error_box import told
from app.components.kit.number_format import of_n, percent
from app.components.kit.preparation import Download, preparation_button, preparation_progress
from app.components.kit.text import ago, file_name, listed, plain
from app.components.runs.publishing import publish_button
from app.components.sidebar import chosen_project
from app.jobs.preparing import Request
from app.services import publishing
from app.services.own_format import own_format
from app.workspace import Workspace
from db import versions
from db.records import ProjectRecord, Split, VersionRecord


def models_page(ws: Workspace) -> None:
    project = chosen_project(ws)
    if project is None:
        empty_state(
            "deployed_code",
            "No project yet",
            "Start the demo or import your own images.",
            page="views/library.py",
            action="Open the Library",
            key="models_to_library",
        )
        return
    all_versions = versions.list_versions(ws.database, project.id)
    if not all_versions:
        empty_state(
            "deployed_code",
            "No model yet",
            "Press “Train first model” in the sidebar. It learns the classes from your labels.",
        )
        return
    st.caption(
        "Annotate shows the maps and queue of the published version. A retrain that is worse on validation "
        "images is stored but not published. Every quick retrain starts from the last non-quick model and "
        "uses all saved guidance. Rolling back deletes nothing. All figures: validation images."
    )
    by_id = {version.id: version for version in all_versions}
    unpublished = publishing.kept_versions(ws, project.id)
    for version in reversed(all_versions):
        _card(ws, project, version, by_id.get(version.parent_id or 0), unpublished.get(version.id))


def _card(
    ws: Workspace,
    project: ProjectRecord,
    version: VersionRecord,
    origin: VersionRecord | None,
    not_published_because: str | None,
) -> None:
    path = ws.files.absolute(version.path)
    request = Request("bundle", project.id, version.id)
    with st.container(border=True, key=f"version_{version.id}"):
        name, accuracy, worst, published = st.columns([2.2, 1.7, 1.7, 1.9])
        with name.container(gap="xxsmall"):
            st.markdown(f"**Version {version.number}** :small[:gray[{ago(version.created_at)}]]")
            st.caption(
                (f"from version {origin.number}" if origin else _start_of(project))
                + (f" · {plain(version.note)}" if version.note else "")
            )
            if not_published_because is not None and version.id != project.current_version_id:
                st.markdown(f":orange[:small[{plain(not_published_because)}]]")
        figures = counts.report(ws, project, version.id, "validation")
        with accuracy.container(gap=None):
            if figures.precisions:
                st.metric("mAP", percent(figures.mean_precision))
            else:
                st.metric("Accuracy", percent(figures.overall.accuracy))
            st.caption(of_n(figures.overall))
        with worst.container(gap=None):
            group = figures.worst_group or figures.worst_group_any
            if group is None and figures.weakest_class is not None:
                st.metric("Weakest class", percent(figures.weakest_class[1]))
                st.caption(f"{plain(figures.weakest_class[0])}, average precision")
            else:
                st.metric("Worst group", percent(group.score.accuracy if group else None))
                st.caption(f"{plain(group.name)}, n = {group.score.n}" if group else "no images")
        with published:
            publish_button(ws, project, version, key=f"publish_{version.id}")
        with st.container(horizontal=True):
            st.download_button(
                "Model file",
                data=_reader(path),
                file_name=f"{file_name(project.name)}-v{version.number}.safetensors",
                mime="application/octet-stream",
                key=f"download_{version.id}",
                icon=":material/download:",
                on_click="ignore",
                disabled=not path.is_file(),
                help="Weights and description as safetensors, for Refocus."
                if path.is_file()
                else "The file is missing from the data folder.",
            )
            _own_format(ws, project, version, path)
            bundle_name = f"{file_name(project.name)}-v{version.number}-bundle.zip"
            preparation_button(
                ws,
                request,
                "Make bundle",
                (Download("bundle.zip", "Bundle", bundle_name, "application/zip"),),
                key=f"bundle_{version.id}",
                help="For other programs: ONNX and torch.export with logits and maps, weights, classes, "
                "preprocessing, a model card, and a program that needs ONNX Runtime alone.",
            )
            split = _reported(ws, project, version)
            if origin is not None:
                report_button(ws, project, origin, version, split, key=f"report_{version.id}")
        preparation_progress(ws, request, f"The bundle of version {version.number} was not made")
        if origin is not None:
            report_progress(ws, project, origin, version, split)


def _reported(ws: Workspace, project: ProjectRecord, version: VersionRecord) -> Split:
    """What a report is counted on: test images, which chose nothing; without any, validation images."""
    return "test" if counts.report(ws, project, version.id, "test").overall.n else "validation"


def _own_format(ws: Workspace, project: ProjectRecord, version: VersionRecord, path: Path) -> None:
    """The checkpoint as it came, of a model that somebody brought."""
    if project.given_model is None or not path.is_file():
        return
    with told("The checkpoint cannot be given back", "The model file can still be downloaded."):
        checkpoint = own_format(ws, version)
        without = f" Without {listed(list(checkpoint.left_out))}." if checkpoint.left_out else ""
        st.download_button(
            "In your own format",
            data=checkpoint.content,
            file_name=f"{file_name(project.name)}-v{version.number}{checkpoint.suffix}",
            mime="application/octet-stream",
            key=f"own_format_{version.id}",
            icon=":material/undo:",
            on_click="ignore",
            help=f"The weights in the format in which you brought them: same keys, same precision.{without}",
        )


def _start_of(project: ProjectRecord) -> str:
    return project.backbone if project.given_model is not None else "from the packaged backbone"


def _reader(path: Path) -> Callable[[], bytes]:
    """Read only when the button is pressed, and only then kept in memory."""
    return path.read_bytes


st.header("Models", anchor=False)
with told("The model versions cannot be shown", "Reload the page."):
    models_page(opening.workspace())
