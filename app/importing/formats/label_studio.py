"""Label Studio: JSON or JSON-MIN, with rectangles, ellipses, polygons, brush strokes and choices."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from app.errors import FileRefusedError
from app.importing.formats.annotated import Annotated, Annotations, is_image, split_of
from app.importing.formats.brush_runs import Brush
from app.importing.formats.layout import Layout
from app.importing.formats.plain_data import MAX_PEEKED, json_of, number, whole_size
from app.importing.marks import Mark, Outline
from app.importing.sources import Source
from db.records import Role

TITLE = "Label Studio (JSON)"
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # Label Studio puts it before the name of an uploaded file
_SAMPLE = 20  # tasks looked at to know the format
_ELLIPSE = 72  # corners of the polygon that stands for one
_LABELS = ("rectanglelabels", "polygonlabels", "brushlabels", "ellipselabels", "labels", "choices")


def is_in(source: Source) -> bool:
    return next(_documents(source, MAX_PEEKED), None) is not None


def read(source: Source) -> Layout:
    """Of several people's annotations of an image the first counts that was not cancelled."""
    annotations = Annotations(source, "Label Studio")
    for path, tasks in _documents(source):
        for task in tasks:
            _read_task(task, path, annotations)
    return annotations.layout()


def _documents(source: Source, most: int | None = None) -> Iterator[tuple[str, list[Any]]]:
    for path in [name for name in source.names if name.lower().endswith(".json")][:most]:
        try:
            document = json_of(source, path)
        except FileRefusedError:
            continue
        if isinstance(document, list) and document and all(_is_task(task) for task in document[:_SAMPLE]):
            yield path, document


def _is_task(task: object) -> bool:
    if not isinstance(task, dict):
        return False
    if isinstance(task.get("data"), dict):
        return isinstance(task.get("annotations", task.get("completions")), list)
    return "annotator" in task or "annotation_id" in task or "lead_time" in task  # JSON-MIN


def _read_task(task: object, path: str, annotations: Annotations) -> None:
    if not isinstance(task, dict):
        annotations.leave_out("a task that is none")
        return
    data = task["data"] if isinstance(task.get("data"), dict) else task
    names = [value for value in data.values() if isinstance(value, str) and is_image(_file_name(value))]
    if not names:
        annotations.leave_out("a task without an image")
        return
    try:
        image = _image(annotations, _file_name(names[0]), path)
    except FileRefusedError as error:
        annotations.refuse(_file_name(names[0]), str(error))
        return
    image.split = image.split or split_of(image.path.rpartition("/")[0])
    results = _results(task, image, annotations) if data is not task else _short_results(task)
    labels = _labels_by_id(results)
    for result in results:
        annotations.count(image)
        try:
            _read_result(result, labels, image, annotations)
        except FileRefusedError as error:
            annotations.refuse(image.path, f"{error} It was taken without that.")


def _file_name(value: str) -> str:
    """Of a path, an address, or "/data/local-files/?d=photos/a.jpg"."""
    return unquote(value.partition("?d=")[2] or value.partition("?")[0])


def _image(annotations: Annotations, name: str, path: str) -> Annotated:
    """Raises FileRefusedError."""
    try:
        return annotations.find(name, path)
    except FileRefusedError:
        last = name.rpartition("/")[2]
        if not _UPLOADED.match(last):
            raise
        return annotations.find(_UPLOADED.sub("", last), path)


def _results(task: Mapping[str, Any], image: Annotated, annotations: Annotations) -> list[dict[str, Any]]:
    every = task.get("annotations", task.get("completions"))
    made = [
        one["result"]
        for one in (every if isinstance(every, list) else ())
        if isinstance(one, dict) and isinstance(one.get("result"), list) and not one.get("was_cancelled")
    ]
    for _ in made[1:]:
        annotations.leave_out("another annotation of the same image")
    image.uncertain |= not made
    return [result for result in (made[0] if made else ()) if isinstance(result, dict)]


