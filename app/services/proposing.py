"""Outlines proposed for images that nobody has drawn on (docs/decisions/0051).

Once a project has `LEAST` outlines, a small network learns from them in the background, and again as they
grow in number. Before that, an outline follows the colours in the middle of the image.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from app.drawing.regions import Regions
from app.drawing.several_people import list_counting
from app.services import library
from app.services.outlining import polygons
from app.workspace import Workspace
from db import library as rows
from db.annotations import count_outlined_images
from db.records import ImageRecord, ProjectRecord, Role
from gain_core.atomic import write_atomically
from gain_core.errors import CheckpointError
from gain_core.imaging.raster import Mask

if TYPE_CHECKING:
    from gain_core.guidance.proposed_outline import Proposer

Progress = Callable[[int, int, str], None]  # done, total, what is being done

LEAST = 10  # outlines that a network learns from; from five it is at times worse than colours
GROWTH = 1.5  # it learns again when there are so many times as many
FILE = "learned-from-{}.onnx"  # so many outlines


@dataclass(frozen=True, slots=True)
class Proposal:
    regions: Regions  # none: nothing looks like an object
    outlines: int  # that the network has learned from; 0: the outline follows colours


class Outliner:
    """What proposes outlines for a project as it is now."""

    def __init__(self, ws: Workspace, project_id: int) -> None:
        self.outlines, path = _newest(ws, project_id)
        self._network: Proposer | None = None
        try:
            self._network = None if path is None else _opened(path, path.stat().st_mtime_ns)
        except (FileNotFoundError, CheckpointError):  # cleaned meanwhile, or damaged
            self.outlines = 0

    def outline(self, picture: Image.Image) -> Mask | None:
        """(h, w) bool over the whole RGB picture; None where nothing looks like an object."""
        if self._network is not None:
            return self._network.propose(picture)
        from gain_core.guidance.middle_outline import guess_of  # OpenCV takes a moment to load

        return guess_of(picture)


def propose(ws: Workspace, image: ImageRecord, role: Role) -> Proposal:
    """An outline of the object on an image that shows one class, in polygons. Raises MissingFileError."""
    outliner = Outliner(ws, image.project_id)
    mask = outliner.outline(library.open_image(ws, image))
    regions = () if mask is None else polygons(image, role, mask, (0, 0, image.width, image.height))
    return Proposal(regions, outliner.outlines)


def is_due(ws: Workspace, project_id: int) -> bool:
    """Whether the network should learn, for the first time or again."""
    return _count(ws, rows.get_project(ws.database, project_id)) >= max(
        LEAST, GROWTH * _newest(ws, project_id)[0]
    )


def learn(ws: Workspace, project_id: int, on_progress: Progress) -> None:
    """Teach a network all outlines of training images that count. Takes seconds, and loads torch.

    Images whose file is gone are left out. Raises gain_core.errors.InputError for a damaged file.
    """
    from gain_core.dataset.sample import Sample
    from gain_core.guidance.outline_network import outlines_onnx, train_outlines

    project = rows.get_project(ws.database, project_id)
    images = {image.id: image for image in rows.list_images(ws.database, project_id, "train")}
    samples = []
    for guidance in list_counting(ws.database, project_id, project.whose):
        image = images.get(guidance.image_id)
        if image is None or guidance.look_png is None or guidance.answered:
            continue
        path = ws.files.image(image.sha256, image.suffix)
        if path.is_file():
            samples.append(Sample.of(path, 0, look=guidance.look_png, name=image.name))
    network = train_outlines(
        samples, on_progress=lambda done, total: on_progress(done, total, "Learning outlines")
    )
    path = _folder(ws, project_id) / FILE.format(_count(ws, project))
    write_atomically(path, outlines_onnx(network), durable=False)
    for earlier in path.parent.glob(FILE.format("*")):
        if earlier != path:
            earlier.unlink(missing_ok=True)


def _count(ws: Workspace, project: ProjectRecord) -> int:
    """Outlined images, as far as the drawings on them count."""
    return count_outlined_images(ws.database, project.id, by=project.whose.person_id)


def _folder(ws: Workspace, project_id: int) -> Path:
    """Beside what is prepared for downloads, and cleaned like it: it can be learned again."""
    return ws.files.prepared(project_id) / "outlines"


def _newest(ws: Workspace, project_id: int) -> tuple[int, Path | None]:
    """How many outlines it has learned from, and its file."""
    front, behind = FILE.split("{}")
    learned = [
        (int(path.name.removeprefix(front).removesuffix(behind)), path)
        for path in _folder(ws, project_id).glob(FILE.format("*[0-9]"))
    ]
    return max(learned, default=(0, None))


@lru_cache(maxsize=4)
def _opened(path: Path, _written: int) -> "Proposer":
    from gain_core.guidance.proposed_outline import Proposer

    return Proposer(path)
