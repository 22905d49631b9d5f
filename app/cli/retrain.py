"""`retrain`: train with the guidance of a project."""

from argparse import ArgumentParser, Namespace

from app.cli.chosen import add_project, project_of
from app.cli.output import Output, Result
from app.cli.training_result import trained
from app.services import training
from app.workspace import Workspace

NAME = "retrain"
HELP = "train with all saved guidance, and a control without it (quick)"


def add_arguments(parser: ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument(
        "--mode",
        choices=("quick", "full"),
        default="quick",
        help="quick: the last layers, half a minute; full: all layers, wants a GPU (default: quick)",
    )
    parser.add_argument("--objective", help="the method, e.g. guided or gainext (default: the mode's own)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, images and machine: same model")
    parser.add_argument("--steps", type=int, help="training steps (default: the mode's own)")


def run(ws: Workspace, arguments: Namespace, output: Output) -> Result:
    """Raises ServiceError, DatabaseError, GainError."""
    project = project_of(ws, arguments.project)
    run = training.request_retrain(
        ws,
        project.id,
        arguments.mode,
        objective=arguments.objective,
        seed=arguments.seed,
        steps=arguments.steps,
    )
    return trained(ws, run, output)
