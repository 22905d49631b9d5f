"""A segmentation network of somebody's own: from a box or a click to the object's outline.

Two ONNX files in the format that SAM (Kirillov et al., *Segment Anything*, ICCV 2023) is exported in:

- The encoder takes one picture (1, 3, 1024, 1024), float32: RGB in 0 to 255, the longer side resized to 1024,
  less `MEAN`, divided by `STD`, then zeros to the right and below. It gives embeddings (1, K, h, w).
- The decoder has the inputs `DECODER_INPUTS`, all float32: image_embeddings; point_coords (1, N, 2), x and y
  in pixels of the resized picture; point_labels (1, N), see `CLICK`; mask_input (1, 1, 256, 256) and
  has_mask_input (1), here always 0; orig_im_size (2), height and width that the masks are to have. It gives
  masks (1, M, H, W), above 0 inside, and iou_predictions (1, M), how good it takes each of them for.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from gain_core.errors import CheckpointError
from gain_core.guidance.cut_and_paste import Mask
from gain_core.guidance.outline_in_box import without_specks
from gain_core.imaging.raster import Box, Point
from gain_core.models.inference import Numbers
from gain_core.models.onnx_session import open_session

SIDE = 1024  # pixels of the picture that the encoder sees
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # of RGB
CLICK, UPPER_LEFT, LOWER_RIGHT, NO_POINT = 1.0, 2.0, 3.0, -1.0  # point labels
MASK_INPUT = (1, 1, 256, 256)
DECODER_INPUTS = (
    "image_embeddings",
    "point_coords",
    "point_labels",
    "mask_input",
    "has_mask_input",
    "orig_im_size",
)
DECODER_OUTPUTS = ("masks", "iou_predictions")


class Embedding(NamedTuple):
    """What the encoder makes of one photograph."""

    features: Numbers  # (1, K, h, w)
    size: tuple[int, int]  # (width, height) of the photograph


class Segmenter:
    """Safe for any number of threads."""

    def __init__(self, encoder: Path, decoder: Path) -> None:
        """Raises CheckpointError, naming the file, for one that is no such network."""
        self._encoder, self._decoder = _opened(encoder), _opened(decoder)
        inputs = self._encoder.get_inputs()
        shape = inputs[0].shape if len(inputs) == 1 else []
        sides = zip(shape, (1, 3, SIDE, SIDE), strict=False)
        if len(shape) != 4 or any(isinstance(side, int) and side != right for side, right in sides):
            raise CheckpointError(
                f"{encoder}: expected an encoder with one input (1, 3, {SIDE}, {SIDE}), got "
                + _listed(inputs)
            )
        for names, values in (
            (DECODER_INPUTS, self._decoder.get_inputs()),
            (DECODER_OUTPUTS, self._decoder.get_outputs()),
        ):
            missing = [name for name in names if name not in {value.name for value in values}]
            if missing:
                raise CheckpointError(
                    f"{decoder}: expected a decoder with {', '.join(missing)}, got {_listed(values)}"
                )
        self._input = inputs[0].name

    def embed(self, photo: Image.Image) -> Embedding:
        """photo: RGB. Takes seconds; ask once for each photograph."""
        width, height = resized_size(photo.size)
        values = np.asarray(photo.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)
        padded = np.zeros((1, 3, SIDE, SIDE), dtype=np.float32)
        normal = (values - np.array(MEAN, dtype=np.float32)) / np.array(STD, dtype=np.float32)
        padded[0, :, :height, :width] = normal.transpose(2, 0, 1)
        return Embedding(_run(self._encoder, None, {self._input: padded})[0], photo.size)

    def in_box(self, embedding: Embedding, box: Box) -> Mask:
        """The object in a box, in pixels of the photograph, as (h, w) bool over all of it: `resized_size`."""
        left, top, right, bottom = box
        return self._mask(embedding, [(left, top), (right, bottom)], [UPPER_LEFT, LOWER_RIGHT])

    def at(self, embedding: Embedding, point: Point) -> Mask:
        """The object at a point, as `in_box`."""
        return self._mask(
            embedding, [point, (0.0, 0.0)], [CLICK, NO_POINT]
        )  # without a box it wants a filler

    def _mask(self, embedding: Embedding, points: list[Point], labels: list[float]) -> Mask:
        width, height = resized_size(embedding.size)
        scale = np.array((width, height)) / embedding.size
        masks, quality = _run(
            self._decoder,
            list(DECODER_OUTPUTS),
            {
                "image_embeddings": embedding.features,
                "point_coords": (np.array([points]) * scale).astype(np.float32),
                "point_labels": np.array([labels], dtype=np.float32),
                "mask_input": np.zeros(MASK_INPUT, dtype=np.float32),
                "has_mask_input": np.zeros(1, dtype=np.float32),
                "orig_im_size": np.array((height, width), dtype=np.float32),
            },
        )
        best: NDArray[np.float32] = masks[0, int(quality[0].argmax())]
        return without_specks(best > 0)


def resized_size(size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of a picture of this size, the longer side made `SIDE`."""
    scale = SIDE / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _opened(path: Path) -> onnxruntime.InferenceSession:
    if not path.is_file():
        raise CheckpointError(f"expected an ONNX file at {path}, got none")
    try:
        return open_session(str(path))
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error


def _run(
    session: onnxruntime.InferenceSession, outputs: list[str] | None, values: dict[str, NDArray[np.float32]]
) -> list[NDArray[np.float32]]:
    """Raises CheckpointError: encoder and decoder may be of different networks."""
    try:
        results: list[NDArray[np.float32]] = session.run(outputs, values)
    except Exception as error:  # ONNX Runtime has a dozen kinds that share no base
        raise CheckpointError(f"the segmentation network of REFOCUS_SAM failed: {error}") from error
    return results


def _listed(values: list[onnxruntime.NodeArg]) -> str:
    return ", ".join(f"{value.name} {tuple(value.shape)}" for value in values) or "nothing"
