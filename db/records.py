"""Frozen records: the results of all queries.

No ORM object ever leaves a session; every query returns these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from db.people import LATEST, Whose

Split = Literal["train", "validation", "test"]
Role = Literal["look_here", "ignore_this"]
Shape = Literal["box", "polygon", "brush"]
RunStatus = Literal["queued", "running", "published", "kept", "failed", "cancelled"]
RunMode = Literal["quick", "full"]
Review = Literal["open", "skipped"]

MODES: tuple[RunMode, ...] = ("quick", "full")
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
ACTIVE_STATUSES: tuple[RunStatus, ...] = ("queued", "running")


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    id: int
    name: str  # unique among projects outside the bin
    source: str  # "demo", "upload" or "folder"
    backbone: str  # a timm model name; of a given model the name of its network, as "torchvision/resnet18"
    image_size: int  # side of the square the model sees, pixels
    multi_label: bool  # images may show several classes, and each class is decided by itself
    current_version_id: int | None  # the published model version, None before the first run
    created_at: datetime  # UTC
    label_revision: int = 0  # grows when one of its images gets another label or split
    given_model: str | None = None  # SHA-256 of the model file that somebody brought as the first version
    review_revision: int = 0  # grows when guidance of it is saved, or an image skipped
    deleted_at: datetime | None = None  # UTC; of a project in the bin
    whose: Whose = LATEST  # whose drawings count


@dataclass(frozen=True, slots=True)
class ClassRecord:
    id: int
    project_id: int
    position: int  # index of this class in the model's output, from 0
    name: str


@dataclass(frozen=True, slots=True)
class LabelRecord:
    """A class that an image shows."""

    class_id: int
    class_position: int
    mask_sha256: str | None = None  # ground-truth object mask, for evaluation only; never used to train


@dataclass(frozen=True, slots=True)
class ImageRecord:
    id: int
    project_id: int
    name: str  # the file name as the user knows it, relative to the folder or zip; unique in the project
    sha256: str  # of the stored bytes; names the file in the store
    suffix: str  # ".jpg", ".png", …: of the stored file
    width: int  # pixels, after EXIF orientation
    height: int
    split: Split
    labels: tuple[LabelRecord, ...]  # the true classes, at least one
    groups: Mapping[str, str]  # known attributes, e.g. {"place": "water"}
    review: Review
    # Class positions of the imported labels, where somebody changed them.
    given_positions: tuple[int, ...] | None = None
    moved_from: Split | None = None  # the imported split, where somebody moved it to another one

    @property
    def class_id(self) -> int:
        """Of the first label; an image of a single-label project has no other."""
        return self.labels[0].class_id

    @property
    def class_position(self) -> int:
        return self.labels[0].class_position

    @property
    def mask_sha256(self) -> str | None:
        """Of the first label."""
        return self.labels[0].mask_sha256

    @property
    def counter_example(self) -> bool:
        """Whether somebody moved it from validation to training."""
        return self.split == "train" and self.moved_from == "validation"

    @property
    def positions(self) -> tuple[int, ...]:
        """Class positions of all labels."""
        return tuple(label.class_position for label in self.labels)

    def seen_as(self, class_id: int) -> "ImageRecord":
        """The same image with the label of this class first. Raises ValueError where it has no such label."""
        if class_id not in (label.class_id for label in self.labels):
            raise ValueError(f"{self.name}: expected one of its own classes, got {class_id}")
        return replace(self, labels=tuple(sorted(self.labels, key=lambda label: label.class_id != class_id)))


@dataclass(frozen=True, slots=True)
class RegionRecord:
    """One drawn shape, in image pixels (x right, y down, origin at the top left corner)."""

    shape: Shape
    role: Role
    points: tuple[tuple[float, float], ...]  # box: two opposite corners; polygon: corners; brush: the stroke
    width: float | None = None  # brush only: diameter of the stroke, image pixels


@dataclass(frozen=True, slots=True)
class GuidanceRecord:
    """All regions of one image for one class by one person: what the paper calls external supervision."""

    id: int
    image_id: int
    class_id: int
    regions: tuple[RegionRecord, ...]
    look_png: bytes | None  # 1-bit PNG of the image's size: 1 = look here; None when no such region
    ignore_png: bytes | None  # likewise for ignore this
    revision: int  # grows with every save for this image and class, whoever saves
    guided_at: datetime  # since when there are regions
    answered: bool = False  # an answer about the map, not changed since
    author_id: int | None = None  # None: of several people


@dataclass(frozen=True, slots=True)
class DraftRecord:
    """An unsaved drawing; training ignores it."""

    image_id: int
    class_id: int
    revision: int  # of the guidance it began from, 0 when there was none
    regions: tuple[RegionRecord, ...]  # empty: the saved regions are to be removed


@dataclass(frozen=True, slots=True)
class RefusalRecord:
    name: str  # the file
    reason: str  # one plain sentence


@dataclass(frozen=True, slots=True)
class RunRecord:
    id: int
    project_id: int
    mode: RunMode
    status: RunStatus
    config: Mapping[str, Any]  # gain_core TrainConfig.to_dict()
    base_version_id: int | None  # the version training starts from; None: from the packaged backbone
    attempt: int  # 0 while never claimed, then from 1
    max_attempts: int
    cancel_requested: bool
    progress: Mapping[str, Any]  # latest event of the child, {} before the first
    message: str | None  # shown to people: why it failed, was cancelled, or was not published
    version_id: int | None  # the model version that it made, if any
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    lease_token: str | None
    lease_until: datetime | None
    whose: Whose = LATEST  # whose drawings it learns from, as the project had it when it was asked for


@dataclass(frozen=True, slots=True)
class RunEventRecord:
    run_id: int
    attempt: int
    seq: int  # line number in the child's progress file, from 0
    payload: Mapping[str, Any]  # gain_core event as a dict, see gain_core/events.py


@dataclass(frozen=True, slots=True)
class VersionRecord:
    id: int
    project_id: int
    number: int  # 1, 2, 3 … within the project
    run_id: int | None
    parent_id: int | None  # version it was trained from
    path: str  # of the safetensors file, relative to the data folder
    sha256: str
    note: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """The figures of `PredictionRecord` for one of several labels."""

    label: int  # class position
    attention_inside: float | None
    attention_spread: float | None


@dataclass(frozen=True, slots=True)
class PredictionRecord:
    """The prediction of one model version for one image."""

    version_id: int
    image_id: int
    predicted: int  # class position of the most probable class
    probabilities: tuple[float, ...]  # by class position, in [0, 1]
    # Share of the attention to `label` inside the object mask, else guidance; None when there is neither, or
    # when the image does not have this label any more.
    attention_inside: float | None
    attention_spread: float | None = None  # share of the picture that this attention covers, in (0, 1]
    evidence_inside: float | None = None  # as attention_inside, but of the predicted class's attention
    evidence_group: int | None = None  # from 0 within the predicted class; None: test image, or not computed
    # The most frequent other label among the most similar training images, and its share in [0, 1]; None as
    # above, and for images that are not training images.
    label_rival: int | None = None  # class position
    label_doubt: float | None = None
    # Class position predicted by the version's control (the same training without drawings); None: no
    # control.
    control_predicted: int | None = None
    control_probabilities: tuple[float, ...] | None = None  # of a multi-label project
    # Confidence of the version's most confident mistake on the image's current labels, in (0, 1]; None: no
    # mistake. See `db.mistakes`.
    mistake: float | None = None
    label: int = 0  # class position: the true class then; of several the one that the version sees least
    label_figures: tuple[LabelFigures, ...] = ()  # where an image has several labels: of each

    @property
    def right(self) -> bool:
        return self.mistake is None
