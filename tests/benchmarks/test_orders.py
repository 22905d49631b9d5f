"""The orders that are compared with the app's."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from app.services.queue import QueueItem
from benchmarks import orders
from benchmarks.orders import ORDERS, entropy, evidence_in_turns, first, in_order, in_turns
from db.records import PredictionRecord
from gain_core.models.inference import EvidenceMaps
from gain_core.models.onnx_session import OnnxModel
from tests.app.seeded import Seeded


def test_entropy_is_zero_for_the_sure_and_largest_for_the_undecided() -> None:
    assert entropy((1.0, 0.0)) == 0
    assert entropy((0.5, 0.5)) == pytest.approx(math.log(2))
    assert entropy((0.9, 0.1)) < entropy((0.6, 0.4))


def test_classes_take_turns_the_lowest_key_first(project: Seeded) -> None:
    images = project.images("train")  # two boats, then two cars
    keys = dict(zip((image.id for image in images), (2.0, 1.0, 3.0, 0.0), strict=True))
    items = [QueueItem(replace(image), None, False, "") for image in images]
    ordered = in_turns(items, lambda item: keys[item.image.id])
    assert [keys[image.id] for image in ordered] == [1.0, 0.0, 2.0, 3.0]


def test_within_a_class_the_evidence_groups_take_turns(project: Seeded) -> None:
    boats = project.images("train")[:2]
    third, fourth = (replace(boats[0], id=100 + n) for n in range(2))
    groups = {boats[0].id: 0, third.id: 0, fourth.id: 0, boats[1].id: 1}
    items = [
        QueueItem(
            image,
            PredictionRecord(1, image.id, 0, (1.0, 0.0), None, evidence_group=groups[image.id]),
            False,
            "",
        )
        for image in (boats[0], third, fourth, boats[1])
    ]
    assert [image.id for image in evidence_in_turns(items)] == [boats[0].id, boats[1].id, third.id, fourth.id]


def test_every_order_offers_images_with_masks_and_no_image_twice(project: Seeded) -> None:
    version = project.publish()
    for order in ORDERS:
        ids = [image.id for image in in_order(project.ws, version, order, seed=0)]
        assert sorted(ids) == sorted(image.id for image in project.images("train")), order


def test_what_is_left_without_the_attended_place_and_without_the_rest_is_judged_apart(
    project: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T(A) is told to be the left half: the first picture is the right half, the second the left one."""
    judged: list[np.ndarray] = []

    def erase(images: torch.Tensor, attention: torch.Tensor) -> torch.Tensor:
        halved = images.clone().unsqueeze(1)
        halved[..., : images.shape[3] // 2] = 0
        return halved

    def maps(model: OnnxModel, images: np.ndarray) -> EvidenceMaps:
        judged.append(images)
        return EvidenceMaps(*model.run(("logits", "evidence"), images))

    monkeypatch.setattr(orders, "erase", erase)
    monkeypatch.setattr(OnnxModel, "evidence_maps", maps)
    both = orders.erased_apart(project.ws, project.publish(), project.images("train")[0])
    assert all(0 <= probability <= 1 for probability in both)
    right, left = judged[-1]
    half = right.shape[2] // 2
    assert not right[..., :half].any()
    assert not left[..., half:].any()
    assert right[..., half:].any()
    assert left[..., :half].any()


def test_more_images_than_an_order_offers_are_refused(project: Seeded) -> None:
    right, wrong, *_ = project.images("train")
    version = project.publish(wrong=[image.id for image in project.images("train") if image.id != right.id])
    offered = in_order(project.ws, version, "erasure", seed=0)
    assert first(offered, 1) == [right]
    assert first([right, wrong], 1) == [right]
    for count in (2, -1):
        with pytest.raises(SystemExit, match=f"expected 0 to 1 images to guide, .* got {count}"):
            first(offered, count)
