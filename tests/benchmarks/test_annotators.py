"""Simulated people, on a folder of four photographs with masks."""

import math
from itertools import pairwise

import numpy as np
import pytest

from app.services import annotation
from app.services.annotation_cost import Kind
from benchmarks.annotators import Supervision, about, along, beside, guide, judged, widened
from db import annotations
from db.records import Role
from tests.app.seeded import Seeded
from tests.benchmarks.conftest import EVERYWHERE, SIZE


def test_a_place_is_right_when_at_least_half_of_it_lies_on_the_object() -> None:
    mask = np.array([[True, True, False, False]])
    assert judged(np.array([[True, True, False, False]]), mask) == "right"
    assert judged(np.array([[False, True, True, False]]), mask) == "right"
    assert judged(np.array([[False, True, True, True]]), mask) == "wrong"
    assert judged(np.array([[False, False, False, False]]), mask) == "wrong"


def test_answers_go_by_the_mask_and_are_saved_as_the_app_saves_them(project: Seeded) -> None:
    version = project.publish()

    guide(project.ws, version, project.images("train"), "answer")

    roles: list[Role] = []
    for image in project.images("train"):
        stored = annotation.load(project.ws, image.id, image.class_id)
        assert stored is not None
        roles += {region.role for region in stored.regions}
    assert roles == ["look_here", "look_here", "ignore_this", "ignore_this"]


@pytest.mark.parametrize(("kind", "shape"), [("box", "box"), ("mask", "polygon")])
def test_guiding_anew_leaves_no_other_guidance(project: Seeded, kind: Kind, shape: str) -> None:
    version = project.publish()
    guide(project.ws, version, project.images("train"), "answer")

    guide(project.ws, version, project.images("train")[:1], kind)

    (left,) = annotations.list_guidance(project.ws.database, project.project_id)
    assert [(region.shape, region.role) for region in left.regions] == [(shape, "look_here")]
    assert left.image_id == project.images("train")[0].id


def test_the_box_to_ignore_is_the_widest_strip_beside_the_object() -> None:
    assert beside((2, 3, 10, 9), (24, 16)) == (10, 0, 24, 16)
    assert beside((4, 8, 20, 15), (24, 16)) == (0, 0, 24, 8)
    left, top, right, bottom = beside(EVERYWHERE, SIZE)
    assert (right - left) * (bottom - top) == 0


def test_a_loose_box_is_half_as_wide_and_high_again_and_stays_in_the_picture() -> None:
    assert widened((8, 4, 16, 12), (24, 16)) == (6, 2, 18, 14)
    assert widened((0, 4, 8, 16), (24, 16)) == (0, 1, 10, 16)


def test_a_stroke_runs_along_the_middle_of_the_object() -> None:
    mask = np.zeros((16, 40), dtype=np.bool_)
    mask[4:8, 0:40] = True
    points = along(mask)
    assert len(points) == 7
    assert [y for _, y in points] == pytest.approx([6.0] * 7)
    assert sorted(x for x, _ in points) == pytest.approx([8.5, 12.0, 16.0, 20.0, 24.0, 28.0, 31.5], abs=1.0)


def test_a_circle_runs_along_the_edge_of_the_object_and_ends_a_little_early() -> None:
    mask = np.zeros((16, 40), dtype=np.bool_)
    mask[4:12, 10:30] = True
    mask[6:8, 15:20] = False  # a hole is not walked
    points = about(mask)
    assert all(min(abs(x - 10), abs(x - 30), abs(y - 4), abs(y - 12)) < 1e-6 for x, y in points)
    length = sum(math.dist(one, other) for one, other in pairwise(points))
    assert length == pytest.approx(0.95 * 56, rel=0.03)  # corners are cut a little


@pytest.mark.parametrize(("kind", "shape"), [("stroke", "brush"), ("circle", "polygon"), ("loose", "box")])
def test_hurried_people_say_where_to_look(project: Seeded, kind: Supervision, shape: str) -> None:
    boats = project.images("train")[:2]  # a brush covers the cars' pixel: around it is no circle
    guide(project.ws, project.publish(), boats, kind)
    for stored in annotations.list_guidance(project.ws.database, project.project_id):
        assert [(region.shape, region.role) for region in stored.regions] == [(shape, "look_here")]


@pytest.mark.parametrize("kind", ["ignore", "ignore_mask"])
def test_a_box_to_ignore_is_saved_as_such(project: Seeded, kind: Supervision) -> None:
    cars = [image for image in project.images("train") if image.class_position == 1]
    guide(project.ws, project.publish(), cars, kind)
    for stored in annotations.list_guidance(project.ws.database, project.project_id):
        assert [(region.shape, region.role) for region in stored.regions] == [("box", "ignore_this")]
        assert stored.look_png is None
