"""A small picture of an image with what is drawn on it."""

import io

import numpy as np
from PIL import Image

from app.drawing.regions import fit_canvas
from app.drawing.several_people import mask_of
from app.services import library
from app.workspace import Workspace
from db.records import GuidanceRecord, ImageRecord

SIDE = 360  # pixels, longest side: some 20 KB
_LOOK, _IGNORE = (22, 160, 106), (224, 106, 27)


def drawn_over(ws: Workspace, image: ImageRecord, guidance: GuidanceRecord) -> bytes:
    """JPEG; green: look here, orange: ignore this. Raises MissingFileError."""
    photo = small(library.open_image(ws, image))
    for png, colour in ((guidance.look_png, _LOOK), (guidance.ignore_png, _IGNORE)):
        mask = mask_of(png)
        if mask is not None:
            inside = np.asarray(Image.fromarray(mask).convert("L").resize(photo.size)) > 0
            values = np.asarray(photo).copy()
            values[inside] = (values[inside] * 0.45 + np.array(colour) * 0.55).astype(np.uint8)
            photo = Image.fromarray(values)
    return jpeg(photo)


def small(photo: Image.Image) -> Image.Image:
    return photo.resize(fit_canvas(photo.size, SIDE, SIDE), Image.Resampling.LANCZOS)


def jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=82)
    return buffer.getvalue()
