"""Figures of maps that take seconds: pointing game, energy inside, deletion and insertion, on some images.

And average precision, which needs the probabilities of every image.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import ServiceError
from app.services import annotation, explanation, library
from app.services.evaluation import predictions_of
from app.workspace import Workspace
from db import library as rows
from db import versions
from db.people import Whose
from db.records import ImageRecord, Split, VersionRecord
from gain_core.atomic import write_atomically
from gain_core.imaging.evidence_levels import share_inside
from gain_core.imaging.pictures import marked
from gain_core.metrics_of_classes import average_precisions
from gain_core.metrics_of_maps import Numbers, deletion, insertion, points_inside
from gain_core.models.inference import probabilities_of
from gain_core.models.spec import pixels

FILE = "figures.json"
IMAGES = 40  # some 15 seconds for two versions on two cores
Progress = Callable[[int, int, str], None]  # done, total, what is being done


@dataclass(frozen=True, slots=True)
class MapMetrics:
    """Of the true class's map (the first label's) of one version; means over images."""

    images: int  # that were measured
    with_object: int  # of them with a mask or *look here* regions
    pointing: float | None  # share whose highest place is on the object, in [0, 1]; None: no object is known
    energy_inside: float | None  # mean share of the map on the object, in [0, 1]
    deletion: float  # in [0, 1]; low is good
    insertion: float  # in [0, 1]; high is good
    average_precisions: tuple[float | None, ...]  # by class position, over all images of the split


def measure_maps(
    ws: Workspace, version_ids: Sequence[int], split: Split, folder: Path, on_progress: Progress
) -> None:
    """Measure versions of one project on the same images, and write `figures.json`: one object for each.

    Raises ServiceError for a split without images, MissingFileError, db.errors.NotFoundError.
    """
    sides = [versions.get_version(ws.database, version_id) for version_id in version_ids]
    whose = rows.get_project(ws.database, sides[0].project_id).whose
    images = _chosen(rows.list_images(ws.database, sides[0].project_id, split))
    if not images:
        raise ServiceError(f"There are no {split} images to measure maps on.")
    total = len(images) * len(sides)
    measured = []
    for place, version in enumerate(sides):
        figures = []
        for done, image in enumerate(images):
            on_progress(place * len(images) + done, total, f"Measuring maps of version {version.number}")
            figures.append(_of_image(ws, version, image, whose))
        measured.append(asdict(_means(figures, _precisions(ws, version, split))))
    write_atomically(folder / FILE, json.dumps(measured).encode(), durable=False)


def read_metrics(folder: Path) -> list[MapMetrics]:
    """What `measure_maps` wrote, a version after the other."""
    values: list[dict[str, Any]] = json.loads((folder / FILE).read_bytes())
    return [
        MapMetrics(**{**item, "average_precisions": tuple(item["average_precisions"])}) for item in values
    ]


def _chosen(images: Sequence[ImageRecord]) -> list[ImageRecord]:
    """Images with a mask where there are any; always the same ones."""
    with_mask = [image for image in images if image.mask_sha256 is not None]
    return sorted(with_mask or images, key=lambda image: image.sha256)[:IMAGES]


def _of_image(
    ws: Workspace, version: VersionRecord, image: ImageRecord, whose: Whose
) -> tuple[bool | None, float | None, float, float]:
    """Pointing, energy inside, deletion, insertion."""
    model = explanation.SHELF.get(ws, version)
    position = image.class_position
    given = pixels(library.open_image(ws, image), model.spec)
    seen = np.maximum(model.evidence_maps(given[None]).evidence[0, position], 0)  # of what the model sees
    attention = explanation.attention_for(ws, version, image).attention(position)  # of the whole picture

    def probability(images: Numbers) -> NDArray[np.float64]:
        return probabilities_of(model.evidence_maps(images).logits, model.spec.multi_label)[:, position]

    mask = library.open_mask(ws, image) or annotation.look_mask(ws, image, whose)
    return (
        None if mask is None else points_inside(attention, marked(mask)),
        None if mask is None else share_inside(attention, mask),
        deletion(probability, given, seen),
        insertion(probability, given, seen),
    )


def _means(
    figures: Sequence[tuple[bool | None, float | None, float, float]], precisions: tuple[float | None, ...]
) -> MapMetrics:
    pointed = [hit for hit, _, _, _ in figures if hit is not None]
    inside = [share for _, share, _, _ in figures if share is not None]
    return MapMetrics(
        images=len(figures),
        with_object=len(pointed),
        pointing=fmean(pointed) if pointed else None,
        energy_inside=fmean(inside) if inside else None,
        deletion=fmean(area for _, _, area, _ in figures),
        insertion=fmean(area for _, _, _, area in figures),
        average_precisions=precisions,
    )


def _precisions(ws: Workspace, version: VersionRecord, split: Split) -> tuple[float | None, ...]:
    classes = len(rows.list_classes(ws.database, version.project_id))
    predictions = predictions_of(ws, version.id, split)
    seen = [
        image for image in rows.list_images(ws.database, version.project_id, split) if image.id in predictions
    ]
    shown = np.array([[place in image.positions for place in range(classes)] for image in seen], dtype=bool)
    scores = np.array([predictions[image.id].probabilities for image in seen], dtype=np.float64)
    return average_precisions(shown.reshape(-1, classes), scores.reshape(-1, classes))
