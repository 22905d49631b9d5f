"""The map of images: where each training and validation image lies by the features that decide for its class.

Made in a process of its own and kept in files for each version: `pca.npz` is there first, and grows while
features are computed; `tsne.npz` follows. Test images guide no choice, so they have no place.
"""

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from app.services.missing_predictions import open_version
from app.services.model_files import read_weights
from app.services.queue import LOOKED_AT
from app.services.training import samples_of
from app.workspace import Workspace
from db import image_facts, library, versions
from db.people import LATEST
from gain_core.analysis.plane import inside
from gain_core.atomic import write_atomically

if TYPE_CHECKING:
    from gain_core.analysis.image_layout import Axes

Layout = Literal["pca", "tsne"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
Progress = Callable[[int, int, str], None]  # done, total, what is being done

FITTED = 5_000  # images whose features make the axes; of the others only the place along these is kept
FIRST = 256  # images from which on something is shown
SHOW_SECONDS = 5.0  # between two states that the page can show


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where images lie."""

    ids: NDArray[np.int64]  # (n,)
    points: NDArray[np.float32]  # (n, 2)
    whole: bool = True  # all images have their place, which does not change any more
    asked: int = 0  # images of the project when it was made; those without a file have no place

    @property
    def nbytes(self) -> int:
        return self.ids.nbytes + self.points.nbytes


def make_map(ws: Workspace, version_id: int, folder: Path, on_progress: Progress) -> None:
    """Write the files of a version's map, without images whose file is gone. Raises MissingFileError for a
    missing model file, GainError for a damaged image, db.errors.NotFoundError.
    """
    from gain_core.analysis.image_layout import arranged  # scikit-learn takes a second
    from gain_core.analysis.predict import features_used

    version = versions.get_version(ws.database, version_id)
    read_weights(ws, version)  # whether it is there, and what it was
    images = [
        image for split in LOOKED_AT for image in library.list_images(ws.database, version.project_id, split)
    ]
    asked = len(images)
    images = [image for image in images if ws.files.image(image.sha256, image.suffix).is_file()]
    # In random order: what is shown first, and what the axes and t-SNE are made of, is a fair sample.
    images = [images[place] for place in np.random.default_rng(0).permutation(len(images))]
    ids = np.array([image.id for image in images], dtype=np.int64)
    model, store, device = open_version(ws, ws.files.absolute(version.path), version.sha256)
    growing = _Growing()
    shown_at = time.monotonic()
    for batch in features_used(model, samples_of(ws, version.project_id, images, LATEST), store, device):
        on_progress(growing.count, len(images), "Looking at the images")
        growing.add(batch.float().numpy())
        if growing.count >= FIRST and time.monotonic() - shown_at > SHOW_SECONDS:
            write_places(folder, "pca", ids, growing.codes(), asked)
            shown_at = time.monotonic()
    if images:
        codes = growing.codes()
        write_places(folder, "pca", ids, codes, asked)
        on_progress(len(images), len(images), "Putting similar images together")
        write_places(folder, "tsne", ids, arranged(codes), asked)


class _Growing:
    """Codes of more and more images. The axes change until there are enough images to make them."""

    def __init__(self) -> None:
        self.count = 0
        self._features: list[NDArray[np.float32]] = []  # as long as the axes may change
        self._axes: Axes | None = None
        self._codes: list[NDArray[np.float32]] = []

    def add(self, features: NDArray[np.float32]) -> None:
        self.count += len(features)
        if self._axes is not None:
            self._codes.append(self._axes.codes(features))
            return
        self._features.append(features)
        if self.count >= FITTED:
            self._codes, self._axes = self._coded()
            self._features = []

    def codes(self) -> NDArray[np.float32]:
        """(count, d): of what was added, in order."""
        return np.concatenate(self._codes if self._axes is not None else self._coded()[0])

    def _coded(self) -> "tuple[list[NDArray[np.float32]], Axes]":
        from gain_core.analysis.image_layout import principal_axes

        features = np.concatenate(self._features)
        axes = principal_axes(features)
        return [axes.codes(features)], axes


def read_places(folder: Path, layout: Layout) -> Places:
    """Raises FileNotFoundError where it is not there yet."""
    with np.load(folder / f"{layout}.npz", allow_pickle=False) as stored:
        return Places(stored["ids"], stored["points"], bool(stored["whole"]), int(stored["asked"]))


def write_places(
    folder: Path, layout: Layout, ids: NDArray[np.int64], codes: NDArray[np.float32], asked: int
) -> None:
    """Of the first images of `ids`, as many as have codes (n, d >= 2); asked: as in `Places`."""
    buffer = io.BytesIO()
    points, whole = codes[:, :2].astype(np.float32), len(codes) == len(ids)
    np.savez(buffer, ids=ids[: len(codes)], points=points, whole=whole, asked=asked)
    write_atomically(folder / f"{layout}.npz", buffer.getvalue(), durable=False)


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What is known of n images on the map. Class positions are -1 where the version has not looked."""

    places: Places
    training: NDArray[np.bool_]
    label: NDArray[np.int_]
    predicted: NDArray[np.int_]
    confidence: NDArray[np.float32]  # of the predicted class, NaN where the version has not looked
    right: NDArray[np.int_]  # 1: predicted right, 0: wrong, -1: not looked at

    @property
    def nbytes(self) -> int:
        rest = (self.training, self.label, self.predicted, self.confidence, self.right)
        return self.places.nbytes + sum(array.nbytes for array in rest)


def facts(ws: Workspace, project_id: int, version_id: int, folder: Path, layout: Layout) -> Facts:
    """Of the images that have a place and are training or validation images now.

    Raises FileNotFoundError as `read_places`.
    """
    places = read_places(folder, layout)
    rows = image_facts.read_facts(ws.database, project_id, version_id)
    ids = np.array([row.image_id for row in rows], dtype=np.int64)
    at = {image_id: place for place, image_id in enumerate(places.ids.tolist())}
    has_place = np.isin(ids, places.ids)
    rows = [row for row, there in zip(rows, has_place.tolist(), strict=True) if there]
    order = np.array([at[row.image_id] for row in rows], dtype=int)
    return Facts(
        Places(places.ids[order], places.points[order], places.whole, places.asked),
        np.array([row.split == "train" for row in rows], dtype=bool),
        np.array([row.label for row in rows], dtype=int),
        np.array([-1 if row.predicted is None else row.predicted for row in rows], dtype=int),
        np.array([np.nan if row.confidence is None else row.confidence for row in rows], dtype=np.float32),
        np.array([-1 if row.right is None else int(row.right) for row in rows], dtype=int),
    )


# --- an area of the map, as a queue

CORNERS = 60  # of an area: more are not told from a hand's line


@dataclass(frozen=True, slots=True)
class Area:
    """A line that somebody has drawn around images, which is short enough for an address."""

    version_id: int
    layout: Layout
    corners: tuple[tuple[float, float], ...]

    @property
    def code(self) -> str:
        return f"{self.version_id}~{self.layout}~" + "~".join(f"{x:.4g},{y:.4g}" for x, y in self.corners)

    @classmethod
    def from_code(cls, code: str) -> "Area | None":
        """None where it is no code of an area."""
        version, _, rest = code.partition("~")
        named, *texts = rest.split("~")
        layout: Layout | None = next((known for known in LAYOUTS if known == named), None)
        if not version.isdecimal() or len(version) > 18 or layout is None:
            return None
        try:
            pairs = [tuple(float(number) for number in text.split(",")) for text in texts[: 2 * CORNERS]]
        except ValueError:
            return None
        corners = tuple((pair[0], pair[1]) for pair in pairs if len(pair) == 2 and np.isfinite(pair).all())
        return cls(int(version), layout, corners) if len(corners) == len(pairs) >= 3 else None


def area_of(version_id: int, layout: Layout, xs: Sequence[float], ys: Sequence[float]) -> Area | None:
    """Of a lasso's line, as it can be told in an address; None for a line of fewer than three places."""
    places = list(zip(xs, ys, strict=True))
    step = max(1.0, len(places) / CORNERS)
    chosen = [places[int(number * step)] for number in range(min(len(places), CORNERS))]
    code = Area(version_id, layout, tuple((float(x), float(y)) for x, y in chosen)).code
    return Area.from_code(code)  # rounded, as whoever follows the address gets it


@dataclass(frozen=True, slots=True)
class AreaImages:
    """The images in an area of the map: a queue."""

    area: Area
    image_ids: frozenset[int]
    training: int
    wrong: int

    @property
    def key(self) -> str:
        """Says which it is, as of an evidence group."""
        return self.area.code

    @property
    def images(self) -> int:
        return len(self.image_ids)

    @property
    def sentence(self) -> str:
        wrong = f", {self.wrong} of them predicted wrong" if self.wrong else ""
        return f"{self.images} image{'' if self.images == 1 else 's'} from an area of the map{wrong}."


def images_in(shown: Facts, area: Area) -> AreaImages:
    """All of them, also those that are not drawn because the place is crowded."""
    within = inside(shown.places.points, np.array(area.corners))
    return AreaImages(
        area,
        frozenset(shown.places.ids[within].tolist()),
        int((within & shown.training).sum()),
        int((within & (shown.right == 0)).sum()),
    )
