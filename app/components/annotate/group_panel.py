"""Suggestions and attribution clusters of a model version in a list; one of them can be the queue."""

from collections.abc import Sequence

import streamlit as st

from app import counts, resources, state
from app.components.annotate.queue_filters import EVIDENCE, narrow
from app.components.annotate.queue_order import begin_anew
from app.components.annotate.suggestion_list import Suggested, suggestion_list, watch
from app.components.kit.error_box import told
from app.components.kit.film_strip import Frame, Mark, Tone, film_strip
from app.components.kit.text import one_of, plain
from app.services import attribution_clusters, queue
from app.services.attribution_clusters import EvidenceGroup
from app.services.image_map import Area, AreaImages
from app.services.queue import QueueItem
from app.services.queue_address import EVERYTHING
from app.services.suggestions import Suggestion
from app.state import PickedGroup, View
from app.workspace import Workspace
from db.queue_filters import LOOKED_AT
from db.records import ProjectRecord, VersionRecord

SHOWN = 7  # crops of a group
SIDE = 58  # of a crop, pixels
WIDTH, HEIGHT = 660, 480  # of the list, pixels: it lies over the page and scrolls in itself

Listed = EvidenceGroup | Suggestion
Choice = Listed | AreaImages


def picked_group(
    ws: Workspace, project: ProjectRecord, groups: Sequence[Listed], linked: dict[str, str] | None
) -> Choice | None:
    """The group, suggestion or area of a link, else the one picked before, if the version has it."""
    requested = state.GROUP.get()
    picked: Choice | None = None
    if linked is not None:
        code = linked.get(EVIDENCE, "")
        requested = PickedGroup.from_code(code) or Area.from_code(code)
    if requested is not None and requested.version_id == project.current_version_id:
        if isinstance(requested, Area):
            picked = counts.area_images(ws, project, requested)
        else:
            key = requested.predicted, requested.number
            picked = next((group for group in groups if group.key == key), None)
    state.GROUP.set(requested if picked is not None else None)
    return picked


def group_panel(
    ws: Workspace,
    project: ProjectRecord,
    version: VersionRecord,
    groups: Sequence[EvidenceGroup],
    suggested: Suggested,
    classes: Sequence[str],
    picked: Choice | None,
) -> None:
    """A button that unfolds suggestions and groups over the page.

    classes: names by position. Nothing for a single group: it would be all images again.
    """
    if suggested.working:
        watch(ws, project)
    if len(groups) < 2 and not suggested.found and not suggested.working:
        return
    state.GROUPS_OPEN.get()
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
        unfolded = st.popover(  # of one name always: under another, Streamlit would close it
            "Possible shortcuts", icon=":material/category:", key=state.GROUPS_OPEN.name, on_change="rerun"
        )
        if suggested.found:
            st.badge(f"{len(suggested.found)} suggested", color="orange")
    if unfolded.open:  # crops are computed only when the list is open
        with unfolded, st.container(width=WIDTH, height=HEIGHT, border=False):
            for suggestion in suggestion_list(ws, project, suggested, classes):
                _button(suggestion, version.id, is_picked=suggestion == picked)
            if len(groups) < 2:
                return
            st.caption(
                "**Kinds of evidence.** Each row: images that the model decides by similar evidence, most "
                "suspicious first. The cut-outs show the strongest evidence."
            )
            with told("The kinds of evidence cannot be shown", "Drawing still works."):
                for group in groups:
                    items = _first_of(ws, project, group, classes)
                    _entry(ws, version, group, items, is_picked=group == picked)


def _first_of(
    ws: Workspace, project: ProjectRecord, group: EvidenceGroup, classes: Sequence[str]
) -> list[QueueItem]:
    """Training images first, each split in the order of its queue."""
    orders = [counts.queue_order(ws, project, split) for split in LOOKED_AT]
    ids = attribution_clusters.first_members(orders, members(ws, project, group), SHOWN)
    return queue.read(ws, project.current_version_id, ids, classes)


def _entry(
    ws: Workspace,
    version: VersionRecord,
    group: EvidenceGroup,
    items: Sequence[QueueItem],
    *,
    is_picked: bool,
) -> None:
    st.markdown(plain(group.sentence))
    strip, action = st.columns([0.74, 0.26], vertical_alignment="center", gap="small")
    with strip:
        frames = [_frame(ws, version, group, item) for item in items]
        film_strip(frames, key=f"evidence_strip_{_name(group)}", side=SIDE)
    with action:
        _button(group, version.id, is_picked=is_picked)


def group_chip(project: ProjectRecord, picked: Choice) -> None:
    """A button that takes the group away."""
    st.button(
        what_it_is(picked),
        key="annotate_all_images",
        icon=":material/close:",
        help="Show all images again.",
        on_click=leave_group,
        args=(project.id,),
    )


def what_it_is(choice: Choice) -> str:
    if isinstance(choice, AreaImages):
        return "Area of the map"
    return "Possible shortcut" if isinstance(choice, Suggestion) else "Kind of evidence"


def _button(choice: Listed, version_id: int, *, is_picked: bool) -> None:
    """Opens it as the queue."""
    if is_picked:
        label = "Shown now"
    elif choice.training:
        label = f"Draw on {one_of(choice.training, 'image')}"
    else:
        label = f"Look at {one_of(choice.images, 'image')}"
    st.button(
        label,
        key=f"annotate_group_{_name(choice)}",
        disabled=is_picked,
        width="stretch",
        on_click=_pick,
        args=(PickedGroup(version_id, *choice.key),),
    )


def _name(choice: Listed) -> str:
    """Of it, within its version."""
    return "_".join("s" if part is None else str(part) for part in choice.key)


def members(ws: Workspace, project: ProjectRecord, choice: Choice) -> frozenset[int]:
    """Ids of its images; none of the test split."""
    if isinstance(choice, Suggestion | AreaImages):
        return frozenset(choice.image_ids)
    return counts.evidence_members(ws, project, choice.key)


def _frame(ws: Workspace, version: VersionRecord, group: EvidenceGroup, item: QueueItem) -> Frame:
    tone: Tone = "right" if item.predicted in item.image.positions else "wrong"
    crop = resources.evidence_crop(ws, version, item.image, group.key[0], 2 * SIDE)
    marks: tuple[Mark, ...] = ("guided",) if item.guided else ()
    return Frame(item.image.id, crop, f"{item.image.name}: {item.reason}", tone=tone, marks=marks)


def _pick(group: PickedGroup | Area) -> None:
    """Callback, before the page is drawn again: start the queue of all its images."""
    state.FILTERS.set((state.FILTERS.get()[0], EVERYTHING))
    state.GROUP.set(group)
    state.GROUPS_OPEN.set(False)
    state.QUEUE_SPLIT.set("train")
    begin_anew()


def pick_area(images: AreaImages, view: View) -> None:
    """A callback: an area of the map is the queue, in another view."""
    _pick(images.area)
    state.WAKE.get().view = view


def leave_group(project_id: int) -> None:
    """Callback: the queue is not narrowed to a group any more."""
    state.GROUP.set(None)
    narrow(project_id, state.FILTERS.get()[1])
