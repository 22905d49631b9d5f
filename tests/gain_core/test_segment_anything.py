"""SAM in ONNX files: what it is given, what is made of its answer, and which files are refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gain_core.errors import CheckpointError
from gain_core.guidance.segment_anything import MEAN, STD, Segmenter
from tests.sam_files import AROUND, write_decoder, write_encoder


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Segmenter:
    folder = tmp_path_factory.mktemp("sam")
    return Segmenter(write_encoder(folder / "encoder.onnx"), write_decoder(folder / "decoder.onnx"))


def covers(mask: np.ndarray, box: tuple[int, int, int, int]) -> bool:
    left, top, right, bottom = box
    expected = np.zeros_like(mask)
    expected[top:bottom, left:right] = True
    return bool((mask == expected).all())


def test_the_encoder_sees_the_photograph_normalised_and_padded(segmenter: Segmenter) -> None:
    photo = Image.new("RGB", (400, 200), (250, 100, 10))

    embedding = segmenter.embed(photo)

    assert embedding.size == (400, 200)
    upper, lower = embedding.features[0, :, :32], embedding.features[0, :, 32:]
    expected = (np.array([250, 100, 10]) - MEAN) / STD
    np.testing.assert_allclose(upper, np.broadcast_to(expected[:, None, None], (3, 32, 64)), rtol=1e-4)
    assert not lower.any()


@pytest.mark.parametrize(
    ("size", "scale"), [((400, 200), 2.56), ((150, 300), 1024 / 300), ((4096, 1024), 0.25)]
)
def test_a_box_and_a_click_are_told_in_pixels_of_the_resized_picture(
    segmenter: Segmenter, size: tuple[int, int], scale: float
) -> None:
    embedding = segmenter.embed(Image.new("RGB", size))
    width, height = (round(side * scale) for side in size)
    box = (size[0] / 4, size[1] / 8, size[0] / 2, size[1] / 2)

    mask = segmenter.in_box(embedding, box)

    assert mask.shape == (height, width)
    assert covers(mask, tuple(int(np.ceil(round(edge * scale, 3))) for edge in box))  # type: ignore[arg-type]
    x, y = size[0] / 2, size[1] / 2
    at = segmenter.at(embedding, (x, y))
    column, row = round(x * scale), round(y * scale)
    assert covers(at, (column - AROUND, row - AROUND, column + AROUND, row + AROUND))


def test_files_that_are_no_such_network_are_refused_by_name(tmp_path: Path) -> None:
    encoder, decoder = write_encoder(tmp_path / "encoder.onnx"), write_decoder(tmp_path / "decoder.onnx")
    lacking = write_decoder(tmp_path / "lacking.onnx", without="point_labels")
    small = write_encoder(tmp_path / "small.onnx", side=512)
    text = tmp_path / "text.onnx"
    text.write_text("no network")

    for pair, said in (
        ((decoder, decoder), r"decoder.onnx: expected an encoder with one input .* got image_embeddings"),
        ((small, decoder), r"small.onnx: expected an encoder .* got x \(1, 3, 512, 512\)"),
        ((encoder, encoder), r"encoder.onnx: expected a decoder with image_embeddings, .* got x"),
        ((encoder, lacking), r"lacking.onnx: expected a decoder with point_labels, got"),
        ((text, decoder), r"text.onnx: ONNX Runtime cannot open the model"),
        ((tmp_path / "gone.onnx", decoder), r"expected an ONNX file at .*gone.onnx, got none"),
    ):
        with pytest.raises(CheckpointError, match=said):
            Segmenter(*pair)
