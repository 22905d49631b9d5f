"""Rows to frozen records."""

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Row

from db import models
from db.people import Whose
from db.records import (
    ClassRecord,
    GuidanceRecord,
    ImageRecord,
    LabelRecord,
    ProjectRecord,
    RegionRecord,
    RunEventRecord,
    RunRecord,
    VersionRecord,
)


def project_record(row: models.Project) -> ProjectRecord:
    return ProjectRecord(
        id=row.id,
        name=row.name,
        source=row.source,
        backbone=row.backbone,
        image_size=row.image_size,
        given_model=row.given_model,
        multi_label=row.multi_label,
        current_version_id=row.current_version_id,
        created_at=row.created_at,
        label_revision=row.label_revision,
        review_revision=row.review_revision,
        deleted_at=row.deleted_at,
        whose=Whose(row.guidance_rule, row.guidance_of),
    )


def class_record(row: models.Class) -> ClassRecord:
    return ClassRecord(id=row.id, project_id=row.project_id, position=row.position, name=row.name)


def image_records(rows: Iterable[Row[Any]]) -> list[ImageRecord]:
    """Rows of one image after another, a row for each of its labels: what the image has of its own, then
    position among the labels (None: taken away, and last), whether it was imported, and a LabelRecord's
    fields.
    """
    records = []
    for _, of_image in groupby(rows, itemgetter(0)):
        of_labels = [tuple(row) for row in of_image]
        labels, given, changed = [], [], False
        for *_, place, imported, class_id, class_position, mask_sha256 in of_labels:
            if place is not None:
                labels.append(LabelRecord(class_id, class_position, mask_sha256))
            if imported:
                given.append(class_position)
            changed |= imported is (place is None)
        number, project, name, sha256, suffix, width, height, split, groups, review, moved = of_labels[0][:11]
        records.append(
            ImageRecord(
                number,
                project,
                name,
                sha256,
                suffix,
                width,
                height,
                split,
                tuple(labels),
                groups,
                review,
                tuple(sorted(given)) if changed else None,
                moved,
            )
        )
    return records


def guidance_record(row: models.Guidance) -> GuidanceRecord:
    """`row.regions` must have been loaded."""
    return GuidanceRecord(
        id=row.id,
        image_id=row.image_id,
        class_id=row.class_id,
        regions=tuple(_region_record(region) for region in row.regions),
        look_png=row.look_png,
        ignore_png=row.ignore_png,
        revision=row.revision,
        guided_at=row.guided_at,
        answered=row.answered,
        author_id=row.author_id,
    )


def _region_record(row: models.Region) -> RegionRecord:
    return RegionRecord(
        shape=row.shape,
        role=row.role,
        points=tuple((float(x), float(y)) for x, y in row.points),
        width=row.width,
    )


def run_record(row: models.Run, version_id: int | None) -> RunRecord:
    """`version_id`: of the model version this run made."""
    return RunRecord(
        id=row.id,
        project_id=row.project_id,
        mode=row.mode,
        status=row.status,
        config=row.config,
        base_version_id=row.base_version_id,
        attempt=row.attempt,
        max_attempts=row.max_attempts,
        cancel_requested=row.cancel_requested,
        progress=row.progress,
        message=row.message,
        version_id=version_id,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        lease_token=row.lease_token,
        lease_until=row.lease_until,
        whose=Whose(row.guidance_rule, row.guidance_of),
    )


def event_record(row: models.RunEvent) -> RunEventRecord:
    return RunEventRecord(run_id=row.run_id, attempt=row.attempt, seq=row.seq, payload=row.payload)


def version_record(row: models.ModelVersion) -> VersionRecord:
    return VersionRecord(
        id=row.id,
        project_id=row.project_id,
        number=row.number,
        run_id=row.run_id,
        parent_id=row.parent_id,
        path=row.path,
        sha256=row.sha256,
        note=row.note,
        created_at=row.created_at,
    )
