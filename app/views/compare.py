"""Compare: what changed between two model versions, overall, by group, and in their maps."""

from collections.abc import Mapping

import streamlit as st

from app import counts, opening, state
from app.components.annotate.evidence_legend import evidence_legend
from app.components.compare.image_pair import pair_card
from app.components.compare.report_download import report_button, report_progress
from app.components.compare.scores import score_cards, score_tables
from app.components.compare.specialist_figures import specialist_figures
from app.components.kit.empty import empty_state
from app.components.kit.error_box import told
from app.components.kit.missing_predictions import missing_predictions
from app.components.kit.text import one_of, plain
from app.components.runs.publishing import publish_button
from app.components.runs.retrain_checks import retrain_checks
from app.components.sidebar import chosen_project
from app.services import publishing
from app.services.comparison import Comparison
from app.state import ComparedFor, Filter, MapOf
from app.workspace import Workspace
from db import runs, versions
from db.records import SPLITS, ProjectRecord, Split, VersionRecord
from gain_core.training.objectives import Automatic

PAIRS_PER_PAGE = 6
FILTERS: dict[Filter, str] = {
    "fixed": "Fixed",
    "newly_wrong": "Newly wrong",
    "wrong": "Wrong in both",
    "right": "Right in both",
    "all": "All",
}


MAPS: dict[MapOf, str] = {"said": "Predicted", "truth": "True class"}


def compare_page(ws: Workspace) -> None:
    project = chosen_project(ws)
    if project is None:
        empty_state(
            "compare",
            "No project yet",
            "Start the demo or import your own images.",
            page="views/library.py",
            action="Open the Library",
            key="compare_to_library",
        )
        return
    all_versions = versions.list_versions(ws.database, project.id)
    if len(all_versions) < 2:
        _too_few(len(all_versions))
        return
    unpublished = publishing.kept_versions(ws, project.id)
    before, after, split = _choose(project, all_versions, unpublished)
    if state.COMPARE_SHOWN.get() != (before.id, after.id, split):
        state.COMPARE_SHOWN.set((before.id, after.id, split))
        state.COMPARE_FILTER.set(None)
    if before.id == after.id:
        st.info(f"Version {after.number} is chosen on both sides. Choose two different versions.")
    for version in dict.fromkeys((before, after)):
        if version.id != project.current_version_id:  # the sidebar sees to that one
            missing_predictions(ws, project, version)
    comparison = counts.comparison(ws, project, before.id, after.id, split)
    if not comparison.images:
        has_images = counts.overview(ws, project).images[split]
        st.info(
            f"These versions have no predictions for the same {split} images. Choose another split."
            if has_images
            else f"This project has no {split} images. Choose another split, or add images in Library."
        )
        return
    _learned(ws, project, split)
    score_cards(comparison)
    retrain_checks(comparison, _guidance(ws, after))
    with st.container(horizontal=True, vertical_alignment="center"):
        for version in dict.fromkeys((after, before)):
            publish_button(ws, project, version, key=f"compare_publish_{version.id}")
        if after.id in unpublished and after.id != project.current_version_id:
            st.markdown(f":orange[:small[{plain(unpublished[after.id])}]]")
        report_button(ws, project, before, after, split, key="make_report")
    report_progress(ws, project, before, after, split)
    _side_by_side(ws, project, comparison)
    score_tables(comparison)
    specialist_figures(ws, project, comparison)


def _learned(ws: Workspace, project: ProjectRecord, split: Split) -> None:
    """Says when images of a split that measures were training images before."""
    count = 0 if split == "train" else counts.from_training(ws, project, split)
    if count:
        st.caption(
            f":orange[{one_of(count, 'image')} of this split came from training by hand: versions made "
            "before that have learned them.]"
        )


def _guidance(ws: Workspace, version: VersionRecord) -> str:
    run = None if version.run_id is None else runs.get_run(ws.database, version.run_id)
    guessed = run is not None and run.config.get("objective", {}).get("name") == Automatic.key
    return "the outlines" if guessed else "your drawings"


def _too_few(count: int) -> None:
    empty_state(
        "compare",
        "Nothing to compare yet",
        "Train the first model in the sidebar, draw on a few images, and retrain."
        if count == 0
        else "There is only one version. Draw on a few images and press Retrain.",
        page="views/annotate.py",
        action="Draw on images",
        key="compare_to_annotate",
    )


