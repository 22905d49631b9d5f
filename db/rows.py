"""Rows to frozen records."""

from db import models
from db.records import (
    ClassRecord,
    GuidanceRecord,
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
        current_version_id=row.current_version_id,
        created_at=row.created_at,
    )


def class_record(row: models.Class) -> ClassRecord:
    return ClassRecord(id=row.id, project_id=row.project_id, position=row.position, name=row.name)


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
        updated_at=row.updated_at,
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
