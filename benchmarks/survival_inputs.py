"""Bad inputs: what is made of each, in a process that may crash.

An input is accepted where it must not be when an image is stored that is none (it cannot be decoded, or has
another size than its row says), one of a member that must be refused, a file outside the store, or a drawing
that comes back as another one or leaves its image.
"""

import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from traceback import format_exc

from hypothesis import strategies
from PIL import Image

from app.drawing.canvas_log import CanvasLog
from app.drawing.regions import Regions
from app.errors import ServiceError
from app.services import annotation, library, recycle_bin
from app.settings import load_settings
from app.workspace import Workspace, open_workspace
from benchmarks.report import say
from db import library as rows
from db.errors import DatabaseError
from db.records import ImageRecord
from tests.hostile.case import Archive, examples, good_files, zipped
from tests.hostile.pictures import broken_pictures
from tests.hostile.tables import huge_tables, strange_annotations, strange_tables
from tests.hostile.test_canvas_input import LOG
from tests.hostile.zips import hostile_members, hostile_names, mutated_archives


@dataclass(frozen=True, slots=True)
class Told:
    """What a canvas tells, piece after piece."""

    pieces: Sequence[object]
    title: str = "canvas"


def strange_canvas(seed: int) -> Iterator[Told]:
    return map(Told, examples(strategies.lists(LOG, min_size=1, max_size=3), seed))


# Of all inputs, shares in per cent.
SUBJECTS: Mapping[str, tuple[Callable[[int], Iterator[Archive | Told]], int]] = {
    "pictures": (broken_pictures, 20),
    "canvas": (strange_canvas, 10),
    "names in zips": (hostile_names, 10),
    "members of zips": (hostile_members, 5),
    "mutated zips": (mutated_archives, 25),
    "tables": (strange_tables, 14),
    "huge tables": (huge_tables, 1),
    "annotations": (strange_annotations, 15),
}
AT_ONCE = 4  # processes, which import into one data folder
BATCH = 50  # inputs of one call: what is lost when the process crashes


@dataclass
class Tried:
    """What came of some inputs."""

    inputs: int = 0
    refused: int = 0  # as a whole, in words; else what was good of it became a project
    accepted: list[str] = field(default_factory=list)  # what was stored and must not be
    tracebacks: list[str] = field(default_factory=list)
    crashes: int = 0

    def add(self, other: "Tried") -> None:
        self.inputs += other.inputs
        self.refused += other.refused
        self.accepted += other.accepted
        self.tracebacks += other.tracebacks
        self.crashes += other.crashes


def try_all(count: int, seed: int) -> dict[str, Tried]:
    """By subject. The settings are those of this process's environment."""
    results = {name: Tried() for name in SUBJECTS}
    batches = [
        (name, min(BATCH, number - start), seed * 1_000_000 + start)
        for name, (_, share) in SUBJECTS.items()
        for number in [max(1, count * share // 100)]
        for start in range(0, number, BATCH)
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for (name, *_), tried in zip(batches, pool.map(_try, batches), strict=True):
            results[name].add(tried)
            say(f"{sum(result.inputs for result in results.values())} inputs")
    return results


def _try(batch: tuple[str, int, int]) -> Tried:
    """In a process of its own, which may crash."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            return pool.submit(try_some, *batch).result()
        except BrokenProcessPool:
            return Tried(inputs=batch[1], crashes=1)


def try_some(subject: str, count: int, seed: int) -> Tried:
    """Import each input, look at what was stored, and delete it for good."""
    ws, tried = open_workspace(load_settings()), Tried()
    outside = _outside(ws)
    for case in islice(SUBJECTS[subject][0](seed), count):
        tried.inputs += 1
        try:
            tried.accepted += [f"{case.title}: {fault}" for fault in _faults(ws, case)]
        except (ServiceError, DatabaseError):
            tried.refused += 1
        except Exception:  # whatever it is, the benchmark is here to count it
            tried.tracebacks.append(f"{case.title}\n{format_exc()}")
    tried.accepted += [f"outside the store: {path}" for path in sorted(_outside(ws) - outside)]
    ws.database.close()
    return tried


def _faults(ws: Workspace, case: Archive | Told) -> Iterator[str]:
    """What was stored and must not be. Raises as the service that is asked."""
    data = case.data if isinstance(case, Archive) else zipped(good_files(random.Random(0)))
    project_id = library.import_zip(ws, f"Hostile {os.getpid()}", BytesIO(data)).project_id
    try:
        if isinstance(case, Archive):
            faults = list(stored_faults(ws, case, project_id))
        else:
            faults = list(_drawn_faults(ws, rows.list_images(ws.database, project_id)[0], case.pieces))
    finally:
        recycle_bin.put_into_bin(ws, project_id)
        recycle_bin.delete_for_good(ws, project_id)
    yield from faults


def _drawn_faults(ws: Workspace, image: ImageRecord, pieces: Sequence[object]) -> Iterator[str]:
    """As the page follows its canvas, and then saves."""
    log, size = CanvasLog(), (image.width, image.height)
    regions: Regions = ()
    for piece in pieces:
        for action in log.news(piece):
            log.done = action.number
            regions = log.changed(regions, action, size)
    annotation.save(ws, image.id, image.class_id, regions)
    saved = annotation.load(ws, image.id, image.class_id)
    if (saved.regions if saved else ()) != regions:
        yield f"{regions} came back as {saved}"
    for region in regions:
        if region.shape == "box" and not all(
            0 <= x <= size[0] and 0 <= y <= size[1] for x, y in region.points
        ):
            yield f"{region} leaves its image"


def stored_faults(ws: Workspace, case: Archive, project_id: int) -> Iterator[str]:
    for image in rows.list_images(ws.database, project_id):
        if image.name in case.never:
            yield f"{image.name!r} is an image"
        size = image.width, image.height
        pictures = [(ws.files.image(image.sha256, image.suffix), size)]
        pictures += [(ws.files.mask(label.mask_sha256), size) for label in image.labels if label.mask_sha256]
        for path, expected in pictures:
            try:
                with Image.open(path) as picture:
                    picture.load()
                    turned = picture.getexif().get(0x0112, 1) >= 5
                    actual = picture.size[::-1] if turned else picture.size
            except (OSError, SyntaxError, ValueError) as error:
                yield f"{image.name!r} cannot be decoded: {error}"
            else:
                if actual != expected:
                    yield f"{image.name!r} has {actual} pixels, its row says {expected}"


def _outside(ws: Workspace) -> set[Path]:
    """Files beside the data folder, where names that lead out of it would write."""
    return {path for path in ws.settings.home.parent.rglob("*") if not path.is_relative_to(ws.settings.home)}
