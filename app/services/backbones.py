"""What a project's first model is trained from."""

from app.errors import ServiceError
from app.services import people, training
from app.workspace import Workspace
from db import first_models, library
from db.records import RunRecord
from gain_core.models.spec import DEFAULT_BACKBONE
from gain_core.training.config import quick_steps

# Their weights are installed with the program; and the input size that they were trained with.
PACKAGED: dict[str, int] = {
    DEFAULT_BACKBONE: 224,
    "tf_efficientnet_lite1": 240,
    "tf_efficientnet_lite2": 260,
}
# A few of timm's that are often asked for; it downloads their weights.
DOWNLOADED: dict[str, int] = {
    "resnet50": 224,
    "mobilenetv3_large_100": 224,
    "convnext_tiny": 224,
    "vgg16": 224,
}


def default_steps(ws: Workspace, project_id: int) -> int:
    """By the number of classes."""
    return quick_steps(len(library.list_classes(ws.database, project_id)))


def request_first_model(
    ws: Workspace, project_id: int, backbone: str, image_size: int, steps: int
) -> RunRecord:
    """Queue the training of a first model from this backbone.

    ServiceError for a backbone that timm does not have or that is not convolutional;
    db.errors.RunRefusedError for a project that has a model already.
    """
    people.require(ws, "maintainer", "train a model")
    project = library.get_project(ws.database, project_id)
    if (backbone, image_size) != (project.backbone, project.image_size):
        if backbone not in PACKAGED:
            _expect_backbone(backbone)
        first_models.choose_backbone(ws.database, project_id, backbone, image_size)
    return training.request_first_model(ws, project_id, steps=steps)


def _expect_backbone(name: str) -> None:
    from gain_core.errors import BackboneError  # timm: takes seconds
    from gain_core.models.backbones import family

    try:
        family(name)
    except BackboneError as error:
        raise ServiceError(f"{error}.") from error
