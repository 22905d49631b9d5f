"""`train`: the first model of a project, on labels alone."""

from argparse import ArgumentParser, Namespace

from app.cli.chosen import add_project, project_of
from app.cli.output import Output, Result
from app.cli.training_result import trained
from app.services import training
from app.workspace import Workspace

NAME = "train"
HELP = "train the first model of a project, on labels alone"


def add_arguments(parser: ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--seed", type=int, default=0, help="same seed, images and machine: same model")
    parser.add_argument("--steps", type=int, help="training steps (default: by the number of classes)")


def run(ws: Workspace, arguments: Namespace, output: Output) -> Result:
    """Raises ServiceError, DatabaseError, GainError."""
    project = project_of(ws, arguments.project)
    run = training.request_first_model(ws, project.id, seed=arguments.seed, steps=arguments.steps)
    return trained(ws, run, output)
