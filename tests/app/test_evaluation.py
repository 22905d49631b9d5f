import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.services import labels
from app.services.comparison import CHANGES, Comparison, Pair, compare, compare_lists, pairs
from app.services.drawing_effect import drawing_effect
from app.services.evaluation import Evaluation, Score, evaluate
from app.workspace import Workspace
from db import library, runs, versions
from db.evaluation import Change
from db.new_images import NewImage, NewLabel
from db.records import SPLITS, ImageRecord, LabelFigures, LabelRecord, PredictionRecord, VersionRecord
from db.versions import NewPrediction
from tests.app.material import fresh_workspace

CLASSES = ("boat", "car")
VERSION = VersionRecord(1, 1, 1, None, None, "model.safetensors", "ab", "", datetime(2026, 1, 1, tzinfo=UTC))


def image(number: int, position: int, **groups: str) -> ImageRecord:
    return ImageRecord(
        id=number,
        project_id=1,
        name=f"{number}.png",
        sha256=f"{number:064x}",
        suffix=".png",
        width=8,
        height=8,
        split="validation",
        labels=(LabelRecord(position + 1, position),),
        groups=groups,
        review="open",
    )


def said(
    number: int, position: int, inside: float | None = None, version: int = 1, *, true: int = 0
) -> PredictionRecord:
    probabilities = (0.8, 0.2) if position == 0 else (0.2, 0.8)
    mistake = None if position == true else 0.8
    return PredictionRecord(version, number, position, probabilities, inside, mistake=mistake)


def evaluation(images: list[ImageRecord], predictions: list[PredictionRecord]) -> Evaluation:
    return evaluate(VERSION, "validation", CLASSES, images, {item.image_id: item for item in predictions})


def comparison(
    images: list[ImageRecord], before: list[PredictionRecord], after: list[PredictionRecord]
) -> Comparison:
    by_id = [{item.image_id: item for item in predictions} for predictions in (before, after)]
    return compare_lists((VERSION, VERSION), "validation", CLASSES, images, *by_id)


def crowd(
    first: int, count: int, right: int, position: int, place: str
) -> tuple[list[ImageRecord], list[PredictionRecord]]:
    """`count` images of one group, the first `right` of them predicted right."""
    images = [image(first + index, position, place=place) for index in range(count)]
    return images, [
        said(first + index, position if index < right else 1 - position, true=position)
        for index in range(count)
    ]


def test_images_are_counted_overall_by_class_and_by_group() -> None:
    result = evaluation(
        [image(1, 0, place="water"), image(2, 0, place="grass"), image(3, 1, place="grass")],
        [said(1, 0), said(2, 1), said(3, 1, true=1)],
    )

    assert result.overall == Score(correct=2, n=3, attention_inside=None)
    assert result.classes == (("boat", Score(1, 2, None)), ("car", Score(1, 1, None)))
    assert [(group.name, group.attribute, group.score.correct, group.score.n) for group in result.groups] == [
        ("boat/grass", "place", 0, 1),
        ("boat/water", "place", 1, 1),
        ("car/grass", "place", 1, 1),
    ]


def test_the_worst_group_is_looked_for_among_groups_of_twenty_and_more() -> None:
    small = crowd(0, 19, 0, 0, "grass")
    large = crowd(100, 20, 15, 0, "water")
    better = crowd(200, 20, 16, 1, "grass")
    result = evaluation(small[0] + large[0] + better[0], small[1] + large[1] + better[1])

    assert result.worst_group is not None
    assert (result.worst_group.name, result.worst_group.score.accuracy) == ("boat/water", 0.75)
    assert result.worst_group_any is not None
    assert (result.worst_group_any.name, result.worst_group_any.score.n) == ("boat/grass", 19)


def test_without_a_large_group_there_is_no_worst_group_but_a_worst_one_of_any_size() -> None:
    result = evaluation([image(1, 0, place="water")], [said(1, 1)])

    assert result.worst_group is None
    assert result.worst_group_any is not None
    assert result.worst_group_any.score.accuracy == 0.0