def _short_results(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of JSON-MIN, where values and sizes stand beside one another; choices are a word or a list of words."""
    results: list[dict[str, Any]] = []
    for key, value in task.items():
        if isinstance(value, list):
            results += [{**one, "value": one} for one in value if isinstance(one, dict)]
        elif isinstance(value, dict) and isinstance(value.get("choices"), list):
            results.append({"value": value})
        elif key == "choice" and isinstance(value, str):
            results.append({"value": {"choices": [value]}})
    return results


def _labels_of(value: Mapping[str, Any]) -> list[Any]:
    return [label for key in _LABELS if isinstance(value.get(key), list) for label in value[key]]


def _labels_by_id(results: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """A shape and its labels may be two results with the same id."""
    labels: dict[str, list[Any]] = {}
    for result in results:
        value = result.get("value")
        if isinstance(value, dict) and isinstance(result.get("id"), str):
            labels.setdefault(result["id"], []).extend(_labels_of(value))
    return labels


def _read_result(
    result: Mapping[str, Any],
    labels_by_id: Mapping[str, list[Any]],
    image: Annotated,
    annotations: Annotations,
) -> None:
    """Raises FileRefusedError."""
    value = result.get("value")
    if not isinstance(value, dict):
        annotations.leave_out("a result without a value")
        return
    size = whole_size(result.get("original_width"), result.get("original_height"))
    image.size = size or image.size
    mark = _mark(value, size, _role(result))
    labels = _labels_of(value) or labels_by_id.get(str(result.get("id")), [])
    if not labels:
        annotations.leave_out("a result without a label")
    elif mark is None and not ("choices" in value or "labels" in value):
        annotations.leave_out("a result of another kind")
    for label in labels:
        name = annotations.class_of(label)
        if mark is not None or "choices" in value:
            image.add(name, mark)


def _role(result: Mapping[str, Any]) -> Role:
    meta = result.get("meta")
    text = meta.get("text") if isinstance(meta, dict) else None
    return "ignore_this" if isinstance(text, list) and "ignore_this" in text else "look_here"


def _mark(value: Mapping[str, Any], size: tuple[int, int] | None, role: Role) -> Mark | None:
    """All lengths are percents of the image's sides. Raises FileRefusedError."""
    if isinstance(value.get("rle"), list):
        if size is None:
            raise FileRefusedError("A brush stroke does not give the size of its image.")
        return Brush.of(value["rle"], size, role)
    if isinstance(value.get("points"), list):
        pairs = [
            point if isinstance(point, list) and len(point) == 2 else (None, None)
            for point in value["points"]
        ]
        return Outline(
            "polygon", tuple((number(x) / 100, number(y) / 100) for x, y in pairs), role, relative=True
        )
    x, y = number(value.get("x")) / 100, number(value.get("y")) / 100
    turned = math.radians(number(value.get("rotation", 0)))
    if "radiusX" in value:
        across, down = number(value.get("radiusX")) / 100, number(value.get("radiusY")) / 100
        angles = [2 * math.pi * step / _ELLIPSE for step in range(_ELLIPSE)]
        offsets = [(across * math.cos(angle), down * math.sin(angle)) for angle in angles]
    elif "width" in value and "height" in value:
        across, down = number(value["width"]) / 100, number(value["height"]) / 100
        if turned == 0:
            return Outline("box", ((x, y), (x + across, y + down)), role, relative=True)
        offsets = [(0.0, 0.0), (across, 0.0), (across, down), (0.0, down)]
    else:
        return None
    return Outline("polygon", _turned((x, y), offsets, turned, size), role, relative=True)


def _turned(
    centre: tuple[float, float],
    offsets: Sequence[tuple[float, float]],
    angle: float,
    size: tuple[int, int] | None,
) -> tuple[tuple[float, float], ...]:
    """Shares, turned clockwise in pixels: in shares a turn would shear. FileRefusedError without a size."""
    if size is None and angle:
        raise FileRefusedError("A rotated shape does not give the size of its image.")
    width, height = size or (1, 1)
    cos, sin = math.cos(angle), math.sin(angle)
    return tuple(
        (
            centre[0] + (x * width * cos - y * height * sin) / width,
            centre[1] + (x * width * sin + y * height * cos) / height,
        )
        for x, y in offsets
    )
