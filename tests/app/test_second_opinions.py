"""A second opinion covers the picture, is kept under what it depends on, and goes when others go."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.services import recycle_bin, retention, second_opinions
from app.services.library import open_image
from db.recycle_bin import DAY
from gain_core.errors import InputError
from gain_core.explain.methods import METHODS, Occlusion
from gain_core.models.classifier import build_classifier, default_spec
from gain_core.models.model_file import load_model
from gain_core.models.spec import pixels
from tests.app.seeded import CLASSES, Seeded


def silent(done: int, total: int) -> None:
    """Progress that nobody is told of."""


def test_an_answer_is_the_methods_map_and_is_kept(seeded: Seeded) -> None:
    version, image = seeded.publish(seed=3), seeded.images()[0]
    model = load_model(seeded.ws.files.absolute(version.path))
    asked = second_opinions.question(seeded.ws, version, image, 1, "occlusion")
    assert second_opinions.read(asked) is None
    steps: list[tuple[int, int]] = []

    second_opinions.answer(asked, model, lambda *step: steps.append(step))

    opinion = second_opinions.read(asked)
    assert opinion is not None
    expected = Occlusion().explain(model, pixels(open_image(seeded.ws, image), model.spec), 1)
    np.testing.assert_allclose(opinion.attention, expected, atol=1e-6)
    assert opinion.seconds > 0
    assert steps[0] == (0, 144)  # 12 × 12 squares


def test_the_map_of_a_model_that_crops_covers_the_whole_picture(seeded: Seeded) -> None:
    version, image = seeded.publish(), seeded.images()[0]
    spec = replace(default_spec("tf_efficientnet_lite0", CLASSES, 64), shorter_side=128)
    asked = second_opinions.question(seeded.ws, version, image, 0, "grad_cam")
    second_opinions.answer(asked, build_classifier(spec, weights="none", seed=4), silent)
    opinion = second_opinions.read(asked)
    assert opinion is not None
    rows, columns = opinion.attention.shape
    border = np.ones((rows, columns), bool)
    border[rows // 4 : -rows // 4, columns // 4 : -columns // 4] = False
    assert not opinion.attention[border].any()  # what it does not look at
    assert opinion.attention.any()


def test_each_image_version_class_and_method_has_its_own_answer(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = seeded.publish(), seeded.publish(seed=1)
    one, other = seeded.images()[:2]
    asked = {
        second_opinions.question(seeded.ws, version, image, position, method).file
        for version in (first, second)
        for image in (one, other)
        for position in (0, 1)
        for method in METHODS
    }
    monkeypatch.setitem(METHODS, "occlusion", Occlusion(window=0.5))
    asked.add(second_opinions.question(seeded.ws, first, one, 0, "occlusion").file)
    assert len(asked) == 2 * 2 * 2 * len(METHODS) + 1


@pytest.mark.parametrize("method", ["../../../etc/passwd", "", "LIME", "lime\n", "against_rival"])
def test_a_method_that_does_not_exist_is_refused(seeded: Seeded, method: str) -> None:
    with pytest.raises(InputError, match="expected one of grad_cam, score_cam"):
        second_opinions.question(seeded.ws, seeded.publish(), seeded.images()[0], 0, method)


def test_a_method_that_does_not_apply_says_why_and_keeps_nothing(seeded: Seeded) -> None:
    asked = second_opinions.question(seeded.ws, seeded.publish(), seeded.images()[0], 0, "guided_backprop")
    with_silu = build_classifier(default_spec("efficientnet_b0", CLASSES, 64), weights="none")
    with pytest.raises(InputError, match="needs a network with ReLU or ReLU6 activations; this one has silu"):
        second_opinions.answer(asked, with_silu, silent)
    assert not Path(asked.file).exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"other"])
def test_what_a_power_cut_left_is_no_answer(seeded: Seeded, content: bytes) -> None:
    asked = second_opinions.question(seeded.ws, seeded.publish(), seeded.images()[0], 0, "lime")
    Path(asked.file).parent.mkdir(parents=True)
    Path(asked.file).write_bytes(content)
    assert second_opinions.read(asked) is None


def test_answers_are_cleaned_by_age_and_go_with_their_project(seeded: Seeded) -> None:
    version = seeded.publish()
    asked = [second_opinions.question(seeded.ws, version, image, 0, "lime") for image in seeded.images()[:2]]
    for each in asked:
        Path(each.file).parent.mkdir(parents=True)
        np.savez(each.file, attention=np.ones((2, 2), np.float32), seconds=1.0)
    before = retention.room(seeded.ws)
    assert before.removable >= sum(Path(each.file).stat().st_size for each in asked)

    settings = replace(seeded.ws.settings, keep_days=1e-9 / DAY)
    retention.clean(replace(seeded.ws, settings=settings))
    assert [second_opinions.read(each) for each in asked] == [None, None]

    np.savez(asked[0].file, attention=np.ones((2, 2), np.float32), seconds=1.0)
    recycle_bin.put_into_bin(seeded.ws, seeded.project_id)
    recycle_bin.delete_for_good(seeded.ws, seeded.project_id)
    assert second_opinions.read(asked[0]) is None
