"""Saved drawings as black-and-white PNGs, and an index.csv that names them."""

from collections.abc import Iterator

from app.exporting.guided_images import GuidedImage, GuidedProject, file_part, zipped
from app.exporting.index_table import index_table
from app.importing.item import SEPARATOR
from db.records import ImageRecord, Role

TITLE = "PNG + CSV"
LACKS = "Pixels only: regions come back as the outlines of their pixels, joined where they touch."
_COLUMNS: dict[Role, str] = {"look_here": "mask", "ignore_this": "ignore_mask"}


def pack(project: GuidedProject) -> bytes:
    """A zip of index.csv, with every image of the project, and masks/."""
    pictures: dict[tuple[int, int, Role], tuple[str, bytes]] = {}  # by image, class and role
    for item in project.guided:
        for class_id, role, name, png in _pictures(item):
            pictures[item.image.id, class_id, role] = (name, png)
    columns = {column: _names(project, pictures, role) for role, column in _COLUMNS.items()}
    return zipped([("index.csv", index_table(project, columns)), *pictures.values()])


def _pictures(item: GuidedImage) -> Iterator[tuple[int, Role, str, bytes]]:
    """(class id, role, name of the file, PNG)."""
    name = item.image.name.rpartition("/")[2].rpartition(".")[0]
    stem = file_part(name, item.image.id)
    for of_class, guidance in item.guidance:
        pngs: tuple[tuple[Role, bytes | None], ...] = (
            ("look_here", guidance.look_png),
            ("ignore_this", guidance.ignore_png),
        )
        for role, png in pngs:
            if png is not None:
                part = file_part(of_class.name, of_class.position)
                yield of_class.id, role, f"masks/{stem}-{item.image.id}-{part}-{role}.png", png


def _names(
    project: GuidedProject, pictures: dict[tuple[int, int, Role], tuple[str, bytes]], role: Role
) -> dict[int, str]:
    """The cell of each image, by id: a name for each of its labels, empty where there is none."""

    def name(image: ImageRecord, class_id: int) -> str:
        return pictures.get((image.id, class_id, role), ("", b""))[0]

    cells = {
        item.image.id: SEPARATOR.join(name(item.image, label.class_id) for label in item.image.labels)
        for item in project.guided
    }
    return {image_id: cell for image_id, cell in cells.items() if cell.strip(SEPARATOR)}