def _choose(
    project: ProjectRecord, all_versions: list[VersionRecord], unpublished: Mapping[int, str]
) -> tuple[VersionRecord, VersionRecord, Split]:
    """The pickers. Default: the published version against the one it was trained from. If the newest version
    was not published automatically: that one against the published one."""
    by_id = {version.id: version for version in all_versions}
    settled = ComparedFor(project.id, project.current_version_id, all_versions[-1].id)
    if (
        state.COMPARED_FOR.get() != settled
        or state.BEFORE.get() not in by_id
        or state.AFTER.get() not in by_id
    ):
        before, after = _at_first(by_id.get(project.current_version_id or 0), all_versions, unpublished)
        state.BEFORE.set(before)
        state.AFTER.set(after)
        state.COMPARED_FOR.set(settled)
    state.COMPARE_SPLIT.get()

    ids = list(by_id)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        before_id = st.selectbox(
            "Before",
            ids,
            format_func=lambda version_id: f"Version {by_id[version_id].number}",
            key=state.BEFORE.name,
            width=210,
        )
        after_id = st.selectbox(
            "After",
            ids,
            format_func=lambda version_id: f"Version {by_id[version_id].number}",
            key=state.AFTER.name,
            width=210,
        )
        st.segmented_control(
            "Split",
            SPLITS,
            format_func=str.capitalize,
            key=state.COMPARE_SPLIT.name,
            required=True,
            help="Choose on validation. Open test once, at the end.",
        )
    return by_id[before_id], by_id[after_id], state.COMPARE_SPLIT.get()


def _at_first(
    published: VersionRecord | None, all_versions: list[VersionRecord], unpublished: Mapping[int, str]
) -> tuple[int, int]:
    """Ids of the versions before and after."""
    newest = all_versions[-1]
    if published is not None and newest.id in unpublished and newest.id != published.id:
        return published.id, newest.id
    after = published or newest
    if after.parent_id is None:  # the first version has no parent: show what came of it
        after = newest
    return after.parent_id or all_versions[0].id, after.id


def _side_by_side(ws: Workspace, project: ProjectRecord, comparison: Comparison) -> None:
    """The same images with both maps, one page of them at a time."""
    per_filter: dict[Filter, int] = {
        name: comparison.images if name == "all" else comparison.count(name) for name in FILTERS
    }
    state.COMPARE_MAP.get()
    if state.COMPARE_FILTER.get() is None:
        state.COMPARE_FILTER.set(_most_telling(per_filter))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Same images, before and after**", width="content")
        st.pills(
            "Images",
            list(FILTERS),
            format_func=lambda name: f"{FILTERS[name]} {per_filter[name]}",
            key=state.COMPARE_FILTER.name,
            required=True,
            label_visibility="collapsed",
        )
        st.segmented_control(
            "Map of",
            list(MAPS),
            format_func=MAPS.__getitem__,
            key=state.COMPARE_MAP.name,
            required=True,
            label_visibility="collapsed",
            help="Maps for the class that each version predicts, or for the true class in both.",
        )
    chosen = state.COMPARE_FILTER.get() or "all"
    of_truth = state.COMPARE_MAP.get() == "truth"
    if not per_filter[chosen]:
        st.caption(f"No images: {FILTERS[chosen].lower()}.")
        return
    evidence_legend()
    pages = -(-per_filter[chosen] // PAIRS_PER_PAGE)
    number = min(state.COMPARE_PAGE.peek(), pages)
    sides = comparison.before.version, comparison.after.version
    pairs = counts.pairs(
        ws,
        project,
        sides[0].id,
        sides[1].id,
        comparison.after.split,
        None if chosen == "all" else chosen,
        limit=PAIRS_PER_PAGE,
        offset=(number - 1) * PAIRS_PER_PAGE,
    )
    classes = [item.name for item in counts.classes(ws, project)]
    with st.grid(3, gap="small", min_column_width=250):
        for pair in pairs:
            pair_card(ws, project, pair, sides, classes, of_truth=of_truth)
    if pages > 1:
        st.pagination(pages, key=state.COMPARE_PAGE.name)
    note = one_of(per_filter[chosen], "image")
    if any(pair.after.attention_inside is not None for pair in pairs):
        note += ". First: attention to the true class moved most towards the object."
    st.caption(note)


def _most_telling(per_filter: dict[Filter, int]) -> Filter:
    """*Newly wrong* when that is more than *fixed*."""
    if per_filter["newly_wrong"] > per_filter["fixed"]:
        return "newly_wrong"
    return "fixed" if per_filter["fixed"] else "all"


st.header("Compare", anchor=False)
with told("This comparison cannot be shown", "Choose other versions, or reload the page."):
    compare_page(opening.workspace())
