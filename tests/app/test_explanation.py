import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from app.errors import MissingFileError
from app.services import explanation
from app.services.explanation import AttentionView, ModelShelf, RegionView, attention_for, region_for
from app.services.library import open_image
from db.records import RegionRecord, Role
from gain_core.explain.gradcam import explain
from gain_core.models.classifier import preprocess
from gain_core.models.inference import difference
from gain_core.models.model_file import load_model
from tests.app.seeded import Seeded, open_home, seed


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    ws = open_home(tmp_path)
    yield seed(ws, per_split=(2, 0, 0))
    ws.database.close()


def test_maps_of_all_classes_and_probabilities_are_those_of_the_published_model(seeded: Seeded) -> None:
    version, image, shelf = seeded.publish(seed=3), seeded.images()[0], ModelShelf()

    view = attention_for(seeded.ws, version, image, shelf)

    model = load_model(seeded.ws.files.absolute(version.path))
    expected = explain(model, preprocess(open_image(seeded.ws, image), model.spec).unsqueeze(0))
    assert difference(view.evidence, expected.evidence[0].numpy()) < 1e-4
    assert view.evidence.shape == (2, 2, 2)
    assert view.evidence.dtype == np.float32
    np.testing.assert_array_equal(view.attention(1), np.maximum(view.evidence[1], 0))
    assert view.probabilities == pytest.approx(torch.softmax(expected.logits[0], 0).tolist(), rel=1e-4)
    assert sum(view.probabilities) == pytest.approx(1.0)


def test_the_predicted_class_is_the_most_probable_one() -> None:
    assert AttentionView(np.zeros((3, 1, 1), np.float32), (0.2, 0.5, 0.3)).predicted == 1


def test_the_map_against_the_rival_leaves_out_what_speaks_for_both() -> None:
    evidence = np.array([[[3, 1]], [[2, 4]], [[9, 9]]], dtype=np.float32)
    view = AttentionView(evidence, (0.6, 0.3, 0.1))
    assert (view.rival(0), view.rival(1), view.rival(2)) == (1, 0, 0)
    assert view.attention(0, against_rival=True).tolist() == [[1, 0]]
    assert view.attention(2, against_rival=True).tolist() == [[6, 8]]  # than class 0, not than class 1
    alone = AttentionView(evidence[:1], (0.6,))
    assert alone.rival(0) is None
    assert alone.attention(0, against_rival=True).tolist() == [[3, 1]]


def box(left: float, top: float, right: float, bottom: float, role: Role = "look_here") -> RegionRecord:
    return RegionRecord("box", role, ((left, top), (right, bottom)))


def test_a_region_alone_is_judged_by_the_features_inside_it(seeded: Seeded) -> None:
    """The photograph is 64 pixels wide and its feature map two cells, so that a cell is 32 pixels."""
    version, image, shelf = seeded.publish(seed=3), seeded.images()[0], ModelShelf()
    model = load_model(seeded.ws.files.absolute(version.path))
    pixels = preprocess(open_image(seeded.ws, image), model.spec).unsqueeze(0)
    with torch.no_grad():
        features = model.neck(model.trunk(pixels))
        upper_left = int(model.head(features[:, :, :1, :1])[0].argmax())
        right_half = int(model.head(features[:, :, :, 1:])[0].argmax())
    view = attention_for(seeded.ws, version, image, shelf)
    share = view.attention(view.predicted) / view.attention(view.predicted).sum()

    found = region_for(seeded.ws, version, image, [box(0, 0, 32, 32)], shelf)
    assert found is not None
    assert found.predicted_alone == upper_left
    assert found.evidence_inside == pytest.approx(share[0, 0], abs=0.03)  # the edge has its own pixels
    ignored = [box(0, 0, 64, 64), box(0, 0, 32, 64, "ignore_this")]
    rest = region_for(seeded.ws, version, image, ignored, shelf)
    assert rest is not None
    assert rest.predicted_alone == right_half
    assert rest.evidence_inside == pytest.approx(share[:, 1].sum(), abs=0.03)


def test_without_a_look_here_region_there_is_nothing_to_judge(seeded: Seeded) -> None:
    version, image = seeded.publish(seed=3), seeded.images()[0]
    for regions in ([], [box(0, 0, 32, 32, "ignore_this")], [box(100, 100, 120, 120)]):
        assert region_for(seeded.ws, version, image, regions, ModelShelf()) is None


