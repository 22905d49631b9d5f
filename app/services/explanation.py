"""Where a model version looks: attention maps of one stored image. Loads no torch where a session is kept."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.drawing.regions import fit_canvas, rasterise, scaled
from app.errors import MissingFileError
from app.services import library
from app.workspace import Workspace
from db.records import ImageRecord, RegionRecord, VersionRecord
from gain_core.explain.inference import inference_of_file
from gain_core.imaging.cells import cell_means
from gain_core.metrics import attention_inside
from gain_core.models.files import file_sha256
from gain_core.models.frame import on_picture, seen_part
from gain_core.models.inference import EvidenceMaps, InferenceModel, probabilities_of
from gain_core.models.spec import pixels

# Compare shows two versions at a time and Annotate a third one; each takes some 15 MB by default.
KEPT_MODELS = 4
RASTER = 512  # longer side of the masks that the page asks about with every stroke, pixels
MOST_EVIDENCE = 0.5  # share of the wrong class's evidence inside a region from which the region misleads


@dataclass(frozen=True, slots=True, eq=False)
class AttentionView:
    """What one model version says of one image, and what in the image says so."""

    # (C, h, w), signed: for (+) and against (−) each class, before eq. 2's ReLU. It covers the picture, and
    # is zero where the model does not look.
    evidence: NDArray[np.float32]
    probabilities: tuple[float, ...]  # by class position, in [0, 1]
    multi_label: bool = False  # each class is decided by itself

    @property
    def predicted(self) -> int:
        """Class position of the most probable class."""
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__)

    def rival(self, position: int) -> int | None:
        """The strongest other class; None where there is one class alone, or each is decided by itself."""
        if self.multi_label:
            return None
        others = [other for other in range(len(self.probabilities)) if other != position]
        return max(others, key=self.probabilities.__getitem__, default=None)

    def attention(self, position: int, *, against_rival: bool = False) -> NDArray[np.float32]:
        """(h, w) >= 0: what speaks for the class at `position`, or for it rather than its strongest rival."""
        rival = self.rival(position) if against_rival else None
        evidence = self.evidence[position]
        return np.maximum(evidence if rival is None else evidence - self.evidence[rival], 0)


@dataclass(frozen=True, slots=True)
class RegionView:
    """What one model version makes of the regions that somebody has drawn on one image."""

    predicted_alone: int  # class position that the features inside the *look here* regions give by themselves
    evidence_inside: (
        float | None
    )  # share of the predicted class's attention there, in [0, 1]; None: it has none

    def misleads(self, label: int) -> bool:
        """Whether what misleads the model lies inside, on a mispredicted image: the region alone gives
        another class than `label`, or at least half of the evidence for the wrong class lies there.
        """
        return self.predicted_alone != label or (self.evidence_inside or 0.0) >= MOST_EVIDENCE


class ModelShelf:
    """The models used last, loaded once and shared by all threads; explaining never changes a model."""

    def __init__(self, kept: int = KEPT_MODELS) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._models: OrderedDict[tuple[str, str], InferenceModel] = OrderedDict()
        self._loading: dict[tuple[str, str], threading.Lock] = {}

    def get(self, ws: Workspace, version: VersionRecord) -> InferenceModel:
        """The model of `version`. Raises MissingFileError when its file is gone or was changed."""
        key = (str(ws.files.absolute(version.path)), version.sha256)
        with self._lock:
            if key in self._models:
                self._models.move_to_end(key)
                return self._models[key]
            loading = self._loading.setdefault(key, threading.Lock())
        with (
            loading
        ):  # several threads may want the same new model: one loads it, the others wait for that one
            with self._lock:
                if key in self._models:
                    return self._models[key]
            model = _load(ws, version)
            with self._lock:
                self._models[key] = model
                self._loading.pop(key, None)
                while len(self._models) > self._kept:
                    self._models.popitem(last=False)
        return model

    def __len__(self) -> int:
        return len(self._models)


def _load(ws: Workspace, version: VersionRecord) -> InferenceModel:
    path = ws.files.absolute(version.path)
    if not path.is_file():
        raise MissingFileError(
            f"The file of model version {version.number} is missing from the data folder: {path}."
        )
    if file_sha256(path) != version.sha256:
        raise MissingFileError(
            f"The file of model version {version.number} has changed since it was published: {path}."
        )
    if ws.settings.networks:
        from gain_core.models.networks import register_networks  # torch

        register_networks(ws.settings.networks)
    return inference_of_file(path, version.sha256)


SHELF = ModelShelf()


def attention_for(
    ws: Workspace, version: VersionRecord, image: ImageRecord, shelf: ModelShelf = SHELF
) -> AttentionView:
    """Evidence maps of every class and the probabilities for `image`, in one pass through the model.

    Safe to call from several threads. Raises MissingFileError for a missing photograph or model file.
    """
    return view_of(shelf.get(ws, version), library.open_image(ws, image))


def view_of(model: InferenceModel, photo: Image.Image) -> AttentionView:
    """Of any photograph, RGB; its maps cover the whole of it."""
    maps = model.evidence_maps(pixels(photo, model.spec)[None])
    probabilities = probabilities_of(maps.logits, model.spec.multi_label)[0]
    evidence = on_picture(maps.evidence[0], photo.size, model.spec)
    return AttentionView(evidence, tuple(probabilities.tolist()), model.spec.multi_label)


def region_for(
    ws: Workspace,
    version: VersionRecord,
    image: ImageRecord,
    regions: Sequence[RegionRecord],
    shelf: ModelShelf = SHELF,
) -> RegionView | None:
    """What one model version makes of what is drawn on `image`; None without a *look here* region on it.

    Safe to call from several threads. Raises MissingFileError for a missing photograph or model file.
    """
    look, ignore = drawn_masks(image, regions)
    if look is None:
        return None
    drawn = look if ignore is None else look & ~ignore
    model = shelf.get(ws, version)
    maps = _maps(model, ws, image)
    drawn = np.asarray(seen_part(Image.fromarray(drawn), model.spec))
    logits, evidence = maps.logits[0], maps.evidence[0]  # (C,), (C, h, w)
    inside = cell_means(drawn, (evidence.shape[1], evidence.shape[2]))
    predicted = int(logits.argmax())
    return RegionView(
        predicted_alone=int(_logits_of_region(logits, evidence, inside).argmax()),
        evidence_inside=attention_inside(np.maximum(evidence[predicted], 0), inside),
    )


def drawn_masks(
    image: ImageRecord, regions: Sequence[RegionRecord]
) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None]:
    """What to look at and what to ignore, each (h, w) over the whole image, `RASTER` pixels on the longer
    side; None where nothing is drawn in that role.
    """
    size = fit_canvas((image.width, image.height), RASTER, RASTER)
    scale = size[0] / image.width, size[1] / image.height
    look, ignore = (
        None if mask is None else np.asarray(mask) > 0
        for mask in rasterise([scaled(region, *scale) for region in regions], size)
    )
    return look, ignore


def _maps(model: InferenceModel, ws: Workspace, image: ImageRecord) -> EvidenceMaps:
    return model.evidence_maps(pixels(library.open_image(ws, image), model.spec)[None])


def _logits_of_region(
    logits: NDArray[np.float32], evidence: NDArray[np.float32], inside: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Logits of the features pooled over `inside` (h, w) alone: (C,).

    A logit is the sum of its evidence and a bias; over the region the mean of the evidence takes the place of
    the mean over all h·w places. Exact for pooling and a linear layer; of an empty region the bias.
    """
    bias = logits - evidence.sum((1, 2))
    shares = inside / (inside.sum() or 1.0)
    pooled: NDArray[np.float64] = bias + (evidence * shares).sum((1, 2)) * inside.size
    return pooled
