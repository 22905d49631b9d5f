"""Figures of the map on screen."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.services import annotation
from app.services.map_figures import map_figures
from db.records import RegionRecord
from tests.app.seeded import SIDE, Seeded, open_home, seed

EVEN = np.ones((2, 2), dtype=np.float32)
LEFT_HALF = RegionRecord("box", "look_here", ((0.0, 0.0), (SIDE / 2, SIDE)))


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    ws = open_home(tmp_path)
    yield seed(ws, per_split=(2, 0, 0))
    ws.database.close()


def test_the_share_on_the_object_is_known_once_it_is_marked(seeded: Seeded) -> None:
    image = seeded.images()[0]
    assert map_figures(seeded.ws, image, EVEN).inside is None

    annotation.save(seeded.ws, image.id, image.class_id, [replace(LEFT_HALF, role="ignore_this")])
    assert map_figures(seeded.ws, image, EVEN).inside is None

    annotation.save(seeded.ws, image.id, image.class_id, [LEFT_HALF])
    assert map_figures(seeded.ws, image, EVEN).inside == pytest.approx(0.5)


def test_a_mask_goes_before_what_is_drawn(seeded: Seeded) -> None:
    image = seeded.images()[0]
    annotation.save(seeded.ws, image.id, image.class_id, [LEFT_HALF])
    mask, buffer = Image.new("1", (SIDE, SIDE)), io.BytesIO()
    mask.paste(1, (0, 0, SIDE, SIDE // 4))
    mask.save(buffer, "PNG")
    path = seeded.ws.files.mask("0" * 64)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())

    masked = replace(image, labels=(replace(image.labels[0], mask_sha256="0" * 64),))
    figures = map_figures(seeded.ws, masked, EVEN)
    assert figures.inside == pytest.approx(0.25)
    assert figures.spread == (1, 1)


def test_an_empty_map_has_no_figures(seeded: Seeded) -> None:
    image = seeded.images()[0]
    annotation.save(seeded.ws, image.id, image.class_id, [LEFT_HALF])
    figures = map_figures(seeded.ws, image, 0 * EVEN)
    assert (figures.spread, figures.inside) == (None, None)
