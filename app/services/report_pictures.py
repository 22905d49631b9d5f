"""Pictures of a report: what was drawn, and the same images with the maps of both versions."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from app.drawing.several_people import list_counting
from app.exporting.document import Picture, PictureRow, Tone
from app.services import explanation, library
from app.services.comparison import Comparison, Pair, pairs
from app.services.drawn_picture import drawn_over, jpeg, small
from app.workspace import Workspace
from db import library as rows
from db.evaluation import Change
from db.mistakes import THRESHOLD
from db.records import GuidanceRecord, VersionRecord
from gain_core.imaging.overlay import overlay

OPACITY = 0.55
DRAWN = 6  # images with drawings that are shown
# How many images of each kind are shown with both maps.
SHOWN: tuple[tuple[Change, str, int], ...] = (
    ("fixed", "Fixed", 6),
    ("newly_wrong", "Newly wrong", 3),
    ("wrong", "Wrong in both", 2),
    ("right", "Right in both", 1),
)


def pairs_to_show(ws: Workspace, comparison: Comparison) -> list[tuple[str, Pair]]:
    """(kind, images), the kinds in the order of SHOWN."""
    before, after = comparison.before, comparison.after
    return [
        (name, pair)
        for change, name, limit in SHOWN
        for pair in pairs(ws, before.version.id, after.version.id, after.split, change, limit=limit)
    ]


def both_maps(
    ws: Workspace,
    kind: str,
    pair: Pair,
    sides: tuple[VersionRecord, VersionRecord],
    classes: Sequence[str],
    shelf: explanation.ModelShelf,
) -> PictureRow:
    """Each version's map of the class that it predicts; of images with several labels, of the label whose
    probability changed most. Raises MissingFileError.
    """
    image = pair.image
    photo = small(library.open_image(ws, image))
    truth = " and ".join(classes[place] for place in image.positions)
    pictures = []
    for version, prediction in zip(sides, (pair.before, pair.after), strict=True):
        view = explanation.attention_for(ws, version, image, shelf)
        place, right = prediction.predicted, prediction.right
        if view.multi_label:
            place = _most_changed(pair)
            right = prediction.probabilities[place] > THRESHOLD
        attention, share = view.attention(place), 100 * prediction.probabilities[place]
        caption = f"Version {version.number}: {classes[place]} ({share:.0f} %)"
        tone: Tone = "good" if right else "bad"
        pictures.append(Picture(jpeg(overlay(photo, attention, OPACITY)), caption, tone))
    return PictureRow(
        f"{kind}: {truth} ({', '.join((PurePosixPath(image.name).name, *image.groups.values()))})",
        tuple(pictures),
    )


def drawings(ws: Workspace, project_id: int, classes: Sequence[str]) -> Iterator[PictureRow]:
    """Up to DRAWN images with what is drawn on them, one of each class in turn. Raises MissingFileError."""
    by_class: dict[int, list[GuidanceRecord]] = {}
    whose = rows.get_project(ws.database, project_id).whose
    for guidance in list_counting(ws.database, project_id, whose):
        by_class.setdefault(guidance.class_id, []).append(guidance)
    names = {item.id: item.name for item in rows.list_classes(ws.database, project_id)}
    in_turn = [
        members[place]
        for place in range(max(map(len, by_class.values()), default=0))
        for members in by_class.values()
        if place < len(members)
    ]
    for guidance in in_turn[:DRAWN]:
        image = rows.get_image(ws.database, guidance.image_id)
        yield PictureRow(
            f"{names[guidance.class_id]} ({PurePosixPath(image.name).name})",
            (Picture(drawn_over(ws, image, guidance), "As drawn"),),
        )


def _most_changed(pair: Pair) -> int:
    before, after = pair.before.probabilities, pair.after.probabilities
    return max(pair.image.positions, key=lambda place: abs(after[place] - before[place]))
