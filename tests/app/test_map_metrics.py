"""Figures of maps on images of a project: those of the library's functions, averaged."""

from pathlib import Path

import numpy as np
import pytest

from app.errors import ServiceError
from app.services import annotation, explanation, map_metrics
from app.services.map_metrics import measure_maps, read_metrics
from db.records import RegionRecord
from gain_core.metrics_of_maps import points_inside
from tests.app.seeded import SIDE, open_home, seed

BOX = RegionRecord("box", "look_here", ((8.0, 8.0), (40.0, 40.0)))


def test_maps_of_two_versions_are_measured_on_the_same_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_metrics, "IMAGES", 2)
    bay = seed(open_home(tmp_path))
    wrong = bay.images("train")[0]
    versions = bay.publish(wrong=[wrong.id]), bay.publish(seed=1)
    for image in bay.images("train"):
        annotation.save(bay.ws, image.id, image.class_id, (BOX,))
    steps: list[tuple[int, int, str]] = []

    measure_maps(
        bay.ws,
        [version.id for version in versions],
        "train",
        tmp_path / "figures",
        lambda *step: steps.append(step),
    )

    before, after = read_metrics(tmp_path / "figures")
    assert [done for done, _, _ in steps] == [0, 1, 2, 3]
    measured = sorted(bay.images("train"), key=lambda image: image.sha256)[:2]
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[8:40, 8:40] = True
    hits = [
        points_inside(
            explanation.attention_for(bay.ws, versions[1], image).attention(image.class_position), mask
        )
        for image in measured
    ]
    assert (after.images, after.with_object) == (2, len([hit for hit in hits if hit is not None]))
    assert after.pointing == np.mean([hit for hit in hits if hit is not None])
    assert 0 < after.deletion < 1
    assert 0 < after.insertion < 1
    assert after.average_precisions == (1.0, 1.0)
    assert before.average_precisions[0] == pytest.approx((1 + 2 / 4) / 2)  # one boat below both cars
    with pytest.raises(ServiceError, match="no test images"):
        measure_maps(bay.ws, [seed(bay.ws, "b", (4, 2, 0)).publish().id], "test", tmp_path, lambda *_: None)
    bay.ws.database.close()
