"""A segmentation network of somebody's own behind the tool *Outline*."""

from pathlib import Path

import numpy as np
import pytest

from gain_core.guidance.segment_anything import Segmenter
from tests.app.seeded import SIDE, Seeded
from tests.app.views.pages import on_canvas, open_page, said, tell
from tests.sam_files import AROUND, write_decoder, write_encoder

SCALE = 1024 / SIDE


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    encoder, decoder = write_encoder(tmp_path / "encoder.onnx"), write_decoder(tmp_path / "decoder.onnx")
    monkeypatch.setenv("REFOCUS_SAM", f"{encoder}:{decoder}")
    return encoder, decoder


def test_a_click_and_a_box_are_outlined_and_the_photograph_is_encoded_once(
    files: tuple[Path, Path], seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    encoded = []
    embed = Segmenter.embed
    monkeypatch.setattr(Segmenter, "embed", lambda *values: (encoded.append(1), embed(*values))[1])
    app = open_page("annotate", {"annotate_image": image.id})
    assert on_canvas(app)["clicks"]

    tell(app, {"do": "outline", "role": "ignore_this", "points": [[32, 20]]})

    guess = on_canvas(app)["guess"]
    near = AROUND / SCALE
    corners = [[x, y] for x in (32 - near, 32 + near) for y in (20 - near, 20 + near)]
    assert guess["role"] == "ignore_this"
    np.testing.assert_allclose(sorted(guess["parts"][0]), corners, atol=0.01)

    tell(app, {"do": "outline", "role": "look_here", "points": [[8, 16], [40, 32]]})
    parts = on_canvas(app)["guess"]["parts"]
    np.testing.assert_allclose(sorted(parts[0]), [[8, 16], [8, 32], [40, 16], [40, 32]], atol=0.01)
    tell(app, {"do": "answer", "accepted": True})
    assert [region["shape"] for region in on_canvas(app)["regions"]] == ["polygon"]
    assert len(encoded) == 1


def test_without_the_setting_a_click_outlines_nothing(seeded: Seeded) -> None:
    app = open_page("annotate", {"annotate_image": seeded.images("train")[0].id})
    assert not on_canvas(app)["clicks"]
    tell(app, {"do": "outline", "role": "look_here", "points": [[32, 20]]})
    assert on_canvas(app)["guess"]["parts"] == []


def test_files_that_are_no_such_network_are_refused_at_the_start(
    files: tuple[Path, Path], seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFOCUS_SAM", f"{files[1]}:{files[0]}")
    app = open_page()
    assert "decoder.onnx: expected an encoder with one input" in said(app)


def test_one_file_alone_is_refused_by_name(
    files: tuple[Path, Path], seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFOCUS_SAM", str(files[0]))
    assert "REFOCUS_SAM: expected two files, the encoder and the decoder" in said(open_page())