@pytest.mark.parametrize(
    ("alone", "inside", "misleads"),
    [(0, 0.2, False), (0, None, False), (1, 0.2, True), (0, 0.5, True), (0, 0.49, False)],
)
def test_a_region_misleads_that_gives_another_class_or_holds_most_of_the_evidence(
    alone: int, inside: float | None, misleads: bool
) -> None:
    assert RegionView(alone, inside).misleads(label=0) == misleads


def test_many_threads_get_the_maps_that_one_thread_gets(seeded: Seeded) -> None:
    version, shelf = seeded.publish(seed=1), ModelShelf()
    images = seeded.images()
    alone = [attention_for(seeded.ws, version, image, ModelShelf()).evidence for image in images]
    together: dict[int, np.ndarray] = {}

    def work(number: int) -> None:
        together[number] = attention_for(seeded.ws, version, images[number % 2], shelf).evidence

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(together) == 8
    for number, attention in together.items():
        np.testing.assert_allclose(attention, alone[number % 2], atol=1e-6)


def test_a_model_that_several_threads_want_is_loaded_once(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, shelf = seeded.publish(), ModelShelf()
    loads: list[Path] = []
    real = explanation.inference_of_file

    def counted(path: Path, sha256: str) -> object:
        loads.append(path)
        return real(path, sha256)

    monkeypatch.setattr(explanation, "inference_of_file", counted)
    threads = [threading.Thread(target=shelf.get, args=(seeded.ws, version)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(loads) == 1


def test_the_shelf_forgets_the_model_that_was_not_used_for_longest(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explanation, "_load", lambda ws, version: object())
    first, second, third = (seeded.publish(seed=number) for number in range(3))
    shelf = ModelShelf(kept=2)
    kept = shelf.get(seeded.ws, first)
    dropped = shelf.get(seeded.ws, second)
    shelf.get(seeded.ws, first)
    shelf.get(seeded.ws, third)

    assert len(shelf) == 2
    assert shelf.get(seeded.ws, first) is kept
    assert shelf.get(seeded.ws, second) is not dropped


def test_a_model_file_that_is_gone_is_named(seeded: Seeded) -> None:
    version = seeded.publish()
    seeded.ws.files.absolute(version.path).unlink()

    with pytest.raises(MissingFileError, match=r"version 1 is missing"):
        attention_for(seeded.ws, version, seeded.images()[0], ModelShelf())


def test_a_model_file_that_is_not_the_published_one_is_refused(seeded: Seeded) -> None:
    version = seeded.publish()
    path = seeded.ws.files.absolute(version.path)
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    with pytest.raises(MissingFileError, match=r"has changed since it was published"):
        attention_for(seeded.ws, version, seeded.images()[0], ModelShelf())


def test_the_maps_of_a_version_whose_session_is_kept_load_no_torch(seeded: Seeded) -> None:
    version = seeded.publish()
    attention_for(seeded.ws, version, seeded.images()[0], ModelShelf())  # keeps it
    program = (
        "import sys\n"
        "from app.services.explanation import attention_for, region_for\n"
        "from app.settings import load_settings\n"
        "from app.workspace import open_workspace\n"
        "from db import library, versions\n"
        "from db.records import RegionRecord\n"
        "ws = open_workspace(load_settings())\n"
        "image = library.list_images(ws.database, 1, None)[0]\n"
        "version = versions.get_version(ws.database, 1)\n"
        "box = RegionRecord('box', 'look_here', ((0, 0), (32, 32)))\n"
        "assert attention_for(ws, version, image).attention(0).shape == (2, 2)\n"
        "assert region_for(ws, version, image, [box]) is not None\n"
        "import app.counts, app.resources, app.demo.project, app.services, pkgutil, importlib\n"
        "for module in pkgutil.iter_modules(app.services.__path__):\n"
        "    importlib.import_module(f'app.services.{module.name}')\n"
        "print([name for name in ('torch', 'timm', 'torchvision') if name in sys.modules])\n"
    )
    told = {**os.environ, "REFOCUS_HOME": str(seeded.ws.settings.home)}
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, env=told, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "[]"
