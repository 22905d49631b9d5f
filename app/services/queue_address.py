"""What a queue is narrowed to, in words: in the page's address, and on screen."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from urllib.parse import unquote

from db.queue_filters import QueueFilter

EVERYTHING = QueueFilter()
PARAMETERS = (
    *("class", "predicted", "group", "prediction", "confidence"),
    *("guided", "others", "unsaved", "skipped", "doubtful"),
)


def to_address(wanted: QueueFilter, classes: Sequence[str]) -> dict[str, str]:
    """`classes`: names by position."""
    values = {
        "class": None if wanted.label is None else classes[wanted.label],
        "predicted": None if wanted.predicted is None else classes[wanted.predicted],
        "group": None if wanted.group is None else f"{_quoted(wanted.group[0])}:{wanted.group[1]}",
        "prediction": None if wanted.right is None else "right" if wanted.right else "wrong",
        "confidence": None if wanted.confidence is None else "{}-{}".format(*per_cent(wanted.confidence)),
        "guided": None if wanted.guided is None else "yes" if wanted.guided else "no",
        "others": "yes" if wanted.others else None,
        "unsaved": "yes" if wanted.unsaved else None,
        "skipped": "yes" if wanted.skipped else None,
        "doubtful": "yes" if wanted.doubtful else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def from_address(given: Mapping[str, str], classes: Sequence[str]) -> QueueFilter:
    """What says nothing is left out: an address can be typed, or be old."""
    positions = {name: position for position, name in enumerate(classes)}
    attribute, colon, value = given.get("group", "").partition(":")
    limits = re.fullmatch(r"(\d{1,3})-(\d{1,3})", given.get("confidence", ""))
    low, high = (min(int(limit), 100) for limit in limits.groups()) if limits else (0, 100)
    return QueueFilter(
        label=positions.get(given.get("class", "")),
        predicted=positions.get(given.get("predicted", "")),
        group=(unquote(attribute), value) if colon else None,
        right={"right": True, "wrong": False}.get(given.get("prediction", "")),
        confidence=None if (low, high) == (0, 100) else (low / 100, high / 100),
        guided={"yes": True, "no": False}.get(given.get("guided", "")),
        others=given.get("others") == "yes",
        unsaved=given.get("unsaved") == "yes",
        skipped=given.get("skipped") == "yes",
        doubtful=given.get("doubtful") == "yes",
    )


def in_words(wanted: QueueFilter, classes: Sequence[str]) -> dict[str, str]:
    """Of each field that narrows the queue, what the person reads."""
    words = {
        "label": "" if wanted.label is None else f"Class: {classes[wanted.label]}",
        "predicted": "" if wanted.predicted is None else f"Predicted: {classes[wanted.predicted]}",
        "group": "" if wanted.group is None else "{}: {}".format(*wanted.group),
        "right": "Correct" if wanted.right else "Wrong",
        "confidence": ""
        if wanted.confidence is None
        else "Confidence {}–{} %".format(*per_cent(wanted.confidence)),
        "guided": "Guided" if wanted.guided else "Not guided",
        "others": "Guided by others only",
        "unsaved": "Unsaved drawings",
        "skipped": "Moved to the end",
        "doubtful": "Doubtful labels",
    }
    return {name: words[name] for name in narrowing_fields(wanted)}


def narrowing_fields(wanted: QueueFilter) -> list[str]:
    """Names of the fields that narrow the queue."""
    names = [item.name for item in fields(wanted)]
    return [name for name in names if getattr(wanted, name) != getattr(EVERYTHING, name)]


def without(wanted: QueueFilter, field: str) -> QueueFilter:
    """The same, not narrowed by this field."""
    return replace(wanted, **{field: getattr(EVERYTHING, field)})


def per_cent(limits: tuple[float, float]) -> tuple[int, int]:
    return round(100 * limits[0]), round(100 * limits[1])


def _quoted(attribute: str) -> str:
    """Without the colon that stands before the value."""
    return attribute.replace("%", "%25").replace(":", "%3A")
