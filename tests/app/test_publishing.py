"""When a retrained model takes the published one's place by itself."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.services import publishing
from app.services.comparison import Comparison
from app.services.publishing import why_worse
from app.workspace import Workspace
from db import runs
from db.library import create_project, get_project, list_images
from db.new_images import NewImage, NewLabel
from db.records import RunRecord
from db.versions import NewPrediction
from tests.app.seeded import open_home
from tests.app.test_evaluation import comparison, image, said

Item = tuple[int, str, bool, bool]  # class position, place, right before, right after


def group(position: int, place: str, before: int, after: int, n: int) -> list[Item]:
    """n images of one group, of which the first so many are right before and after."""
    return [(position, place, number < before, number < after) for number in range(n)]


def compared(items: list[Item]) -> Comparison:
    images = [image(number, position, place=place) for number, (position, place, _, _) in enumerate(items)]
    before = [said(n, item[0] if item[2] else 1 - item[0], true=item[0]) for n, item in enumerate(items)]
    after = [said(n, item[0] if item[3] else 1 - item[0], true=item[0]) for n, item in enumerate(items)]
    return comparison(images, before, after)


def test_a_better_model_and_an_equal_one_are_not_worse() -> None:
    assert why_worse(compared(group(0, "water", 3, 5, 5) + group(1, "grass", 4, 4, 5))) is None
    assert why_worse(compared(group(0, "water", 3, 3, 5))) is None


def test_more_images_newly_wrong_than_fixed_are_worse_though_the_worst_group_gains() -> None:
    items = group(0, "water", 1, 2, 5) + group(1, "grass", 20, 18, 20)
    assert why_worse(compared(items)) == (  # grass alone has 20 images and falls too
        "2 images newly wrong, 1 fixed; the worst group fell from 20 of 20 "
        "(car/grass) to 18 of 20 (car/grass)"
    )
    items = group(0, "water", 1, 2, 5) + group(1, "grass", 5, 3, 5)
    assert why_worse(compared(items)) == "2 images newly wrong, 1 fixed"


def test_a_lower_worst_group_is_worse_though_more_images_are_right() -> None:
    items = group(0, "water", 12, 20, 20) + group(1, "grass", 15, 11, 20)
    assert why_worse(compared(items)) == (
        "the worst group fell from 12 of 20 (boat/water) to 11 of 20 (car/grass)"
    )


def test_a_group_of_fewer_than_twenty_images_does_not_count_beside_larger_ones() -> None:
    items = group(0, "water", 12, 20, 20) + group(1, "grass", 2, 1, 2)
    assert why_worse(compared(items)) is None


def test_a_lower_map_of_several_labels_is_worse() -> None:
    even = compared(group(0, "water", 3, 3, 5))
    before, after = (
        replace(side, precisions=(1.0, mean)) for side, mean in ((even.before, 0.5), (even.after, 0.4))
    )
    assert why_worse(replace(even, before=before, after=after)) == "mAP fell from 75 to 70"
    assert why_worse(replace(even, before=after, after=before)) is None


def test_without_validation_images_nothing_is_worse() -> None:
    assert why_worse(compared([])) is None


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    workspace = open_home(tmp_path)
    yield workspace
    workspace.database.close()


@pytest.fixture
def project_id(ws: Workspace) -> int:
    """Two images of each class for validation, and two for training."""
    images = [
        NewImage(
            f"{n}.png", f"{n:064x}", ".png", 8, 8, "validation" if n < 4 else "train", (NewLabel(n % 2),)
        )
        for n in range(6)
    ]
    return create_project(ws.database, "P", "upload", "resnet18", 96, ["boat", "car"], images, []).id


def predictions(ws: Workspace, project_id: int, wrong: int) -> list[NewPrediction]:
    """The first so many images are wrong."""
    return [
        NewPrediction(one.id, one.class_position, abs(one.class_position - (number < wrong)), (0.5, 0.5))
        for number, one in enumerate(list_images(ws.database, project_id))
    ]


def finish(ws: Workspace, project_id: int, base: int | None, wrong: int) -> RunRecord:
    run = runs.request_run(ws.database, project_id, "quick", {}, base)
    claimed = runs.claim(ws.database, "test", 60.0)
    assert claimed is not None
    made = predictions(ws, project_id, wrong)
    reason = publishing.decide(ws, claimed, made)
    runs.finish_with_version(
        ws.database, run.id, claimed.lease_token or "", "m", "0" * 64, "", made, kept_because=reason
    )
    return runs.get_run(ws.database, run.id)


def published(ws: Workspace, project_id: int) -> int | None:
    return get_project(ws.database, project_id).current_version_id


def test_a_worse_retrain_is_kept_and_the_published_version_stays(ws: Workspace, project_id: int) -> None:
    first = finish(ws, project_id, None, wrong=1)
    assert (first.status, first.message, published(ws, project_id)) == ("published", None, first.version_id)

    worse = finish(ws, project_id, first.version_id, wrong=2)

    assert worse.status == "kept"
    assert worse.message == (
        "Not published: worse than version 1 on validation images (1 image newly wrong, 0 fixed)."
    )
    assert worse.version_id is not None
    assert published(ws, project_id) == first.version_id
    assert publishing.kept_versions(ws, project_id) == {worse.version_id: worse.message}

    better = finish(ws, project_id, first.version_id, wrong=0)
    assert (better.status, published(ws, project_id)) == ("published", better.version_id)


def test_a_first_model_trained_anew_is_published_whatever_it_says(ws: Workspace, project_id: int) -> None:
    finish(ws, project_id, None, wrong=0)
    anew = finish(ws, project_id, None, wrong=4)
    assert (anew.status, published(ws, project_id)) == ("published", anew.version_id)


def test_without_validation_images_a_retrain_is_published(ws: Workspace) -> None:
    images = [NewImage(f"{n}.png", f"{n:064x}", ".png", 8, 8, "train", (NewLabel(n % 2),)) for n in range(4)]
    project_id = create_project(ws.database, "T", "upload", "resnet18", 96, ["boat", "car"], images, []).id
    first = finish(ws, project_id, None, wrong=0)
    assert finish(ws, project_id, first.version_id, wrong=4).status == "published"
