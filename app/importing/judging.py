"""Reads every image of an import: which are taken, and what is said about how."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.errors import FileRefusedError
from app.importing.formats.layout import Layout
from app.importing.item import Item
from app.importing.mark_reader import MarkReader
from app.importing.near_duplicates import Description
from app.importing.options import ImportOptions
from app.importing.photographs import Photograph, check_photograph
from app.importing.sources import Source
from app.importing.staging import Staging
from db.new_images import NewGuidance
from db.records import Split

Progress = Callable[
    [int, int, str], None
]  # done, total, what is being done; raise ImportCancelledError to stop

# Of copies in several splits the first of these stays: without it a test would be of images learned by heart.
_STAYS: tuple[Split | None, ...] = ("test", "validation", "train", None)


@dataclass(frozen=True, slots=True)
class Accepted:
    item: Item
    sha256: str
    suffix: str
    size: tuple[int, int]
    masks: dict[str, str]  # SHA-256 by class
    guidance: dict[str, NewGuidance]  # by class
    description: Description


def judge(
    source: Source,
    layout: Layout,
    staging: Staging,
    max_pixels: int,
    options: ImportOptions,
    on_progress: Progress | None,
) -> list[Accepted]:
    """The images that can be used, in the order of the items; refusals and notes go into the layout."""
    accepted: list[Accepted] = []
    remarks = _Remarks()
    guidance = layout.drawn_to_guide if options.guidance is None else options.guidance
    measures = not (guidance and layout.drawn_to_guide)  # a drawing is no ground truth
    reader = MarkReader(source, layout, max_pixels, guidance=guidance, turn_marks=options.turn_marks)
    total = len(layout.items)
    for done, item in enumerate(layout.items):
        if on_progress is not None:
            on_progress(done, total, f"Reading {item.name}")
        try:
            photograph = check_photograph(source.read(item.path), max_pixels)
        except FileRefusedError as error:
            layout.refuse(item.name, str(error))
            continue
        sha256 = staging.add_image(photograph.data, photograph.suffix)
        remarks.add(item, photograph)
        size = photograph.width, photograph.height
        marked = reader.read(item, size, photograph.orientation)
        accepted.append(
            Accepted(
                item,
                sha256,
                photograph.suffix,
                size,
                {name: staging.add_mask(one.mask) for name, one in marked.items() if one.mask and measures},
                {name: one.guidance for name, one in marked.items() if one.guidance},
                photograph.description,
            )
        )
    layout.notes += remarks.sentences() + reader.notes()
    return accepted


def without_copies(accepted: Sequence[Accepted], layout: Layout) -> list[Accepted]:
    """Each picture once. A training copy of a test image is a leak, and the test image stays."""
    by_content: dict[str, list[Accepted]] = {}
    for one in accepted:
        by_content.setdefault(one.sha256, []).append(one)
    stays: dict[str, Accepted] = {}
    leaks: Counter[bool] = Counter()  # whether the copy has another label
    for sha256, copies in by_content.items():
        first = stays[sha256] = min(copies, key=lambda one: _STAYS.index(one.item.split))
        for one in copies:
            if one is not first:
                layout.refuse(one.item.name, _copy_of(first.item, one.item))
                if one.item.split != first.item.split:
                    leaks[one.item.classes != first.item.classes] += 1
    if leaks:
        count = leaks.total()
        with_other = f" {leaks[True]} of them had another label." if leaks[True] else ""
        layout.notes.append(
            f"Leak between splits: {count} {'image is a copy' if count == 1 else 'images are copies'} of an "
            f"image in a split that is closer to the test. The copies were left out.{with_other}"
        )
    return [one for one in accepted if stays[one.sha256] is one]


def _copy_of(first: Item, second: Item) -> str:
    where = "" if first.classes == second.classes else f", which is in class “{' and '.join(first.classes)}”"
    if first.split == second.split:
        return f"It is the same picture as {first.name}{where}; only the first was taken."
    return (
        f"It is the same picture as the {first.split} image {first.name}{where}; only that one was taken, "
        "so that the model is not tested on what it has learned."
    )


def near_duplicates_across(images: Sequence[tuple[str, Split | None, int]]) -> list[str]:
    """A note about training images that look like validation or test images; (name, split, cluster) each."""
    held_out = {cluster: name for name, split, cluster in images if split not in (None, "train")}
    alike = [
        (name, held_out[cluster])
        for name, split, cluster in images
        if split == "train" and cluster in held_out
    ]
    if not alike:
        return []
    return [
        f"Near-duplicates across splits: {len(alike)} training images look like validation or test images, "
        f"e.g. {alike[0][0]} like {alike[0][1]}. Accuracy on these may be too high."
    ]


class _Remarks:
    """Counts what was changed on the way, with the first example of each."""

    def __init__(self) -> None:
        self._converted = 0
        self._misnamed: list[str] = []
        self._stretched: list[str] = []
        self._frames: list[tuple[str, int]] = []

    def add(self, item: Item, photograph: Photograph) -> None:
        self._converted += photograph.converted
        if not photograph.converted and not _fits(item.name, photograph.suffix):
            self._misnamed.append(item.name)
        if photograph.stretched is not None:
            low, high = photograph.stretched
            self._stretched.append(f"{item.name} ({low:g} to {high:g})")
        if photograph.dropped_frames:
            self._frames.append((item.name, photograph.dropped_frames))

    def sentences(self) -> list[str]:
        notes = []
        if self._converted:
            notes.append(
                f"Converted to RGB, with white behind transparent parts: {self._converted} of the images."
            )
        if self._misnamed:
            notes.append(f"Format differs from the name: {len(self._misnamed)}, e.g. {self._misnamed[0]}.")
        if self._stretched:
            notes.append(
                "Images with more than 8 bits, each stretched from its darkest to its brightest value: "
                f"{len(self._stretched)}, e.g. {self._stretched[0]}."
            )
        if self._frames:
            name, dropped = self._frames[0]
            notes.append(
                f"Of files with several frames or pages only the first is used: {len(self._frames)} files, "
                f"{sum(count for _, count in self._frames):,} further frames dropped, e.g. {dropped} of "
                f"{name}."
            )
        return notes


def _fits(name: str, suffix: str) -> bool:
    ending = name.lower().rpartition(".")[2]
    return f".{ending}" == suffix or (suffix == ".jpg" and ending in ("jpeg", "jpe", "jfif", "mpo"))
