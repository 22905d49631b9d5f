"""The evidence groups of a model version: what each rests on, and one of them as the queue."""

import re
from collections.abc import Mapping, Sequence

import streamlit as st

from app import resources, state
from app.components.kit.error_box import told
from app.components.kit.film_strip import Frame, Tone, film_strip
from app.components.kit.text import one_of, plain
from app.services.annotation import QueueItem
from app.services.attribution_clusters import EvidenceGroup
from app.state import PickedGroup
from app.workspace import Workspace
from db.records import VersionRecord

SHOWN = 7  # crops of a group
SIDE = 58  # of a crop, pixels
WIDTH, HEIGHT = 660, 480  # of the list, pixels: it lies over the page and scrolls in itself
ADDRESS = "evidence"  # in the page's address: version id, class position and number of the group picked


def picked_group(
    version_id: int | None, groups: Sequence[EvidenceGroup], image_id: int | None
) -> EvidenceGroup | None:
    """The group that the page's address names, or else the one picked before, as long as the version has it.

    Somebody who opens an image outside it, from the Library or a link, has left it.
    """
    linked = re.fullmatch(r"(\d{1,18})-(\d{1,18})-(\d{1,18})", st.query_params.get(ADDRESS, ""))
    wanted = PickedGroup(*map(int, linked.groups())) if linked else state.GROUP.get()
    found = None
    if wanted is not None and wanted.version_id == version_id:
        found = next((group for group in groups if group.key == (wanted.predicted, wanted.number)), None)
    if found is not None and image_id is not None and image_id not in found.image_ids:
        found = None
    _settle(version_id, found)
    return found


def group_panel(
    ws: Workspace,
    version: VersionRecord,
    groups: Sequence[EvidenceGroup],
    items: Mapping[int, QueueItem],
    picked: EvidenceGroup | None,
) -> None:
    """A button that unfolds the groups over the page, and the way back to all images when one is picked.

    items: the images of the groups, by id. Nothing for a single group: it would be all images again.
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
    if unfolded.open:  # crops are made only for those who look at them
        with unfolded, st.container(width=WIDTH, height=HEIGHT, border=False):
            st.caption(
                "Images that are decided by the same kind of evidence, the most suspicious kind first. "
                "Each picture is cut out around the place that speaks most for the class."
            )
            with told("The kinds of evidence cannot be shown", "Drawing on all images still works."):
                for group in groups:
                    _entry(ws, version, group, items, is_picked=group == picked)


def _entry(
    ws: Workspace,
    version: VersionRecord,
    group: EvidenceGroup,
    items: Mapping[int, QueueItem],
    *,
    is_picked: bool,
) -> None:
    name = "_".join(map(str, group.key))
    st.markdown(plain(group.sentence))
    strip, action = st.columns([0.74, 0.26], vertical_alignment="center", gap="small")
    with strip:
        frames = [_frame(ws, version, group, items[image_id]) for image_id in group.image_ids[:SHOWN]]
        film_strip(frames, key=f"evidence_strip_{name}", side=SIDE)
    if is_picked:
        label = "Shown now"
    elif group.training:
        label = f"Draw on {one_of(group.training, 'training image')}"
    else:
        label = f"Look at {one_of(len(group.image_ids), 'image')}"
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
    crop = resources.evidence_crop(ws, version, item.image, group.predicted, 2 * SIDE)
    return Frame(item.image.id, crop, f"{item.image.name}: {item.reason}", tone=tone, ticked=item.guided)


def _pick(version_id: int, group: EvidenceGroup | None) -> None:
    """Before the page is drawn again: its queue begins anew."""
    _settle(version_id, group)
    state.GROUPS_OPEN.set(False)
    state.QUEUE_SPLIT.set("train")
    state.QUEUE.set(None)
    state.IMAGE.set(None)
    st.query_params.pop("image", None)


def leave_group() -> None:
    """The queue holds all images again."""
    _settle(None, None)


def _settle(version_id: int | None, group: EvidenceGroup | None) -> None:
    """In the session for other pages' sake, in the address for a reload or a link sent to a colleague."""
    if group is None or version_id is None:
        state.GROUP.set(None)
        st.query_params.pop(ADDRESS, None)
    else:
        state.GROUP.set(PickedGroup(version_id, *group.key))
        st.query_params[ADDRESS] = f"{version_id}-{group.predicted}-{group.number}"
