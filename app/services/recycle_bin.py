"""Deleted projects: in the bin for `settings.bin_days`, where they lose nothing, then gone for good."""

import shutil

from app.errors import ServiceError
from app.importing.staging import store_lock
from app.services import people
from app.workspace import Workspace
from db import first_models, recycle_bin, runs
from db import library as rows
from db.errors import RunRefusedError
from db.records import ProjectRecord
from db.recycle_bin import BinnedProject


def put_into_bin(ws: Workspace, project_id: int) -> None:
    """No page and no command shows it any more; its name is free.

    Raises db.errors.NotFoundError, and ServiceError while one of its runs is queued or running.
    """
    people.require(ws, "maintainer", "delete a project")
    try:
        recycle_bin.put_into_bin(ws.database, project_id)
    except RunRefusedError as error:
        raise ServiceError(str(error)) from error


def take_out_of_bin(ws: Workspace, project_id: int) -> ProjectRecord:
    """As it was, under another name where its own was given away. Raises db.errors.NotFoundError."""
    people.require(ws, "maintainer", "restore a project")
    return recycle_bin.take_out_of_bin(ws.database, project_id)


def contents(ws: Workspace) -> list[BinnedProject]:
    """What was deleted last comes first."""
    return recycle_bin.list_bin(ws.database)


def count(ws: Workspace) -> int:
    return recycle_bin.count_bin(ws.database)


def overdue(ws: Workspace) -> list[BinnedProject]:
    """What has been in the bin for as long as the setting says."""
    return recycle_bin.list_bin(ws.database, ws.settings.bin_days)


def delete_for_good(ws: Workspace, project_id: int) -> None:
    """Delete a project in the bin: its rows, its runs' files, and images that no other project uses, with
    everything computed from them.

    The rows go first: what an interruption leaves is found by `file_check`. Raises db.errors.NotFoundError,
    also where somebody has taken it out of the bin.
    """
    people.require(ws, "maintainer", "delete a project")
    project = rows.get_project(ws.database, project_id, or_in_bin=True)
    with store_lock(ws.files):
        images = rows.list_images(ws.database, project_id)
        run_ids = [run.id for run in runs.list_runs(ws.database, project_id)]
        rows.delete_project(ws.database, project_id, from_bin=True)
        used = rows.used_hashes(ws.database)
        for made in ws.files.made_from({image.sha256 for image in images} - used):
            made.unlink(missing_ok=True)
        for image in images:
            if image.sha256 not in used:
                ws.files.image(image.sha256, image.suffix).unlink(missing_ok=True)
            for label in image.labels:
                if label.mask_sha256 is not None and label.mask_sha256 not in used:
                    ws.files.mask(label.mask_sha256).unlink(missing_ok=True)
        given = project.given_model
        if given is not None and given not in first_models.given_models(ws.database):
            ws.files.given_model(given).unlink(missing_ok=True)
    shutil.rmtree(ws.files.prepared(project_id), ignore_errors=True)
    for run_id in run_ids:
        shutil.rmtree(ws.files.run_folder(run_id, 0).parent, ignore_errors=True)
