"""Two menus under the canvas: the regions one by one, and how photograph and map are shown."""

from collections.abc import Callable

import streamlit as st

from app import state
from app.drawing.draft import Draft
from app.drawing.regions import covered_shares
from db.records import ImageRecord, RegionRecord, Role, Shape

LISTED = 8  # regions in the list
ROLES: dict[Role, str] = {
    "look_here": ":material/visibility: Look here",
    "ignore_this": ":material/visibility_off: Ignore this",
}
_SHAPES: dict[Shape, str] = {"box": "Box", "polygon": "Polygon", "brush": "Stroke"}
_BADGES: dict[Role, str] = {"look_here": "green-badge", "ignore_this": "red-badge"}


def drawing_menus(image: ImageRecord, draft: Draft, take_up: Callable[[], object]) -> None:
    """take_up: called before a region is deleted; puts what the canvas has told meanwhile into the draft."""
    with st.popover("Regions", disabled=not draft.regions):
        _regions(image, draft, take_up)
    with st.popover("View", icon=":material/tune:"):
        st.slider(
            "Strength of the map",
            0,
            100,
            step=5,
            format="%d %%",
            key=state.OPACITY.name,
            on_change=st.rerun,
            persist_state="session",
        )
        st.toggle("Attention map under the drawing", key=state.BLEND.name, persist_state="session")
        st.toggle("Large canvas", key=state.LARGE.name, on_change=st.rerun, persist_state="session")


def _regions(image: ImageRecord, draft: Draft, take_up: Callable[[], object]) -> None:
    """The newest first, each with a button that deletes it."""
    newest_first = list(enumerate(draft.regions))[::-1][:LISTED]
    shares = covered_shares([region for _, region in newest_first], (image.width, image.height))
    for (number, region), share in zip(newest_first, shares, strict=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(
                f"{number + 1}. {_SHAPES[region.shape]} :{_BADGES[region.role]}[{ROLES[region.role]}] "
                f":small[{f'{100 * share:.0f}' if share >= 0.01 else 'Less than 1'} % of the picture]",
                width="stretch",
            )
            st.button(
                f"Delete region {number + 1}",
                key=f"annotate_delete_{number}",
                icon=":material/close:",
                type="tertiary",
                on_click=_delete,
                args=(draft, region, take_up),
            )
    if len(draft.regions) > LISTED:
        st.caption(f"The newest {LISTED} of {len(draft.regions)}.")


def _delete(draft: Draft, region: RegionRecord, take_up: Callable[[], object]) -> None:
    """By what it is: what the canvas has told meanwhile may have moved its place in the list."""
    take_up()
    if region in draft.regions:
        number = draft.regions.index(region)
        draft.change((*draft.regions[:number], *draft.regions[number + 1 :]))