def test_of_two_groups_equally_bad_the_larger_one_is_named() -> None:
    few = crowd(0, 1, 0, 0, "grass")
    many = crowd(10, 3, 0, 1, "water")
    result = evaluation(few[0] + many[0], few[1] + many[1])

    assert result.worst_group_any is not None
    assert result.worst_group_any.name == "car/water"


def test_each_attribute_makes_groups_of_its_own() -> None:
    result = evaluation([image(1, 0, place="water", weather="fog")], [said(1, 0)])

    assert [(group.attribute, group.name) for group in result.groups] == [
        ("place", "boat/water"),
        ("weather", "boat/fog"),
    ]


def test_a_class_without_known_attributes_is_its_own_group() -> None:
    result = evaluation([image(1, 0), image(2, 1)], [said(1, 0), said(2, 0, true=1)])

    assert [(group.attribute, group.name, group.score.accuracy) for group in result.groups] == [
        (None, "boat", 1.0),
        (None, "car", 0.0),
    ]


def test_an_image_without_a_prediction_counts_nowhere_but_is_reported() -> None:
    result = evaluation([image(1, 0), image(2, 0)], [said(1, 0)])

    assert result.overall.n == 1
    assert result.missing == 1


def test_no_images_have_no_accuracy_and_no_interval() -> None:
    result = evaluation([], [])

    assert (result.overall.accuracy, result.overall.interval, result.worst_group_any) == (None, None, None)


def test_the_interval_is_wilsons() -> None:
    assert Score(8, 10, None).interval == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_attention_inside_is_the_mean_over_images_that_have_it() -> None:
    result = evaluation(
        [image(1, 0), image(2, 0), image(3, 1)], [said(1, 0, 0.2), said(2, 0, 0.6), said(3, 1, None, true=1)]
    )

    assert result.overall.attention_inside == pytest.approx(0.4)
    assert result.classes[1][1].attention_inside is None


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [(1, 0, "fixed"), (0, 1, "newly_wrong"), (0, 0, "right"), (1, 1, "wrong")],
)
def test_an_image_is_fixed_newly_wrong_or_stays_as_it_was(before: int, after: int, change: Change) -> None:
    result = comparison([image(1, 0)], [said(1, before)], [said(1, after, version=2)])

    assert {name: result.count(name) for name in CHANGES if result.count(name)} == {change: 1}
    assert result.images == 1


def test_of_several_labels_each_is_counted_and_ranked() -> None:
    """Boat and car on the first image, a boat on the second; the model finds boats, and ranks cars last."""
    both = replace(image(1, 0), labels=(LabelRecord(1, 0), LabelRecord(2, 1)))
    images = [both, image(2, 0)]
    figures = (LabelFigures(0, 0.25, None), LabelFigures(1, 0.75, None))
    predictions = {
        1: PredictionRecord(1, 1, 0, (0.9, 0.2), 0.75, mistake=0.8, label=1, label_figures=figures),
        2: PredictionRecord(1, 2, 0, (0.8, 0.3), None, label_figures=(LabelFigures(0, None, None),)),
    }

    result = evaluate(VERSION, "validation", CLASSES, images, predictions, multi_label=True)

    assert result.overall == Score(correct=1, n=2, attention_inside=0.5, attention_images=2)
    assert result.classes == (("boat", Score(2, 2, 0.25, 1)), ("car", Score(0, 1, 0.75, 1)))
    assert result.precisions == (1.0, 0.5)
    assert result.mean_precision == 0.75
    assert (result.weakest_class, result.groups) == (("car", 0.5), ())  # a class alone is no group there


