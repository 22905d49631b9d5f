"""Pictures of three classes that their colours tell apart, and how a model of them sees them."""

from random import Random

from PIL import Image

from gain_core.models.spec import ModelSpec

COLOURS = {"boat": (40, 70, 180), "buoy": (190, 60, 40), "car": (60, 150, 50)}
OUTPUTS = ("car", "boat", "buoy")  # the order of the network that is brought
SIZE = (96, 72)


def picture(name: str, seed: int) -> Image.Image:
    chance = Random(f"{name} {seed}")
    image = Image.new("RGB", SIZE, tuple(value + chance.randint(-25, 25) for value in COLOURS[name]))
    left, top = chance.randint(0, 60), chance.randint(0, 40)
    image.paste((240, 240, 240), (left, top, left + 20, top + 20))
    return image


def spec(
    classes: tuple[str, ...] = ("boat", "buoy", "car"),
    backbone: str = "torchvision/mobilenet_v3_small",
    **values: object,
) -> ModelSpec:
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    settings = {"shorter_side": 72, "mean": mean, "std": std, **values}
    return ModelSpec(backbone, classes, 64, **settings)  # type: ignore[arg-type]
