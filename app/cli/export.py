"""`export`: a version as a bundle or model file, or the drawings or masks of a project."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from app.cli.chosen import add_project, project_of, version_of
from app.cli.output import Output, Result
from app.errors import ServiceError
from app.exporting import drawings
from app.exporting.guided_images import load
from app.plain_text import file_name
from app.services.model_bundle import make_bundle
from app.services.model_files import read_weights
from app.services.project_masks import write_masks
from app.workspace import Workspace

NAME = "export"
HELP = (
    "write a version as a bundle (ONNX, torch.export, model card, predict.py) or model file, the drawings, "
    "or masks of all images, drawn or proposed"
)
ENDINGS = {
    "bundle": "-bundle.zip",
    "model": ".safetensors",
    "drawings": "-drawings.zip",
    "masks": "-masks.zip",
}


def add_arguments(parser: ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--what", choices=tuple(ENDINGS), default="bundle", help="(default: bundle)")
    parser.add_argument("--version", type=int, metavar="N", help="its number (default: the published one)")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="(default: named by project and version, here)"
    )


def run(ws: Workspace, arguments: Namespace, output: Output) -> Result:
    """Raises ServiceError, DatabaseError, GainError."""
    project = project_of(ws, arguments.project)
    name = file_name(project.name)
    values: dict[str, object] = {"project": project.id, "what": arguments.what}
    try:
        if arguments.what == "drawings":
            path: Path = arguments.out or Path(name + ENDINGS["drawings"])
            path.write_bytes(drawings.pack(load(ws, project.id)))
        elif arguments.what == "masks":
            path = arguments.out or Path(name + ENDINGS["masks"])
            values |= asdict(write_masks(ws, project.id, path, output.progress))
        else:
            version = version_of(ws, project, arguments.version)
            values["version"] = version.number
            path = arguments.out or Path(f"{name}-v{version.number}{ENDINGS[arguments.what]}")
            if arguments.what == "bundle":
                make_bundle(ws, version.id, path, output.progress)
            else:
                path.write_bytes(read_weights(ws, version))
    except OSError as error:
        raise ServiceError(f"{path} cannot be written ({error.strerror}).") from error
    return Result({**values, "file": str(path)}, [f"Wrote {path}"])