@pytest.mark.parametrize("several", [False, True])
def test_what_the_database_counts_is_what_counting_by_hand_gives(tmp_path: Path, several: bool) -> None:
    """On random images of three splits with attributes, masks, missing predictions and changed labels."""
    ws = fresh_workspace(tmp_path)
    chance = random.Random(0)
    new = [
        NewImage(
            f"{n}.png",
            f"{n}",
            ".png",
            8,
            8,
            chance.choice(SPLITS),
            _labels(chance, several),
            chance.choice([{}, {"place": "sea"}, {"place": "sand", "sky": "grey"}]),
        )
        for n in range(120)
    ]
    project = library.create_project(
        ws.database, "a", "upload", "b", 224, list(CLASSES), new, [], multi_label=several
    )
    first, second = (_random_version(ws, project.id, chance, several) for _ in range(2))
    classes = library.list_classes(ws.database, project.id)
    for one in [image for image in library.list_images(ws.database, project.id) if len(image.labels) == 1][
        ::9
    ]:
        labels.change_label(ws, one, classes[1 - one.class_position].id)

    for split in SPLITS:
        images = library.list_images(ws.database, project.id, split)
        before, after = (
            {item.image_id: item for item in versions.list_predictions(ws.database, version.id, split)}
            for version in (first, second)
        )
        counted = compare(ws, first.id, second.id, split)
        by_hand = compare_lists((first, second), split, CLASSES, images, before, after, multi_label=several)
        _same(counted.before, by_hand.before)
        _same(counted.after, by_hand.after)
        assert {name: counted.count(name) for name in CHANGES} == {
            name: by_hand.count(name) for name in CHANGES
        }
        assert drawing_effect(counted) == drawing_effect(by_hand)
        both = [one for one in images if one.id in before and one.id in after]
        assert counted.images == len(both) > 10
        expected = sorted(both, key=lambda one: _moved(before[one.id], after[one.id]), reverse=True)
        pages = [
            pairs(ws, first.id, second.id, split, None, limit=7, offset=start)
            for start in range(0, len(both), 7)
        ]
        assert [pair.image for page in pages for pair in page] == expected
        assert pages[0][0] == Pair(expected[0], before[expected[0].id], after[expected[0].id])
        fixed = pairs(ws, first.id, second.id, split, "fixed", limit=100)
        assert [pair.image for pair in fixed] == [
            one for one in expected if not before[one.id].right and after[one.id].right
        ]


def _labels(chance: random.Random, several: bool) -> tuple[NewLabel, ...]:
    return tuple(
        NewLabel(position) for position in chance.sample(range(2), 1 + several * chance.randrange(2))
    )


def _random_version(ws: Workspace, project_id: int, chance: random.Random, several: bool) -> VersionRecord:
    predictions = []
    for one in library.list_images(ws.database, project_id):
        if chance.random() < 0.1:
            continue
        sure = chance.random()
        predictions.append(
            NewPrediction(
                one.id,
                one.class_position,
                int(sure < 0.5),
                (sure, chance.random() if several else 1 - sure),
                chance.choice([None, 0.25, 0.5, chance.random()]),
                control_predicted=chance.choice([0, 1] if several else [None, 0, 1]),
                control_probabilities=(chance.random(), chance.random()) if several else None,
            )
        )
    run = runs.request_run(ws.database, project_id, "quick", {}, None)
    claimed = runs.claim(ws.database, "test", 60)
    assert claimed is not None
    return runs.finish_with_version(
        ws.database, run.id, claimed.lease_token or "", "m", "0" * 64, "", predictions
    )


def _same(counted: Evaluation, by_hand: Evaluation) -> None:
    assert counted.missing == by_hand.missing
    assert counted.precisions == by_hand.precisions
    one, other = counted.calibration, by_hand.calibration
    assert (one is None) == (other is None) == bool(by_hand.precisions)
    if one is not None and other is not None:
        assert (one.n, one.accuracy) == (other.n, other.accuracy)
        assert one.error == pytest.approx(other.error)
        assert one.confidence == pytest.approx(other.confidence)
    names = [(group.attribute, group.name) for group in by_hand.groups]
    assert [(group.attribute, group.name) for group in counted.groups] == names
    for score, expected in zip(
        [counted.overall, *(score for _, score in counted.classes), *(item.score for item in counted.groups)],
        [by_hand.overall, *(score for _, score in by_hand.classes), *(item.score for item in by_hand.groups)],
        strict=True,
    ):
        assert (score.correct, score.n) == (expected.correct, expected.n)
        assert score.attention_images == expected.attention_images
        assert score.attention_inside == pytest.approx(expected.attention_inside)


def _moved(before: PredictionRecord, after: PredictionRecord) -> float:
    if before.attention_inside is None or after.attention_inside is None:
        return 0.0
    return after.attention_inside - before.attention_inside
