"""Labels made wrong and set right again, for the measurement of what that is worth."""

from benchmarks import wrong_labels
from db.records import ImageRecord
from tests.app.seeded import Seeded


def positions(images: list[ImageRecord]) -> dict[int, int]:
    return {image.id: image.class_position for image in images}


def test_a_share_gets_another_class_and_only_what_is_asked_for_is_set_right(project: Seeded) -> None:
    before = positions(project.images())
    wrong = wrong_labels.make_wrong(project.ws, project.project_id, 0.5, seed=0)
    now = positions(project.images())
    assert {image_id for image_id in before if before[image_id] != now[image_id]} == wrong
    assert len(wrong) == 2

    first, second = sorted(wrong)
    wrong_labels.set_right(project.ws, project.project_id, {first})
    now = positions(project.images())
    assert (now[first] == before[first], now[second] == before[second]) == (True, False)
    wrong_labels.set_right(project.ws, project.project_id, {second})
    assert positions(project.images()) == before


def test_labels_made_wrong_may_be_called_doubtful(project: Seeded) -> None:
    (wrong,) = wrong_labels.make_wrong(project.ws, project.project_id, 0.25, seed=0)
    version = project.publish(doubtful=[wrong])
    assert wrong_labels.called_doubtful(project.ws, version) == {wrong}


def test_another_seed_chooses_others(project: Seeded) -> None:
    chosen = set()
    for seed in range(8):
        wrong = wrong_labels.make_wrong(project.ws, project.project_id, 0.25, seed)
        chosen |= wrong
        wrong_labels.set_right(project.ws, project.project_id, wrong)
    assert len(chosen) > 1
