"""Which project and which version an argument names."""

from argparse import ArgumentParser

from app.errors import ServiceError
from app.plain_text import one_line
from app.workspace import Workspace
from db import library, versions
from db.records import SPLITS, ProjectRecord, VersionRecord


def add_project(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--project", metavar="NAME", help="its name or number; not needed where there is only one"
    )


def add_split(parser: ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--split", choices=SPLITS, default=default, help=f"images to use (default: {default})"
    )


def project_of(ws: Workspace, named: str | None) -> ProjectRecord:
    """A project by name or number, else the only one. Raises ServiceError naming those that there are."""
    projects = library.list_projects(ws.database)
    if named is None and len(projects) == 1:
        return projects[0]
    matching = [project for project in projects if named in (project.name, str(project.id))]
    if matching:
        return next((project for project in matching if project.name == named), matching[0])
    there = ", ".join(f"{project.id} ({one_line(project.name)})" for project in projects[:10]) or "none"
    wanted = "Name a project with --project" if named is None else f"There is no project {one_line(named)!r}"
    raise ServiceError(f"{wanted}; there are: {there}.")


def version_of(ws: Workspace, project: ProjectRecord, number: int | None) -> VersionRecord:
    """A version by its number in the project, else the published one. Raises ServiceError."""
    there = versions.list_versions(ws.database, project.id)
    for version in there:
        if version.number == number or (number is None and version.id == project.current_version_id):
            return version
    if not there:
        raise ServiceError(f"{one_line(project.name)} has no model yet: train the first one.")
    numbers = ", ".join(str(version.number) for version in there)
    raise ServiceError(f"{one_line(project.name)} has no version {number}; there are: {numbers}.")
