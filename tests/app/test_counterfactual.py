"""What the model says of a part of an image: with the erasing and the preprocessing of training."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.services.counterfactual import parts_for
from app.services.explanation import ModelShelf
from app.services.library import open_image
from db.records import RegionRecord, Role
from gain_core.explain.masking import MaskingConfig, erase
from gain_core.models.classifier import preprocess
from gain_core.models.inference import EvidenceMaps, Numbers
from gain_core.models.model_file import load_model
from gain_core.models.spec import ModelSpec
from tests.app.seeded import CLASSES, SIDE, Seeded, open_home, seed

HARD = MaskingConfig(sigma=0.5, omega=1e5)  # T(A) is 0 or 1, as a mask is


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    ws = open_home(tmp_path)
    yield seed(ws, per_split=(1, 0, 0))
    ws.database.close()


def box(left: float, top: float, right: float, bottom: float, role: Role = "look_here") -> RegionRecord:
    return RegionRecord("box", role, ((left, top), (right, bottom)))


def mask_of(left: int, top: int, right: int, bottom: int) -> torch.Tensor:
    mask = torch.zeros(1, 1, SIDE, SIDE)
    mask[:, :, top:bottom, left:right] = 1
    return mask


def test_a_part_is_judged_as_training_judges_an_image_with_the_rest_erased(seeded: Seeded) -> None:
    version, image = seeded.publish(seed=3), seeded.images()[0]
    model = load_model(seeded.ws.files.absolute(version.path))
    pixels = preprocess(open_image(seeded.ws, image), model.spec).unsqueeze(0)

    def says(mask: torch.Tensor) -> list[float]:
        with torch.no_grad():
            return torch.softmax(model(erase(pixels, mask, HARD)[:, 0])[0], 0).tolist()

    regions = [box(8, 8, 40, 40), box(30, 20, 60, 50, "ignore_this")]
    views = parts_for(seeded.ws, version, image, regions, ModelShelf())

    look = (mask_of(8, 8, 40, 40) - mask_of(30, 20, 60, 50)).clamp(0)
    ignore = mask_of(30, 20, 60, 50)
    for role, mask in (("look_here", look), ("ignore_this", ignore)):
        assert views[role].alone == pytest.approx(says(1 - mask), rel=1e-3)
        assert views[role].taken_away == pytest.approx(says(mask), rel=1e-3)
    assert set(parts_for(seeded.ws, version, image, regions[1:], ModelShelf())) == {"ignore_this"}
    assert parts_for(seeded.ws, version, image, [], ModelShelf()) == {}


class Listening:
    """A model of somebody's own, which crops and takes blue first; it keeps what it is shown."""

    spec = ModelSpec(
        "own", CLASSES, image_size=32, shorter_side=64, mean=(0.1, 0.2, 0.3), std=(1, 1, 1), bgr=True
    )

    def __init__(self) -> None:
        self.shown: list[Numbers] = []

    def get(self, *_: object) -> "Listening":
        return self

    def trunk_features(self, images: Numbers) -> Numbers:
        raise NotImplementedError

    def evidence_maps(self, images: Numbers) -> EvidenceMaps:
        self.shown.append(images[0])
        return EvidenceMaps(np.zeros((1, 2), np.float32), np.zeros((1, 2, 1, 1), np.float32))


def test_a_model_that_crops_is_shown_the_part_where_it_lies_in_its_own_picture(seeded: Seeded) -> None:
    version, image, model = seeded.publish(), seeded.images()[0], Listening()
    shelf: Any = model

    views = parts_for(seeded.ws, version, image, [box(0, 0, 24, 48)], shelf)

    whole = preprocess(open_image(seeded.ws, image), model.spec).numpy()
    left = np.zeros((32, 32), np.float32)
    left[:, :8] = 1  # of the photograph's 64 pixels the model sees those from 16 to 48
    np.testing.assert_allclose(model.shown[0], whole * left, atol=1e-6)
    np.testing.assert_allclose(model.shown[1], whole * (1 - left), atol=1e-6)
    assert views["look_here"].alone == pytest.approx((0.5, 0.5))
    assert parts_for(seeded.ws, version, image, [box(0, 0, 10, 64)], shelf) == {}  # beside what it sees
