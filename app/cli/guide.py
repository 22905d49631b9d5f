"""`guide`: guidance for the images of a project, from its own masks."""

from argparse import ArgumentParser, Namespace

from app.cli.chosen import add_project, project_of
from app.cli.output import Output, Result
from app.errors import ServiceError
from app.services.annotation import guide_by_masks
from app.workspace import Workspace
from db.annotations import count_guided_images

NAME = "guide"
HELP = "turn masks that the project has for measuring into guidance, the most suspicious images first"


def add_arguments(parser: ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument(
        "--masks",
        type=int,
        required=True,
        metavar="N",
        help="for so many training images, in the order of the queue",
    )


def run(ws: Workspace, arguments: Namespace, output: Output) -> Result:
    """Raises ServiceError, DatabaseError."""
    project = project_of(ws, arguments.project)
    added = len(guide_by_masks(ws, project.id, arguments.masks))
    if not added:
        raise ServiceError("No training image is left that has a mask and no guidance.")
    guided = count_guided_images(ws.database, project.id)
    values = {"project": project.id, "added": added, "guided": guided}
    return Result(values, [f"Guided {added} images by their masks; {guided} are guided now."])
