"""Another explanation of one image, for a second opinion: what is asked, and the file that keeps the answer.

`app.jobs.explaining` has it computed in a process of its own. The queue, training and Compare use Grad-CAM.
"""

import io
import time
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.workspace import Workspace
from db.records import ImageRecord, VersionRecord
from gain_core.atomic import write_atomically
from gain_core.errors import InputError
from gain_core.explain.methods import METHODS
from gain_core.explain.methods.method import Progress
from gain_core.imaging.pictures import open_rgb
from gain_core.models.frame import on_picture
from gain_core.models.spec import pixels

if TYPE_CHECKING:
    from gain_core.models.classifier import Classifier


@dataclass(frozen=True, slots=True)
class Question:
    """What in one image speaks for one class, by one method."""

    method: str  # its NAME
    position: int  # of the class
    model: str  # path of the model file
    photograph: str  # path
    file: str  # path of what is kept


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """The answer."""

    method: str
    attention: NDArray[np.float32]  # (h, w) in [0, 1], over the whole picture; zero where the model looks not
    seconds: float  # that the method took for this image


def question(
    ws: Workspace, version: VersionRecord, image: ImageRecord, position: int, method: str
) -> Question:
    """Raises InputError for a method that does not exist."""
    if method not in METHODS:
        raise InputError(f"expected one of {', '.join(METHODS)}, got {method!r}")
    asked = f"{version.sha256} {position} {METHODS[method]!r}"  # with the method's settings
    return Question(
        method,
        position,
        str(ws.files.absolute(version.path)),
        str(ws.files.image(image.sha256, image.suffix)),
        str(ws.files.opinion(sha256(asked.encode()).hexdigest()[:32], image.sha256)),
    )


def read(asked: Question) -> Opinion | None:
    """What was answered before; None where nothing is kept, or what a power cut left."""
    try:
        content = io.BytesIO(Path(asked.file).read_bytes())  # a damaged file would stay open
        with np.load(content, allow_pickle=False) as stored:
            return Opinion(asked.method, stored["attention"], float(stored["seconds"]))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def answer(asked: Question, model: "Classifier", on_progress: Progress) -> None:
    """Compute and keep it. Raises InputError where the method does not apply to the network or the photograph
    cannot be read, OSError, and what `on_progress` raises.
    """
    photograph = open_rgb(Path(asked.photograph))
    image = pixels(photograph, model.spec)
    began = time.perf_counter()
    attention = METHODS[asked.method].explain(model, image, asked.position, on_progress=on_progress)
    seconds = time.perf_counter() - began
    (whole,) = on_picture(attention[None], photograph.size, model.spec)
    content = io.BytesIO()
    np.savez(content, attention=whole, seconds=seconds)
    write_atomically(Path(asked.file), content.getvalue(), durable=False)
