"""Attribution clusters of a model version: a list with cut-outs; one of them can be the queue."""

import re
from collections.abc import Sequence

import streamlit as st

from app import counts, resources, state
from app.components.annotate.queue_order import begin_anew
from app.components.kit.error_box import told
from app.components.kit.film_strip import Frame, Tone, film_strip
from app.components.kit.text import one_of, plain
from app.services import attribution_clusters, queue
from app.services.attribution_clusters import EvidenceGroup
from app.services.queue import LOOKED_AT, QueueItem
from app.state import PickedGroup
from app.workspace import Workspace
from db.records import ProjectRecord, VersionRecord

SHOWN = 7  # crops of a group
SIDE = 58  # of a crop, pixels
WIDTH, HEIGHT = 660, 480  # of the list, pixels: it lies over the page and scrolls in itself
ADDRESS = "evidence"  # in the page's address: version id, class position and number of the group picked


def picked_group(
    ws: Workspace, project: ProjectRecord, groups: Sequence[EvidenceGroup], image_id: int | None
) -> EvidenceGroup | None:
    """The group named in the page's address, or else the one picked before, if the version has it.

    Opening an image outside the group, from the Library or a link, leaves the group.
    """
    linked = re.fullmatch(r"(\d{1,18})-(\d{1,18})-(\d{1,18})", st.query_params.get(ADDRESS, ""))
    requested = PickedGroup(*map(int, linked.groups())) if linked else state.GROUP.get()
    version_id, picked = project.current_version_id, None
    if requested is not None and requested.version_id == version_id:
        picked = next(
            (group for group in groups if group.key == (requested.predicted, requested.number)), None
        )
    if picked is not None and image_id is not None:
        picked = picked if image_id in counts.evidence_members(ws, project, picked.key) else None
    _settle(version_id, picked)
    return picked


def group_panel(
    ws: Workspace,
    project: ProjectRecord,
    version: VersionRecord,
    groups: Sequence[EvidenceGroup],
    classes: Sequence[str],
    picked: EvidenceGroup | None,
) -> None:
    """A button that unfolds the groups over the page, and the way back to all images when one is picked.

    classes: names by position. Nothing for a single group: it would be all images again.
    """
    if len(groups) < 2:
        return
    state.GROUPS_OPEN.get()
    unfolded = st.popover(
        "Kinds of evidence", icon=":material/category:", key=state.GROUPS_OPEN.name, on_change="rerun"
    )
    if picked is not None:
        st.button(
            "All images",
            key="annotate_all_images",
            icon=":material/close:",
            type="tertiary",
            on_click=_pick,
            args=(version.id, None),
        )
    if unfolded.open:  # crops are computed only when the list is open
        with unfolded, st.container(width=WIDTH, height=HEIGHT, border=False):
            st.caption(
                "Each row: images that the model decides by similar evidence, the most suspicious first. The "
                "cut-outs show the strongest evidence."
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
    members = counts.evidence_members(ws, project, group.key)
    ids = attribution_clusters.first_members(orders, members, SHOWN)
    return queue.read(ws, project.current_version_id, ids, classes)


def _entry(
    ws: Workspace,
    version: VersionRecord,
    group: EvidenceGroup,
    items: Sequence[QueueItem],
    *,
    is_picked: bool,
) -> None:
    name = "_".join(map(str, group.key))
    st.markdown(plain(group.sentence))
    strip, action = st.columns([0.74, 0.26], vertical_alignment="center", gap="small")
    with strip:
        frames = [_frame(ws, version, group, item) for item in items]
        film_strip(frames, key=f"evidence_strip_{name}", side=SIDE)
    if is_picked:
        label = "Shown now"
    elif group.counts.training:
        label = f"Draw on {one_of(group.counts.training, 'image')}"
    else:
        label = f"Look at {one_of(group.counts.images, 'image')}"
    action.button(
        label,
        key=f"annotate_group_{name}",
        disabled=is_picked,
        width="stretch",
        on_click=_pick,
        args=(version.id, group),
    )


def _frame(ws: Workspace, version: VersionRecord, group: EvidenceGroup, item: QueueItem) -> Frame:
    tone: Tone = "right" if item.predicted in item.image.positions else "wrong"
    crop = resources.evidence_crop(ws, version, item.image, group.key[0], 2 * SIDE)
    return Frame(item.image.id, crop, f"{item.image.name}: {item.reason}", tone=tone, ticked=item.guided)


def _pick(version_id: int, group: EvidenceGroup | None) -> None:
    """Callback, before the page is drawn again: start a new queue."""
    _settle(version_id, group)
    state.GROUPS_OPEN.set(False)
    state.QUEUE_SPLIT.set("train")
    begin_anew()


def leave_group() -> None:
    """The queue holds all images again."""
    _settle(None, None)


def _settle(version_id: int | None, group: EvidenceGroup | None) -> None:
    """Store the group in the session for other pages, and in the address for a reload or a link."""
    if group is None or version_id is None:
        state.GROUP.set(None)
        st.query_params.pop(ADDRESS, None)
    else:
        state.GROUP.set(PickedGroup(version_id, *group.key))
        st.query_params[ADDRESS] = "-".join(map(str, (version_id, *group.key)))
